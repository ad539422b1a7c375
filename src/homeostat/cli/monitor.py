"""``homeostat monitor``: what moved in a window, what it costs, and how sure that is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from homeostat.cli.context import (
    EXIT_NO,
    HERE,
    JsonOption,
    ProjectOption,
    StateOption,
    print_json,
)
from homeostat.cli.monitor_shown import shown
from homeostat.cli.output import working
from homeostat.cli.replay import span_of

if TYPE_CHECKING:
    from homeostat.domain.monitor import MonitorReport

WindowOption = Annotated[
    str | None,
    typer.Option(
        "--window", help="7d (until now), or START..END, ISO 8601. [default: monitors.window]"
    ),
]
HtmlOption = Annotated[
    Path | None, typer.Option("--html", help="Write the report to look at: one HTML file.")
]


def add(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("monitor")(monitor)


def monitor(
    window: WindowOption = None,
    html: HtmlOption = None,
    project: ProjectOption = HERE,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> int:
    """Compare a window of live traffic with what the champion was trained on.

    Which features drifted, at the declared budget of false alarms, how much of the model goes by
    them and what their shift may cost; what the metrics are where labels are known and what they
    probably are where not; whether losses changed. Exits 3 when something drifted or changed.
    """
    from homeostat.domain.verdict import Verdict

    report = _made(project, state, window, as_json=as_json)
    if html is not None:
        from homeostat.console.monitor_page import page_of
        from homeostat.console.page import write_page

        write_page(page_of(report), html)
    if as_json:
        print_json(report)
    else:
        shown(report, html)
    return EXIT_NO if report.verdict is Verdict.FAIL else 0


def _made(project: Path, state: Path | None, window: str | None, *, as_json: bool) -> MonitorReport:
    from homeostat.features.own_metrics import own_metrics
    from homeostat.monitoring.report import Sources, report_of
    from homeostat.pipeline.references import loss_reader
    from homeostat.wiring import assemble

    wired = assemble(project, state, workers=False)
    now = wired.clock.now()
    recorded = wired.engine.refresh()
    length = wired.project.monitors.window
    last = recorded.last_at
    end = last if last is not None and now - last > length else now
    span = span_of(window, end) if window is not None else (end - length, end)
    sources = Sources(
        wired.project,
        wired.blobs,
        wired.log,
        recorded,
        own_metrics(wired.project, wired.folder),
        loss_reader,
    )
    with working("reading", silent=as_json) as update:

        def tell(what: str, share: float) -> None:
            update(f"{what}, {share:.0%}")

        health = None
        if recorded.champion is not None and now - span[1] < length:
            health = wired.evidence.health(recorded, span[1])
        return report_of(sources, span[0], span[1], now, tell, health)
