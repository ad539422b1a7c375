"""Which cases there are, and running them on all processors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context

from truth import compare, detect, drift, estimate, sequential
from truth.case import Case, Measured, measure


@dataclass(frozen=True)
class Section:
    """A part of the table: our cases and those of the usual practice, then a peer's rows."""

    title: str
    cases: Callable[[], list[Case]]
    peer: str = ""


SECTIONS = (
    Section("Two models on the same rows", compare.cases),
    Section("Asked after every value", sequential.cases),
    Section("Drift of a window from its reference", drift.cases, "Evidently"),
    Section("A change in a stream of 10,000 values", detect.cases, "River"),
    Section("Estimates without labels; fairness; calibration", estimate.cases, "NannyML"),
)


@cache
def every_case() -> dict[str, Case]:
    """All cases by name."""
    found = [case for section in SECTIONS for case in section.cases()]
    named = {case.name: case for case in found}
    assert len(named) == len(found), "two cases of one name"
    return named


def one(name: str, seed: int, part: float) -> list[Measured]:
    """The rows of a case or a peer, by name."""
    if name in every_case():
        return [measure(every_case()[name], seed=seed, part=part)]
    from truth import peers

    return peers.asked(name, seed, part)


def names(only: str) -> list[str]:
    """Cases and peers whose name has ``only`` in it, in the order of the table."""
    found = []
    for section in SECTIONS:
        found += [case.name for case in section.cases()] + [section.peer] * bool(section.peer)
    return [name for name in found if only.lower() in name.lower()]


def run(
    asked: list[str], *, seed: int, part: float, workers: int
) -> Iterator[tuple[str, list[Measured]]]:
    """Each name with its rows, as they come. The rows do not depend on the order or the workers."""
    peers = [name for name in asked if name not in every_case()]
    rest = [name for name in asked if name in every_case()]
    # The longest first, so that none is left alone at the end.
    rest.sort(key=lambda name: "90 days" not in name)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        running = {pool.submit(one, name, seed, part): name for name in peers + rest}
        for done in as_completed(running):
            yield running[done], done.result()
