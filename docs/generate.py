"""Write the generated pages of the manual: `make docs`. A test keeps them equal to the code."""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import typer
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from homeostat import errors
from homeostat.cli.main import app
from homeostat.domain.action import ACTIONS
from homeostat.domain.event import EVENTS
from homeostat.errors import HomeostatError
from homeostat.spec.base import format_duration
from homeostat.spec.project import Project
from homeostat.spec.schema import json_schema

DOCS = Path(__file__).parent
NOTE = "<!-- Written by docs/generate.py from the code; `make docs` writes it anew. -->\n"


def project_file() -> str:
    """Every key of homeostat.yaml, section by section."""
    parts = [
        "# The project file",
        NOTE,
        "`homeostat.yaml` declares one model. `homeostat check` validates it and names file, line, "
        "key and what is allowed; unknown keys are errors. `docs/homeostat.schema.json` is its "
        "JSON Schema: put `# yaml-language-server: $schema=...` with its path into the first "
        "line, and "
        "your editor completes and checks as you type.",
        "Durations are written as a number and a unit: `90s`, `15m`, `3h`, `14d`, `2w`. Times are "
        "UTC unless they say otherwise. Functions are written `module:function`, and are looked "
        "for beside the project file first.",
    ]
    for kind, path in _sections(Project, ""):
        title = f"`{path}`" if path else "The whole file"
        parts.append(f"## {title}\n\n{_first(kind)}")
        parts.append(_table(kind))
    return "\n\n".join(parts) + "\n"


def _sections(kind: type[BaseModel], path: str) -> Iterator[tuple[type[BaseModel], str]]:
    yield kind, path
    for name, field in kind.model_fields.items():
        inner, many = _inner(field.annotation)
        if inner is not None:
            below = f"{path}.{name}" if path else name
            yield from _sections(inner, f"{below}.<{many}>" if many else below)


def _inner(annotation: Any) -> tuple[type[BaseModel] | None, str]:
    """The section inside an annotation, and how its entries are named when there are several."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, ""
    origin = typing.get_origin(annotation)
    for inner in typing.get_args(annotation):
        found, _ = _inner(inner)
        if found is not None:
            return found, {dict: "name", tuple: "n"}.get(origin, "")
    return None, ""


def _table(kind: type[BaseModel]) -> str:
    rows = ["| key | value | default | |", "| --- | --- | --- | --- |"]
    for name, field in kind.model_fields.items():
        value = _words(field.annotation, field.metadata).replace("|", "\\|")
        description = (field.description or "").replace("\n", " ").replace("|", "\\|")
        rows.append(f"| `{name}` | {value} | {_default(field)} | {description} |")
    return "\n".join(rows)


def _words(annotation: Any, metadata: list[Any]) -> str:
    text = str(metadata)
    if "parse_duration" in text or "Duration" in str(annotation):
        return "duration"
    if annotation is typing.Any:
        return "anything"
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return " or ".join(f"`{value}`" for value in inner)
    if origin is typing.Annotated:
        return _words(inner[0], list(inner[1:]))
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_words(part, []) for part in inner if part is not type(None))
    if origin is tuple:
        return f"list of {_words(inner[0], [])}"
    if origin is dict:
        return f"{_words(inner[1], [])} by name"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "section"
    names = {"str": "text", "int": "whole number", "float": "number", "bool": "yes or no",
             "timedelta": "duration", "datetime": "time"}  # fmt: skip
    return names.get(getattr(annotation, "__name__", ""), str(annotation))


def _default(field: Any) -> str:
    value = field.default
    if value is PydanticUndefined:
        return "*required*"
    if value is None:
        return "none"
    if isinstance(value, BaseModel | tuple | dict):
        return "see below" if value else "empty"
    if hasattr(value, "total_seconds"):
        return f"`{format_duration(value)}`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _first(kind: type) -> str:
    return re.sub(r"\s+", " ", (kind.__doc__ or "").strip()).replace("``", "`")


def commands() -> str:
    """Every command with its options."""
    parts = [
        "# The command line",
        NOTE,
        "Every command takes `--project DIR` (default: this folder) and `--state DIR` (default: "
        "`.homeostat` in it) where it needs them, and `--json` for programs. Exit status: 0 done; "
        "1 a typed error, also as JSON with `--json`; 2 wrong usage; 3 the command worked and its "
        "answer is no (a gate refused, a reproduction differs). `HOMEOSTAT_DEBUG=1` shows the "
        "traceback of a typed error.",
    ]
    for path, command in _walk(typer.main.get_command(app), "homeostat"):
        parts.append(f"## `{path}`\n\n{_help(command)}")
        rows = [_option(parameter) for parameter in command.params if parameter.name != "help"]
        if rows:
            parts.append("\n".join(["| option | |", "| --- | --- |", *rows]))
    return "\n\n".join(parts) + "\n"


def _help(command: Any) -> str:
    return re.sub(r"(?<!\n)\n(?!\n)", " ", (command.help or "").strip())


def _walk(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    for name, inner in getattr(command, "commands", {}).items():
        below = f"{path} {name}"
        if hasattr(inner, "commands"):
            yield from _walk(inner, below)
        else:
            yield below, inner


def _option(parameter: Any) -> str:
    names = ", ".join(f"`{name}`" for name in parameter.opts)
    if not any(name.startswith("-") for name in parameter.opts):
        names = f"`{parameter.name.upper()}`"
    return f"| {names} | {getattr(parameter, 'help', '') or ''} |"


def error_codes() -> str:
    """Every error with its code."""
    parts = [
        "# Errors",
        NOTE,
        "Every error has a code, a subject (the file, line, field, source or version it is about), "
        "a problem, and a next step. On the terminal they stand in a panel; with `--json` and over "
        "HTTP they are `{code, error, problem, subject, next_step}`.",
        "| code | error | when |\n| --- | --- | --- |",
    ]
    kinds = sorted(_tree(HomeostatError), key=lambda kind: kind.code)
    parts[-1] += "".join(f"\n| {k.code} | `{k.__name__}` | {_first(k)} |" for k in kinds)
    assert errors.__doc__
    return "\n\n".join(parts) + "\n"


def _tree(kind: type[HomeostatError]) -> Iterator[type[HomeostatError]]:
    yield kind
    for inner in kind.__subclasses__():
        yield from _tree(inner)


def ledger_words() -> str:
    """Every action and event that the ledger can hold."""
    parts = [
        "# What the ledger holds",
        NOTE,
        "An entry is an *intent* (an action that was decided, with its reason and evidence), an "
        "*outcome* (what came of it; `cause` is the intent), a *fact*, or a person's *order*. "
        "`homeostat ledger show` lists them, `homeostat why` follows them, `homeostat ledger "
        "verify` checks that nobody changed them.",
        "## Actions",
        _listed(ACTIONS),
        "## Events",
        _listed(EVENTS),
    ]
    return "\n\n".join(parts) + "\n"


def _listed(kinds: dict[str, type]) -> str:
    return "\n".join(
        ["| name | |", "| --- | --- |", *(f"| `{n}` | {_first(k)} |" for n, k in kinds.items())]
    )


def pages() -> dict[str, str]:
    """Name and text of every generated page."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS
    return {
        "project-file.md": project_file(),
        "cli.md": commands(),
        "errors.md": error_codes(),
        "ledger.md": ledger_words(),
        "homeostat.schema.json": orjson.dumps(json_schema(), option=options).decode() + "\n",
    }


if __name__ == "__main__":
    for name, text in pages().items():
        (DOCS / name).write_text(text, encoding="utf-8")
