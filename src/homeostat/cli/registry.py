"""``homeostat runs`` and ``homeostat versions``."""

from __future__ import annotations

from typing import Any

import typer

from homeostat.cli.context import (
    HERE,
    JsonOption,
    ProjectOption,
    StateOption,
    console,
    print_json,
    recorded_of,
    shown,
)
from homeostat.domain.recorded import Recorded
from homeostat.domain.run import Run


def add(app: typer.Typer) -> None:
    """Add the commands to ``app``."""
    app.command("runs")(runs)
    app.command("versions")(versions)


def runs(
    project: ProjectOption = HERE, state: StateOption = None, as_json: JsonOption = False
) -> None:
    """List training runs: why each was started, and what came of it."""
    recorded, _ = recorded_of(project, state)
    if as_json:
        print_json(list(recorded.runs.values()))
        return
    from rich.markup import escape
    from rich.table import Table

    table = Table("run", "started", "status", "came of it", "why", box=None, pad_edge=False)
    for run in recorded.runs.values():
        table.add_row(
            run.request.id,
            shown(run.started_at),
            run.status.value,
            _came_of(run, recorded),
            escape(run.request.reason),
        )
    console().print(table if recorded.runs else "no run yet; `homeostat run` starts one")


def _came_of(run: Run, recorded: Recorded) -> str:
    for version in recorded.versions:
        if version.candidate.run_id == run.request.id:
            return f"v{version.number}"
    if run.error:
        return "failed"
    return "refused" if run.decided else "-"


def versions(
    project: ProjectOption = HERE, state: StateOption = None, as_json: JsonOption = False
) -> None:
    """List registered versions: metrics, when each served, and what it replaced."""
    recorded, _ = recorded_of(project, state)
    if as_json:
        print_json([_facts(recorded, version.number) for version in recorded.versions])
        return
    from rich.table import Table

    table = Table("version", "run", "trained on", "metrics", "served", box=None, pad_edge=False)
    for version in recorded.versions:
        candidate = version.candidate
        metrics = ", ".join(f"{n} {v:.4f}" for n, v in candidate.metrics.items() if "." not in n)
        spans = ", ".join(
            f"{t.since:%Y-%m-%d} to {f'{t.until:%Y-%m-%d}' if t.until else 'now'}"
            for t in recorded.tenures
            if t.version == version.number
        )
        table.add_row(
            f"v{version.number}",
            candidate.run_id,
            f"{candidate.trained_rows:,} rows to {candidate.trained_until:%Y-%m-%d}",
            metrics,
            spans or "never",
        )
    console().print(table if recorded.versions else "no version yet; `homeostat run` trains one")


def _facts(recorded: Recorded, number: int) -> dict[str, Any]:
    version = recorded.version(number)
    tenures = [t for t in recorded.tenures if t.version == number]
    return {"version": number, "tenures": tenures, "record": version}
