"""What commands share: the options that name a project and its state, JSON, and times."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from homeostat.cli.output import (
    console,
    ledger_of,
    print_json,
    recorded_of,
    shown,
    working,
)
from homeostat.errors import OrderError

if TYPE_CHECKING:
    from homeostat.domain.entry import Entry

ProjectOption = Annotated[
    Path, typer.Option("--project", "-p", help="Project folder; default: this one.")
]
StateOption = Annotated[
    Path | None, typer.Option("--state", help="State folder; default: PROJECT/.homeostat.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
WhyOption = Annotated[str, typer.Option("--why", help="The reason, kept in the ledger.")]
HERE = Path()
EXIT_NO = 3
"""Exit status of a command whose answer is a no: refused, not equal, not in order."""

__all__ = [
    "EXIT_NO",
    "HERE",
    "JsonOption",
    "ProjectOption",
    "StateOption",
    "WhyOption",
    "console",
    "entries_of",
    "ledger_of",
    "parse_time",
    "person",
    "print_json",
    "recorded_of",
    "shown",
    "working",
]


def entries_of(project: Path, state: Path | None) -> list[Entry]:
    """All entries of the ledger."""
    return list(ledger_of(project, state).read())


def parse_time(text: str) -> datetime:
    """An instant from ISO 8601, UTC unless it says otherwise; OrderError when it does not parse."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise OrderError(
            f"'{text}' is not a date or time",
            subject="time",
            next_step="write ISO 8601, e.g. 2013-07-01 or 2013-07-01T06:30",
        ) from error
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def person() -> str:
    """Who is at the keyboard."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
