"""What commands print with, and the record they print from; imports nothing heavy, nor Typer."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from homeostat.errors import HomeostatError

if TYPE_CHECKING:
    from rich.console import Console

    from homeostat.domain.recorded import Recorded
    from homeostat.ports.ledger import Ledger


def console() -> Console:
    """Where tables and trees go."""
    from rich.console import Console

    return Console(highlight=False)


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    from homeostat.domain.codec import canonical

    sys.stdout.write(canonical(value).decode() + "\n")


@contextmanager
def working(text: str, *, silent: bool) -> Iterator[Callable[[str], None]]:
    """A spinner while something takes time; what it yields changes its text."""
    if silent:
        yield lambda _: None
        return
    with console().status(text) as status:
        yield status.update


def ledger_of(project: Path, state: Path | None) -> Ledger:
    """The ledger of the project; OrderError when there is no state yet."""
    from homeostat.wiring import open_ledger, state_folder

    return open_ledger(state_folder(project, state))


def recorded_of(project: Path, state: Path | None) -> tuple[Recorded, Ledger]:
    """The recorded state, from the ledger alone: nothing heavy is loaded."""
    from homeostat.domain.projection import project as fold

    ledger = ledger_of(project, state)
    return fold(ledger.read()), ledger


def shown(at: datetime | None) -> str:
    """A time for people: minutes, UTC."""
    return f"{at:%Y-%m-%d %H:%M}" if at else "-"


def print_error(error: HomeostatError) -> None:
    """A typed error, in a panel on standard error, or as JSON with ``--json``."""
    if "--json" in sys.argv:
        print_json(error.as_dict())
        return
    from rich.console import Console
    from rich.panel import Panel
    from rich.text import Text

    body = Text()
    if error.subject:
        body.append(error.subject + "\n", style="bold")
    body.append(error.problem.rstrip())
    if error.next_step:
        body.append("\n\nNext: ", style="bold")
        body.append(error.next_step)
    title = f"{type(error).__name__} {error.code}"
    Console(stderr=True).print(Panel(body, title=title, title_align="left", border_style="red"))
