"""``homeostat backtest``: the same loop over recorded data, on a simulated clock."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.context import (
    HERE,
    JsonOption,
    ProjectOption,
    StateOption,
    console,
    parse_time,
    print_json,
)

ScenarioOption = Annotated[
    Path | None, typer.Option("--scenario", help="Disturbances to inject, a YAML file.")
]
FromOption = Annotated[str | None, typer.Option("--from", help="First instant; default: start.")]
ToOption = Annotated[str | None, typer.Option("--to", help="Last instant; default: end of data.")]
CompareOption = Annotated[
    str, typer.Option("--compare", help="Baselines beside the loop: never,weekly, or empty.")
]
HtmlOption = Annotated[Path | None, typer.Option("--html", help="Write the report to this file.")]
OverwriteOption = Annotated[
    bool, typer.Option("--overwrite", help="Delete the state folder of an earlier back-test.")
]


def add(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("backtest")(backtest)


def backtest(
    project: ProjectOption = HERE,
    state: StateOption = None,
    scenario: ScenarioOption = None,
    since: FromOption = None,
    until: ToOption = None,
    compare: CompareOption = "never,weekly",
    html: HtmlOption = None,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
) -> None:
    """Replay recorded data through the loop, and say what it would have done.

    The state folder (default PROJECT/.homeostat/backtest) can be used afterwards by all other
    commands: why, served, reproduce, up --no-controller.
    """
    from homeostat.console.backtest_progress import shown_progress
    from homeostat.console.report import write_report
    from homeostat.console.summary import print_summary
    from homeostat.simulation.backtest import run_backtest
    from homeostat.wiring import STATE

    where = state if state is not None else project / STATE / "backtest"
    with shown_progress(silent=as_json) as progress:
        result = run_backtest(
            project,
            where,
            scenario=scenario,
            since=parse_time(since) if since else None,
            until=parse_time(until) if until else None,
            compare=tuple(name.strip() for name in compare.split(",") if name.strip()),
            overwrite=overwrite,
            progress=progress,
        )
    report = html or where / "report.html"
    write_report(result, report)
    if as_json:
        print_json(result)
    else:
        print_summary(result, console(), report)
