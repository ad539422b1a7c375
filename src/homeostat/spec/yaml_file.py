"""Read a YAML file with the line of every key; what plain YAML lets pass in silence is an error."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from homeostat.errors import ProjectFileError

Location = Sequence[int | str]
MAX_BYTES = 4_000_000
MAX_NODES = 200_000
"""A file with aliases of aliases can stand for more values than there is memory."""


class _Loader(yaml.SafeLoader):
    """Plain values only; a date that is none stays text, for the schema to refuse with its key."""

    def construct_yaml_timestamp(self, node: yaml.ScalarNode) -> Any:
        """A date, a time, or the text as it stands."""
        try:
            return super().construct_yaml_timestamp(node)
        except ValueError:
            return node.value


_Loader.add_constructor("tag:yaml.org,2002:timestamp", _Loader.construct_yaml_timestamp)


def compose(path: Path) -> yaml.Node:
    """The node tree of the one document in ``path``.

    Raises ProjectFileError for a file that cannot be read, is empty, is not YAML, refers to
    itself, or gives a key twice (all such keys are named).
    """
    text = _text(path)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        step = "check indentation, brackets and quotes there and in the line above"
        raise _error(path, line, f"not YAML: {error.problem}", step) from error
    except yaml.YAMLError as error:
        problem = " ".join(str(error).split())
        raise _error(path, 1, f"not YAML: {problem}", "save the file as plain text") from error
    except RecursionError as error:
        raise _error(path, 1, "not YAML: nested too deeply", "write it flatter") from error
    if node is None:
        raise _error(path, 1, "the file is empty", "start from `homeostat init NAME`")
    _measured(path, node)
    twice = list(_given_twice(node, set()))
    if twice:
        message = "; ".join(f"line {line}: {problem}" for line, problem in twice)
        problem = twice[0][1] if len(twice) == 1 else message
        raise _error(path, twice[0][0], problem, "keep one of them")
    return node


def values_of(path: Path, node: yaml.Node) -> Any:
    """The values in ``node``; ProjectFileError for tags and keys that are no plain values."""
    try:
        return _Loader("").construct_document(node)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise _error(
            path, line, f"not a plain value: {error.problem}", "write text, numbers, lists and keys"
        ) from error
    except ValueError as error:  # !!int of something that is none
        raise _error(path, 1, f"not a plain value: {error}", "leave out YAML tags") from error


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


def written(node: yaml.Node, location: Location, key: Any) -> str:
    """How ``key`` of the mapping at ``location`` is written: ``on`` where YAML reads true."""
    for part in location:
        pairs = node.value if isinstance(node, yaml.MappingNode) else ()
        node = next((value for name, value in pairs if name.value == str(part)), node)
    for name, _ in node.value if isinstance(node, yaml.MappingNode) else ():
        read = _Loader("").construct_document(name)
        if type(read) is type(key) and read == key:
            return str(name.value)
    return str(key)


def _text(path: Path) -> str:
    try:
        content = path.read_bytes() if path.stat().st_size <= MAX_BYTES else None
    except OSError as error:
        raise _error(
            path, 1, f"the file cannot be read: {error.strerror}", "give this user the right to"
        ) from error
    if content is None:
        raise _error(path, 1, f"the file has over {MAX_BYTES:,} bytes", "is it a project file?")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise _error(path, line, f"not UTF-8 text: {error.reason}", "save it as UTF-8") from error


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _measured(path: Path, node: yaml.Node) -> None:
    """Raise when the document refers to itself, or its aliases stand for too much."""
    sizes: dict[int, int] = {}
    open_nodes: set[int] = set()

    def size(part: yaml.Node) -> int:
        if id(part) in open_nodes:
            line = part.start_mark.line + 1
            raise _error(path, line, "an alias stands within what it names", "write it out")
        if id(part) not in sizes:
            open_nodes.add(id(part))
            sizes[id(part)] = 1 + sum(map(size, _children(part)))
            open_nodes.discard(id(part))
        return sizes[id(part)]

    if size(node) > MAX_NODES:
        raise _error(path, 1, "its aliases stand for too many values", "use fewer aliases")


def _given_twice(node: yaml.Node, seen_nodes: set[int]) -> Iterator[tuple[int, str]]:
    """Line and message for each key that stands twice in one mapping."""
    if id(node) in seen_nodes:
        return
    seen_nodes.add(id(node))
    seen: dict[str, int] = {}
    for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
        line = key.start_mark.line + 1
        if isinstance(key, yaml.ScalarNode) and key.value in seen:
            yield line, f"'{key.value}' stands twice, first in line {seen[key.value]}"
        elif isinstance(key, yaml.ScalarNode):
            seen[key.value] = line
    for part in _children(node):
        yield from _given_twice(part, seen_nodes)


def _error(path: Path, line: int, problem: str, next_step: str) -> ProjectFileError:
    return ProjectFileError(problem, subject=f"{path.name}:{line}", next_step=next_step)
