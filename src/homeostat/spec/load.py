"""Read ``homeostat.yaml``; every error names file, line, key and what is allowed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from homeostat.domain.codec import digest_of
from homeostat.errors import ProjectFileError, ProjectVersionError
from homeostat.spec.project import FORMAT, Project
from homeostat.spec.sense import mistakes_in, nearest
from homeostat.spec.yaml_file import Location, compose, line_of, values_of, written

__all__ = ["FILE", "ProjectFile", "line_of", "load_project", "read_project", "spec_digest"]

FILE = "homeostat.yaml"
_PREFIXED = re.compile(r"([a-z_]+(?:\.[\w-]+)+): (.*)", re.DOTALL)
"""A message about a deeper key than the section that found it: ``labels.source: no source``."""


@dataclass(frozen=True, slots=True)
class ProjectFile:
    """A project, and the lines at which its keys stand."""

    project: Project
    root: yaml.Node

    def place(self, location: Location) -> str:
        """``homeostat.yaml:LINE`` of the deepest part of ``location`` that stands there."""
        return f"{FILE}:{line_of(self.root, location)}"


def load_project(folder: Path) -> Project:
    """The project declared in ``folder``.

    Raises ProjectFileError with one line for each mistake, or ProjectVersionError.
    """
    return read_project(folder).project


def read_project(folder: Path) -> ProjectFile:
    """As :func:`load_project`, with the lines of the file."""
    path = folder / FILE
    if not path.is_file():
        raise ProjectFileError(
            f"there is no {FILE}",
            subject=str(path.parent),
            next_step="run `homeostat init NAME` to make a project, or give --project DIR",
        )
    node = compose(path)
    document = values_of(path, node)
    if not isinstance(document, dict):
        raise _error([(1, "the file holds no keys")], "start from `homeostat init NAME`")
    _check_version(document, node)
    try:
        project = Project.model_validate(document)
    except ValidationError as error:
        raise _error([_told(mistake, node) for mistake in error.errors()]) from error
    found = [
        (line_of(node, mistake.location), f"'{_key(mistake.location)}': {mistake.problem}")
        for mistake in mistakes_in(project)
    ]
    if found:
        raise _error(found)
    return ProjectFile(project, node)


def spec_digest(project: Project) -> str:
    """Digest of the declared values; comments and the order of keys do not count."""
    return digest_of(project.model_dump(mode="json"))


def _check_version(document: dict[str, Any], node: yaml.Node) -> None:
    version = document.get("homeostat")
    line = line_of(node, ("homeostat",))
    if isinstance(version, bool):  # to Python, True is 1
        raise _error([(line, f"'homeostat' is {version}, allowed are {FORMAT}")])
    if isinstance(version, int) and version > FORMAT:
        raise ProjectVersionError(
            f"the file has format {version}, this Homeostat knows up to {FORMAT}",
            subject=f"{FILE}:{line}",
            next_step="install a newer Homeostat",
        )


def _told(mistake: Any, node: yaml.Node) -> tuple[int, str]:
    """Line and message of one of pydantic's findings."""
    location: list[int | str] = [part for part in mistake["loc"] if part != "[key]"]
    if "[key]" in mistake["loc"]:
        location[-1] = written(node, location[:-1], mistake["input"])
    message = mistake["msg"].removeprefix("Value error, ")
    deeper = _PREFIXED.fullmatch(message) if mistake["type"] == "value_error" else None
    if deeper is not None:
        return line_of(node, deeper[1].split(".")), f"'{deeper[1]}': {deeper[2]}"
    return line_of(node, location), _message(mistake, location, message)


def _message(mistake: Any, location: Location, message: str) -> str:
    key, kind, given = _key(location) or "the file", mistake["type"], mistake["input"]
    match kind:
        case "extra_forbidden":
            said = f"unknown key '{key}'; {_allowed(location)}"
        case "missing":
            said = f"'{key}' is missing"
        case "literal_error":
            said = f"'{key}' is {given!r}, allowed are {mistake['ctx']['expected']}"
        case "string_pattern_mismatch":
            said = f"'{key}' is {given!r}; {_description(location)}"
        case "string_type" if isinstance(given, bool):
            said = f"'{key}': YAML reads this word as {given}; put it in quotes"
        case "model_type" | "dict_type":
            keys = ", ".join(_keys_at(location)) if kind == "model_type" else "any name"
            said = f"'{key}' must be a section of keys; allowed are {keys}"
        case _:
            said = f"'{key}': {message[:1].lower()}{message[1:]}{_given(given, kind)}"
    return said


def _given(value: Any, kind: str) -> str:
    """What stands there, when seeing it helps."""
    shown = isinstance(value, str | int | float) and kind != "value_error"
    return f", not {value!r}" if shown else ""


def _key(location: Location) -> str:
    return ".".join(map(str, location))


def _allowed(location: Location) -> str:
    names = list(_keys_at(location[:-1]))
    return f"{nearest(str(location[-1]), names)}allowed are {', '.join(names)}"


def _keys_at(location: Location) -> tuple[str, ...]:
    """Keys that are allowed in the section at ``location``."""
    section = _section(_annotation(location))
    return tuple(section.model_fields) if section is not None else ()


def _description(location: Location) -> str:
    """What the schema says of the key at ``location``."""
    section = _section(_annotation(location[:-1]))
    field = section.model_fields.get(str(location[-1])) if section is not None else None
    return (field.description or "") if field is not None else ""


def _annotation(location: Location) -> Any:
    """The type of what stands at ``location``: of a key, of an entry by name or number."""
    kind: Any = Project
    for part in location:
        if get_origin(kind) in (dict, tuple):
            kind = get_args(kind)[-1 if get_origin(kind) is dict else 0]
            continue
        section = _section(kind)
        fields = section.model_fields if section is not None else {}
        kind = fields[str(part)].annotation if part in fields else None
    return kind


def _section(annotation: Any) -> type[BaseModel] | None:
    """The section class that ``annotation`` is, or allows besides none."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (Union, UnionType):
        return next(filter(None, map(_section, get_args(annotation))), None)
    return None


def _error(
    found: list[tuple[int, str]], next_step: str = "correct it, then run `homeostat check`"
) -> ProjectFileError:
    """One error for all mistakes: its subject is the line of the first."""
    found = sorted(found)
    problem = found[0][1]
    if len(found) > 1:
        listed = "".join(f"\n  line {line}: {message}" for line, message in found)
        problem = f"{len(found)} mistakes:{listed}\n"
        next_step = next_step.replace("correct it", "correct them")
    return ProjectFileError(problem, subject=f"{FILE}:{found[0][0]}", next_step=next_step)
