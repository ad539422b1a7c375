"""``homeostat served --at``: which version answered at an instant, and where it came from."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from homeostat.cli.context import (
    HERE,
    JsonOption,
    ProjectOption,
    StateOption,
    console,
    entries_of,
    parse_time,
    print_json,
    shown,
)

AtOption = Annotated[str, typer.Option("--at", help="ISO 8601, UTC unless it says otherwise.")]


def add(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("served")(served)


def served(
    at: AtOption,
    project: ProjectOption = HERE,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say which version served at a time, trained on what, promoted why and by whom."""
    from homeostat.domain.projection import project as fold

    instant = parse_time(at)
    entries = [entry for entry in entries_of(project, state) if entry.at <= instant]
    recorded = fold(entries)
    tenure = recorded.champion_at(instant)
    if tenure is None:
        facts: dict[str, Any] = {"at": instant, "version": None}
        text = f"no version served at {shown(instant)}"
    else:
        version = recorded.version(tenure.version)
        intent = entries[(entries[tenure.entry - 1].cause or tenure.entry) - 1]
        by = [entries[e - 1].body.get("who") for e in intent.body.get("evidence", ())]
        facts = {
            "at": instant,
            "version": version.number,
            "digest": version.digest,
            "since": tenure.since,
            "snapshot": version.candidate.snapshot,
            "run": version.candidate.run_id,
            "promoted_in_entry": intent.seq,
            "reason": intent.body["reason"],
            "ordered_by": next((who for who in by if who), None),
            "arms": recorded.routing.arms,
        }
        text = _told(facts)
    if as_json:
        print_json(facts)
    else:
        console().print(text, soft_wrap=True)


def _told(facts: dict[str, Any]) -> str:
    """The facts as a paragraph with markup."""
    from rich.markup import escape

    arms = ", ".join(
        f"v{arm.version} {'in shadow' if arm.shadow else format(arm.share, '.1%')}"
        for arm in facts["arms"]
    )
    by = escape(f"{facts['ordered_by'] or 'the loop'}: {facts['reason']}")
    return (
        f"[bold]v{facts['version']}[/] served at {shown(facts['at'])} "
        f"(since {shown(facts['since'])})\n"
        f"traffic   {arms}\n"
        f"digest    {facts['digest']}\n"
        f"trained   {facts['run']} on snapshot {facts['snapshot']}\n"
        f"promoted  e{facts['promoted_in_entry']}, by {by}"
    )
