"""Read ``homeostat.yaml``; every error names file, line, key and what is allowed."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from homeostat.domain.codec import digest_of
from homeostat.errors import ProjectFileError, ProjectVersionError
from homeostat.spec.project import FORMAT, Project

FILE = "homeostat.yaml"
Location = Sequence[int | str]


def load_project(folder: Path) -> Project:
    """The project declared in ``folder``.

    Raises ProjectFileError with one line for each mistake, or ProjectVersionError.
    """
    path = folder / FILE
    node = _composed(path)
    _no_key_twice(node)
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(document, dict):
        raise _error(1, "the file holds no keys", "start from `homeostat init`")
    _check_version(document, node)
    try:
        return Project.model_validate(document)
    except ValidationError as error:
        raise _explained(error, node) from error


def spec_digest(project: Project) -> str:
    """Digest of the declared values; comments and the order of keys do not count."""
    return digest_of(project.model_dump(mode="json"))


def _composed(path: Path) -> yaml.Node:
    if not path.is_file():
        raise ProjectFileError(
            f"there is no {FILE}",
            subject=str(path.parent),
            next_step="run `homeostat init NAME` to make a project, or give --project DIR",
        )
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except UnicodeDecodeError as error:
        raise _error(1, f"not UTF-8 text: {error.reason}", "save the file as UTF-8") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise _error(line, f"not YAML: {error.problem}", "check the indentation there") from error
    except yaml.YAMLError as error:
        raise _error(1, f"not YAML: {error}", "save the file as plain text") from error
    if node is None:
        raise _error(1, "the file is empty", "start from `homeostat init NAME`")
    return node


def _check_version(document: dict[str, Any], node: yaml.Node) -> None:
    version = document.get("homeostat")
    if isinstance(version, int) and version > FORMAT:
        raise ProjectVersionError(
            f"the file has format {version}, this Homeostat knows up to {FORMAT}",
            subject=f"{FILE}:{line_of(node, ('homeostat',))}",
            next_step="install a newer Homeostat",
        )


def _no_key_twice(node: yaml.Node) -> None:
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.value in seen:
                raise _error(
                    line,
                    f"'{key.value}' stands twice, first in line {seen[key.value]}",
                    "keep one of them",
                )
            seen[key.value] = line
            _no_key_twice(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _no_key_twice(item)


def line_of(node: yaml.Node, location: Location) -> int:
    """The line, from 1, of the deepest part of ``location`` that stands in the file."""
    line = node.start_mark.line + 1
    for part in location:
        found: tuple[yaml.Node, yaml.Node] | None = None
        if isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if k.value == str(part)), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            item = node.value[part] if part < len(node.value) else None
            found = (item, item) if item is not None else None
        if found is None:
            break
        line, node = found[0].start_mark.line + 1, found[1]
    return line


def _explained(error: ValidationError, node: yaml.Node) -> ProjectFileError:
    found = [(line_of(node, mistake["loc"]), _message(mistake, node)) for mistake in error.errors()]
    found.sort()
    first = found[0][0]
    if len(found) == 1:
        return _error(first, found[0][1], "correct it, then run `homeostat check`")
    listed = "".join(f"\n  line {line}: {message}" for line, message in found)
    return _error(
        first, f"{len(found)} mistakes:{listed}\n", "correct them, then run `homeostat check`"
    )


def _message(mistake: Any, node: yaml.Node) -> str:
    location = [part for part in mistake["loc"] if not _is_tag(part, node, mistake["loc"])]
    key = ".".join(str(part) for part in location) or "the file"
    kind = mistake["type"]
    if kind == "extra_forbidden":
        return f"unknown key '{key}'; {_allowed(location)}"
    if kind == "missing":
        return f"'{key}' is missing"
    if kind == "literal_error":
        return f"'{key}' is {mistake['input']!r}, allowed are {mistake['ctx']['expected']}"
    message = mistake["msg"].removeprefix("Value error, ")
    return f"'{key}': {message[:1].lower()}{message[1:]}"


def _is_tag(part: object, node: yaml.Node, location: Location) -> bool:
    """Pydantic puts the kind of a mapping's key into some locations; people need not see it."""
    return part == "[key]" and bool(location) and node is not None


def _allowed(location: Location) -> str:
    names = list(_keys_at(location[:-1]))
    near = difflib.get_close_matches(str(location[-1]), names, n=1)
    hint = f"do you mean '{near[0]}'? " if near else ""
    return f"{hint}allowed are {', '.join(names)}"


def _keys_at(location: Location) -> Iterator[str]:
    """Keys that are allowed in the section at ``location``."""
    kind: Any = Project
    for part in location:
        fields = getattr(kind, "model_fields", None)
        kind = _section(fields[str(part)].annotation) if fields and part in fields else kind
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield from kind.model_fields


def _section(annotation: Any) -> Any:
    """The section class inside an annotation such as ``dict[str, Source]`` or ``X | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in getattr(annotation, "__args__", ()):
        found = _section(inner)
        if found is not None:
            return found
    return None


def _error(line: int, problem: str, next_step: str) -> ProjectFileError:
    return ProjectFileError(problem, subject=f"{FILE}:{line}", next_step=next_step)
