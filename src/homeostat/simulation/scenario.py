"""The scenario file: what a back-test breaks on purpose, and when.

::

    compare_from: 2013-05-01          # optional: from when on quality is compared
    disturbances:
      - {name: weather-nulls, kind: nulls, source: weather, columns: [temp],
         from: 2013-07-09, until: 2013-07-12}
      - {name: renamed-column, kind: rename, source: flights, columns: {dest: destination},
         on: 2013-09-10}
      - {name: shuffled-labels, kind: shuffle_labels, on: 2013-10-01}

Days are UTC. YAML reads a bare ``on`` as true; both spellings are understood.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BeforeValidator, Field, ValidationError, model_validator

from homeostat.errors import ProjectFileError
from homeostat.spec.base import Section
from homeostat.spec.load import line_of
from homeostat.spec.project import Project

DAY = timedelta(days=1)


def _instant(value: Any) -> Any:
    """A date or time, written as YAML or as text, as an aware instant in UTC."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError as error:
            raise ValueError("write a day or time as ISO 8601, e.g. 2013-07-09") from error
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)  # noqa: DTZ001
    if not isinstance(value, datetime):
        raise ValueError("write a day or time as ISO 8601, e.g. 2013-07-09")
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Instant = Annotated[datetime, BeforeValidator(_instant)]


class Nulls(Section):
    """Columns of a source come empty: rows that became known in ``[from, until)``.

    The feed is whole again after ``until``, also for the lost span when it is asked for again.
    """

    kind: Literal["nulls"]
    name: str = Field(min_length=1)
    source: str
    columns: tuple[str, ...] = Field(min_length=1)
    since: Instant = Field(alias="from")
    until: Instant

    @model_validator(mode="after")
    def _ordered(self) -> Nulls:
        if self.since >= self.until:
            raise ValueError("'from' must be before 'until'")
        return self


class Rename(Section):
    """The delivery that holds ``on`` comes with columns renamed; asked again, it is right."""

    kind: Literal["rename"]
    name: str = Field(min_length=1)
    source: str
    columns: dict[str, str] = Field(min_length=1)
    on: Instant


class ShuffleLabels(Section):
    """The first training run on or after ``on`` learns from labels in random order."""

    kind: Literal["shuffle_labels"]
    name: str = Field(min_length=1)
    on: Instant


Disturbance = Annotated[Nulls | Rename | ShuffleLabels, Field(discriminator="kind")]


class Scenario(Section):
    """All that a back-test breaks on purpose; an empty one breaks nothing."""

    disturbances: tuple[Disturbance, ...] = ()
    compare_from: Instant | None = None
    """From when on mean monthly quality is compared; default: the first whole month served."""

    @model_validator(mode="after")
    def _named_once(self) -> Scenario:
        names = [each.name for each in self.disturbances]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"disturbances named twice: {', '.join(twice)}")
        return self


def load_scenario(path: Path, project: Project) -> Scenario:
    """The scenario in ``path``, which must fit ``project``'s sources.

    Raises ProjectFileError naming the file, the line and what is allowed.
    """
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        document = yaml.safe_load(text)
    except FileNotFoundError as error:
        raise _error(path, 0, "there is no such file", "correct the path") from error
    except (OSError, UnicodeDecodeError) as error:
        raise _error(path, 0, f"it cannot be read: {error}", "save it as UTF-8 text") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise _error(path, line, f"not YAML: {error.problem}", "check the line") from error
    except yaml.YAMLError as error:
        raise _error(path, 1, f"not YAML: {error}", "save it as plain text") from error
    if not isinstance(document, dict) or node is None:
        raise _error(path, 1, "the file holds no keys", "begin with 'disturbances:'")
    try:
        scenario = Scenario.model_validate(_spelled(document))
    except ValidationError as error:
        raise _explained(path, error, node) from error
    for place, each in enumerate(scenario.disturbances):
        if not isinstance(each, ShuffleLabels) and each.source not in project.sources:
            known = ", ".join(sorted(project.sources))
            line = line_of(node, ("disturbances", place, "source"))
            problem = f"there is no source '{each.source}'; declared are {known}"
            raise _error(path, line, problem, "name a source of the project")
    return scenario


def _spelled(document: dict[Any, Any]) -> dict[Any, Any]:
    """The bare key ``on``, which YAML takes for true, as text."""
    listed = document.get("disturbances")
    if not isinstance(listed, list):
        return document
    spelled = [
        {("on" if key is True else key): value for key, value in each.items()}
        if isinstance(each, dict)
        else each
        for each in listed
    ]
    return {**document, "disturbances": spelled}


def _explained(path: Path, error: ValidationError, node: yaml.Node) -> ProjectFileError:
    found = []
    for mistake in error.errors():
        location = [part for part in mistake["loc"] if part not in _KINDS]
        key = ".".join(str(part) for part in location) or "the file"
        message = mistake["msg"].removeprefix("Value error, ")
        if mistake["type"] == "extra_forbidden":
            message = "unknown key"
        elif mistake["type"] == "missing":
            message = "is missing"
        elif mistake["type"].startswith("union_tag"):
            message = f"'kind' must be one of {', '.join(_KINDS)}"
        found.append((line_of(node, location), f"'{key}': {message}"))
    found.sort()
    listed = "; ".join(message for _, message in found)
    return _error(path, found[0][0], listed, "see docs/backtest.md for the format")


_KINDS = ("nulls", "rename", "shuffle_labels")


def _error(path: Path, line: int, problem: str, next_step: str) -> ProjectFileError:
    subject = f"{path.name}:{line}" if line else str(path)
    return ProjectFileError(problem, subject=subject, next_step=next_step)
