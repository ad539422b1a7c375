"""What no key shows by itself: conditions, schedules and names that do not fit together.

A condition that reads a signal that does not exist would be unknown for ever, and fire nothing:
in silence. So would a floor for a metric that nobody measures refuse every candidate.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from homeostat.domain.evidence import Signal
from homeostat.errors import ProjectFileError
from homeostat.policy.expression import compile_expression
from homeostat.policy.schedule import next_after
from homeostat.spec.project import Project
from homeostat.spec.signal_names import signal_names
from homeostat.stats.metrics import known

FITTING = {
    "binary": (
        "auc", "average_precision", "accuracy", "precision", "recall", "f1", "log_loss", "brier",
        "calibration_error",
    ),
    "regression": ("mae", "mape", "rmse", "r2", "pinball_50"),
}  # fmt: skip
"""Metrics that can be measured, by task; any percent does for the pinball loss."""

_MEMBER = re.compile(r"\b(\w+)\s*(?:\.\s*(\w+)\b(?!\s*\()|\[\s*(?:'([^']*)'|\"([^\"]*)\")\s*\])")
_BOUND = re.compile(r"\.\s*(?:exists|exists_one|all|filter|map)\s*\(\s*(\w+)\s*,")
_SYNTAX = re.compile(r"<input>:1:(\d+): (?:Syntax error: )?(.*?)(?: expecting .*)?$", re.MULTILINE)
_SOME_TIME = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Mistake:
    """Where in the file, by keys, and what is wrong there."""

    location: tuple[str | int, ...]
    problem: str


def mistakes_in(project: Project) -> Iterator[Mistake]:
    """Every mistake in a file whose sections are right one by one."""
    yield from _metrics(project)
    for name, trigger in project.triggers.items():
        if trigger.when is not None:
            yield from _condition(project, trigger.when, ("triggers", name, "when"))
        if trigger.schedule is not None:
            yield from _schedule(trigger.schedule, ("triggers", name, "schedule"))
    for name, rule in project.policy.rules.items():
        yield from _condition(project, rule.when, ("policy", "rules", name, "when"))
    shares = [step.share for step in project.rollout.steps]
    for place in range(1, len(shares)):
        if shares[place] <= shares[place - 1]:
            problem = f"shares must grow from step to step, {shares[place]:g} follows on "
            yield Mistake(("rollout", "steps", place, "share"), f"{problem}{shares[place - 1]:g}")
    for name, source in project.sources.items():
        if source.posted and name != project.labels.source:
            yield Mistake(("sources", name, "posted"), "only the source of the labels is posted")


def nearest(name: str, names: Iterable[str]) -> str:
    """``do you mean 'x'? `` when one of ``names`` is much like ``name``, else nothing."""
    near = difflib.get_close_matches(name, sorted(names), n=1)
    return f"do you mean '{near[0]}'? " if near else ""


def _metrics(project: Project) -> Iterator[Mistake]:
    named: list[tuple[tuple[str | int, ...], str]] = [
        (("metrics", "primary"), project.metrics.primary),
        *((("metrics", "also", n), name) for n, name in enumerate(project.metrics.also)),
        *((("gates", "metrics", name), name) for name in project.gates.metrics),
    ]
    for location, name in named:
        if name not in project.metrics.own:
            yield from _fitting(project, name, location)
    search = project.training.search
    for place, objective in enumerate(search.objectives if search else ()):
        yield from _fitting(project, objective, ("training", "search", "objectives", place))
    if project.metrics.primary == "calibration_error":
        problem = "a difference of calibration errors has no interval that holds; take brier"
        yield Mistake(("metrics", "primary"), problem)
    for name in project.metrics.own:
        if known(name):
            yield Mistake(("metrics", "own", name), f"'{name}' is built in; take another name")
    measured = [*project.metrics.names, *(f"holdout.{name}" for name in project.metrics.names)]
    for name in project.gates.minimum:
        if name not in measured:
            problem = f"no metric '{name}' is measured; {nearest(name, measured)}"
            yield Mistake(
                ("gates", "minimum", name), f"{problem}measured are {', '.join(measured)}"
            )
    yield from _columns(project)


def _fitting(project: Project, name: str, location: tuple[str | int, ...]) -> Iterator[Mistake]:
    fitting = FITTING[project.task]
    if name in fitting or (project.task == "regression" and name.startswith("pinball_")):
        if not known(name):
            yield Mistake(location, f"'{name}' is no metric; write pinball_1 to pinball_99")
        return
    yield Mistake(
        location,
        f"{name} cannot be measured with task {project.task}; allowed are {', '.join(fitting)}",
    )


def _columns(project: Project) -> Iterator[Mistake]:
    features = project.features.names
    places: list[tuple[tuple[str | int, ...], str]] = [
        *((("metrics", "slices", n), name) for n, name in enumerate(project.metrics.slices)),
        *((("gates", "fairness", name), name) for name in project.gates.fairness),
    ]
    for location, name in places:
        if name not in features:
            problem = f"no feature '{name}'; {nearest(name, features)}"
            yield Mistake(location, f"{problem}features are {', '.join(features)}")
    for name, limits in project.gates.fairness.items():
        if limits.demographic_parity is None and limits.equalized_odds is None:
            problem = "state a limit: demographic_parity, equalized_odds, or both"
            yield Mistake(("gates", "fairness", name), problem)
    for key in ("disagreement", "mistakes"):
        if project.task != "binary" and getattr(project.rollout.guards, key) is not None:
            yield Mistake(("rollout", "guards", key), "it is for task binary")
    if project.task != "binary":
        for key in ("fairness", "calibration"):
            if getattr(project.gates, key):
                yield Mistake(("gates", key), "it is for task binary")


def _schedule(text: str, location: tuple[str | int, ...]) -> Iterator[Mistake]:
    try:
        next_after(text, _SOME_TIME)
    except ProjectFileError as error:
        yield Mistake(location, f"{error.problem}; {error.next_step}")


def _condition(project: Project, text: str, location: tuple[str | int, ...]) -> Iterator[Mistake]:
    """Syntax, then names, then whether it gives true or false once all signals have a value."""
    try:
        condition = compile_expression(text)
    except ProjectFileError as error:
        found = _SYNTAX.search(error.problem)
        said = f"syntax error at character {found[1]}: {found[2]}" if found else error.problem
        yield Mistake(location, f"{said}; {error.next_step}")
        return
    signals = signal_names(project)
    families = {name.partition(".")[0] for name in signals if "." in name}
    read = {name for name in condition.names if name not in families} - set(_BOUND.findall(text))
    read |= {
        f"{family}.{member or quoted or quoted2}"
        for family, member, quoted, quoted2 in _MEMBER.findall(text)
        if family in families
    }
    unknown = sorted(read - signals)
    for name in unknown:
        yield Mistake(
            location, f"no signal '{name}'; {nearest(name, signals)}docs/signals.md lists them"
        )
    if not unknown:
        yield from _truth(condition.text, signals, location)


def _truth(text: str, known: frozenset[str], location: tuple[str | int, ...]) -> Iterator[Mistake]:
    values = {name: Signal(name, 1.5, _SOME_TIME, 0.0, 1) for name in known}
    truth = compile_expression(text).evaluate(values)
    if truth.value is None:
        said = truth.reading.removeprefix(f"{text}: ").removeprefix("unknown, ")
        yield Mistake(
            location, f"{said}; signals are decimals: write 2.0 for 2 where you calculate"
        )
