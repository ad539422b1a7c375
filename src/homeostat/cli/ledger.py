"""``homeostat ledger``: look at the record, and check that nobody changed it."""

from __future__ import annotations

from typing import Annotated

import typer

from homeostat.cli.context import (
    HERE,
    JsonOption,
    ProjectOption,
    StateOption,
    console,
    ledger_of,
    print_json,
    shown,
)

group = typer.Typer(help="Look at the record of decisions, and verify it.", no_args_is_help=True)
AfterOption = Annotated[int, typer.Option("--after", min=0, help="Only entries after this one.")]
LastOption = Annotated[int, typer.Option("--last", min=1, help="Only so many of the newest.")]


def add(app: typer.Typer) -> None:
    """Add the group to ``app``."""
    app.add_typer(group, name="ledger")


@group.command("verify")
def verify(
    project: ProjectOption = HERE, state: StateOption = None, as_json: JsonOption = False
) -> None:
    """Recompute the hash chain; name the first entry that was changed, removed or put in."""
    from homeostat.domain.entry import verified

    count, head = 0, ""
    for entry in verified(ledger_of(project, state).read()):
        count, head = entry.seq, entry.hash
    if as_json:
        print_json({"entries": count, "head": head, "intact": True})
    else:
        console().print(f"[green]intact[/]: {count:,} entries, head {head[:16]}")


@group.command("show")
def show(
    after: AfterOption = 0,
    last: LastOption = 50,
    project: ProjectOption = HERE,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """List entries: decisions, what came of them, facts, people's orders."""
    entries = list(ledger_of(project, state).read(after))[-last:]
    if as_json:
        print_json(entries)
        return
    from rich.markup import escape
    from rich.table import Table

    table = Table("entry", "time", "kind", "what", "reason", box=None, pad_edge=False)
    for entry in entries:
        reason = entry.body.get("reason") or entry.body.get("why") or entry.body.get("problem")
        table.add_row(
            f"e{entry.seq}",
            shown(entry.at),
            entry.kind.value,
            entry.name,
            escape(str(reason or "")),
        )
    console().print(table)
