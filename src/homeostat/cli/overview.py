"""How the model is: from the ledger, and the health that a running `homeostat up` found last."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from homeostat.cli.output import console, print_json, recorded_of, shown
from homeostat.domain.recorded import Recorded

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


def show(project: Path, state: Path | None, as_json: bool) -> None:
    """Print the overview, or its facts as JSON."""
    recorded, _ = recorded_of(project, state)
    facts = {**facts_of(recorded), "health": _health(project, state)}
    if as_json:
        print_json(facts)
    else:
        _print(recorded, facts)


def _health(project: Path, state: Path | None) -> dict[str, Any] | None:
    """The health that a running `homeostat up` found last; None when none runs."""
    from homeostat.monitoring import health_file
    from homeostat.wiring import state_folder, system_clock

    file = state_folder(project, state) / "gateway" / health_file.NAME
    return health_file.read(file, system_clock().now())


def facts_of(recorded: Recorded) -> dict[str, Any]:
    """The facts that ``--json`` prints."""
    champion, rollout, last = recorded.champion, recorded.rollout, recorded.last_run
    return {
        "model": recorded.model,
        "owner": recorded.owner,
        "paused_by": recorded.paused_by.who if recorded.paused_by else None,
        "champion": None
        if champion is None
        else {
            "version": champion.number,
            "digest": champion.digest,
            "since": recorded.tenures[-1].since,
            "metrics": champion.candidate.metrics,
        },
        "rollout": None
        if rollout is None
        else {
            "version": rollout.version,
            "phase": rollout.phase,
            "share": rollout.share,
            "since": rollout.phase_since,
        },
        "watched_until": recorded.watch.until if recorded.watch else None,
        "last_run": None
        if last is None
        else {"id": last.request.id, "status": last.status, "started_at": last.started_at},
        "sources": {
            name: {
                "read_until": source.cursor,
                "accepted": len(source.accepted),
                "quarantined": len(source.quarantined),
            }
            for name, source in recorded.sources.items()
        },
        "alerts": {
            name: {"severity": alert.severity, "since": alert.since, "reason": alert.reason}
            for name, alert in recorded.alerts.items()
        },
        "entries": recorded.position,
        "last_entry_at": recorded.last_at,
    }


def _print(recorded: Recorded, facts: dict[str, Any]) -> None:
    from rich.markup import escape

    out = console()
    out.print(f"[bold]{recorded.model}[/]  owned by {escape(recorded.owner)}")
    if recorded.paused_by is not None:
        told = escape(f"{recorded.paused_by.who}: {recorded.paused_by.why}")
        out.print(f"[yellow]paused[/] by {told}")
    champion = facts["champion"]
    if champion is None:
        out.print("no version serves yet; `homeostat run` trains one now")
    else:
        metrics = ", ".join(
            f"{name} {value:.4f}" for name, value in champion["metrics"].items() if "." not in name
        )
        out.print(
            f"[green]v{champion['version']}[/] serves since {shown(champion['since'])}  ({metrics})"
        )
    if facts["health"] is not None:
        _print_health(out, facts["health"])
    if recorded.rollout is not None:
        rollout = recorded.rollout
        out.print(
            f"v{rollout.version} in {rollout.phase.value}, {rollout.share:.1%} of traffic, "
            f"since {shown(rollout.phase_since)}"
        )
    if recorded.watch is not None:
        watch = recorded.watch
        out.print(f"watched against v{watch.predecessor} until {shown(watch.until)}")
    if recorded.last_run is not None:
        run = recorded.last_run
        out.print(f"last run {run.request.id}: {run.status.value}, {shown(run.started_at)}")
    out.print(_sources(recorded))
    for alert in recorded.alerts.values():
        told = escape(f"{alert.name} since {shown(alert.since)}: {alert.reason}")
        out.print(f"[yellow]{alert.severity}[/] {told}")
    out.print(f"[dim]{recorded.position:,} ledger entries, last {shown(recorded.last_at)}[/]")


def _print_health(out: Console, health: dict[str, Any]) -> None:
    """The score, and what costs points, the dearest first."""
    from rich.markup import escape

    out.print(f"health {health['score']} of 100")
    for loss in health["lost"]:
        if loss["points"]:
            out.print(escape(f"  -{loss['points']} {loss['part']}: {loss['reason']}"))


def _sources(recorded: Recorded) -> Table:
    from rich.table import Table

    table = Table("source", "read until", "accepted", "quarantined", box=None, pad_edge=False)
    for name, source in recorded.sources.items():
        bad = len(source.quarantined)
        table.add_row(
            name,
            shown(source.cursor),
            f"{len(source.accepted):,}",
            f"[red]{bad}[/]" if bad else "0",
        )
    return table
