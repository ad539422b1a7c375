"""Does the Python code beside the project file load, and does the estimator take its parameters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from homeostat.errors import HomeostatError, LeakError, ProjectCodeError, ProjectError
from homeostat.features.leaks import check_declaration
from homeostat.spec.code import load_function
from homeostat.spec.load import ProjectFile
from homeostat.spec.training import Parameter

Location = tuple[str | int, ...]


def check_code(file: ProjectFile, folder: Path) -> None:
    """Raise one error for everything that is wrong with functions, estimator and features.

    A single mistake keeps its own type; several become a ProjectError with a line for each.
    """
    together(list(_mistakes(file, folder)))


def together(errors: list[HomeostatError]) -> None:
    """Raise ``errors`` as one, in the order of the file; nothing when there are none."""
    errors = sorted(errors, key=_line)
    if len(errors) == 1:
        raise errors[0]
    if errors:
        lines = "".join(f"\n  {error.subject}: [{error.code}] {error.problem}" for error in errors)
        raise ProjectError(
            f"{len(errors)} mistakes:{lines}\n",
            subject=errors[0].subject,
            next_step="correct them, then run `homeostat check`",
        )


def _line(error: HomeostatError) -> tuple[str, int]:
    name, _, line = error.subject.rpartition(":")
    return name, int(line) if line.isdigit() else 0


def at_line(error: HomeostatError, file: ProjectFile, location: Location) -> HomeostatError:
    """``error`` with the line of the project file as its subject.

    A subject that is a line of the project's own code stays: that line is what to correct.
    """
    named, _, line = error.subject.rpartition(":")
    if named.endswith(".py") and line.isdigit():
        return error
    key = ".".join(map(str, location))
    return type(error)(
        f"'{key}': {error.problem}", subject=file.place(location), next_step=error.next_step
    )


@dataclass(frozen=True, slots=True)
class _Named:
    reference: str
    location: Location


def _functions(file: ProjectFile) -> Iterator[_Named]:
    for name, source in file.project.sources.items():
        if source.load is not None:
            yield _Named(source.load, ("sources", name, "load"))
    if file.project.features.derive is not None:
        yield _Named(file.project.features.derive, ("features", "derive"))
    yield _Named(file.project.training.estimator, ("training", "estimator"))


def _mistakes(file: ProjectFile, folder: Path) -> Iterator[HomeostatError]:
    told: set[str] = set()
    for named in _functions(file):
        try:
            load_function(folder, named.reference)
        except ProjectCodeError as error:
            placed = at_line(error, file, named.location)
            if placed.subject not in told:  # a module that does not load is told once
                told.add(placed.subject)
                yield placed
        else:
            if named.location == ("training", "estimator"):
                yield from _estimator(file, folder)
    try:
        check_declaration(file.project)
    except LeakError as error:
        keys = tuple(error.subject.partition(": ")[2].split("."))
        yield at_line(error, file, keys)


def _estimator(file: ProjectFile, folder: Path) -> Iterator[HomeostatError]:
    """Whether it can be made with its parameters and a value of each one that is searched."""
    from homeostat.pipeline.train import make_estimator

    training = file.project.training
    space = training.search.space if training.search else {}
    tried = {name: _some_value(each) for name, each in space.items()}
    try:
        make_estimator(file.project, folder, tried, training.seed)
    except HomeostatError as error:
        yield at_line(error, file, ("training", "estimator"))


def _some_value(parameter: Parameter) -> Any:
    if parameter.choices:
        return parameter.choices[0]
    assert parameter.low is not None
    return int(parameter.low) if parameter.integer else parameter.low
