"""What commands share: the options that name a project and its state, JSON, and times."""

from __future__ import annotations

import getpass
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from homeostat.errors import OrderError

if TYPE_CHECKING:
    from rich.console import Console

    from homeostat.domain.entry import Entry
    from homeostat.domain.recorded import Recorded
    from homeostat.ports.ledger import Ledger

ProjectOption = Annotated[
    Path, typer.Option("--project", "-p", help="Project folder; default: this one.")
]
StateOption = Annotated[
    Path | None, typer.Option("--state", help="State folder; default: PROJECT/.homeostat.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
WhyOption = Annotated[str, typer.Option("--why", help="The reason, kept in the ledger.")]
HERE = Path()


def console() -> Console:
    """Where tables and trees go."""
    from rich.console import Console

    return Console(highlight=False)


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    from homeostat.domain.codec import canonical

    sys.stdout.write(canonical(value).decode() + "\n")


def ledger_of(project: Path, state: Path | None) -> Ledger:
    """The ledger of the project; OrderError when there is no state yet."""
    from homeostat.wiring import open_ledger, state_folder

    return open_ledger(state_folder(project, state))


def recorded_of(project: Path, state: Path | None) -> tuple[Recorded, Ledger]:
    """The recorded state, from the ledger alone: nothing heavy is loaded."""
    from homeostat.domain.projection import project as fold

    ledger = ledger_of(project, state)
    return fold(ledger.read()), ledger


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


def shown(at: datetime | None) -> str:
    """A time for people: minutes, UTC."""
    return f"{at:%Y-%m-%d %H:%M}" if at else "-"


def person() -> str:
    """Who is at the keyboard."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
