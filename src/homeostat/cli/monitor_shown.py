"""What ``homeostat monitor`` prints."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from homeostat.cli.output import console
from homeostat.domain.verdict import Verdict

if TYPE_CHECKING:
    from rich.table import Table

    from homeostat.domain.monitor import FeatureReport, MonitorReport

COLOURS = {
    Verdict.PASS: "green",
    Verdict.FAIL: "red",
    Verdict.INCONCLUSIVE: "yellow",
    Verdict.ERROR: "red",
}
SHOWN = 12
"""Features that are listed without ``--html``."""


def shown(report: MonitorReport, html: Path | None) -> None:
    """Print the report: verdict, what moved, metrics, tests."""
    out = console()
    colour = COLOURS[report.verdict]
    out.print(
        f"[bold]{report.model} v{report.version}[/], {report.since:%Y-%m-%d %H:%M} to "
        f"{report.until:%Y-%m-%d %H:%M} UTC: {report.rows:,} rows, {report.labelled:,} with labels"
    )
    out.print(f"[{colour}]{report.verdict}[/]  {report.summary}")
    if report.health is not None:
        out.print(f"health {report.health} of 100")
        for one in report.lost:
            out.print(f"  -{one.points}  {one.reason}", markup=False)
    out.print()
    out.print(_features(report))
    rest = len(report.features) + (report.prediction is not None) - SHOWN
    if rest > 0:
        out.print(f"{rest} more in --html or --json")
    out.print()
    out.print(_metrics(report))
    for note in dict.fromkeys(one.note for one in report.metrics if one.note):
        out.print(f"not foretold: {note}", markup=False)
    out.print()
    out.print(_tests(report))
    if html is not None:
        out.print(f"\nThe report: {html}")


def _features(report: MonitorReport) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for name, justify in (
        ("feature", "left"), (report.distance, "right"), ("typical", "right"), ("p", "right"),
        ("null", "right"), ("importance", "right"), ("loss", "right"), ("", "left"),
    ):  # fmt: skip
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    answers = [report.prediction] if report.prediction is not None else []
    for one in [*answers, *_in_order(report.features)][:SHOWN]:
        colour = COLOURS[one.verdict]
        table.add_row(
            one.name,
            number(one.distance),
            number(one.typical),
            number(one.p_value, 2),
            "-" if one.null_share is None else f"{one.null_share:.0%}",
            "" if one.name == "prediction" else f"{one.importance:.0%}",
            "-" if one.explained is None else f"{one.explained:+.4f}",
            f"[{colour}]{'drifted' if one.verdict is Verdict.FAIL else one.verdict}[/]"
            + (f" {one.reason}" if one.reason else ""),
        )
    return table


def _in_order(features: Iterable[FeatureReport]) -> list[FeatureReport]:
    """Drifted features first, then by importance."""
    return sorted(features, key=lambda one: (one.verdict is not Verdict.FAIL, -one.importance))


def _metrics(report: MonitorReport) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for name in ("metric", "at promotion", "measured", "foretold"):
        table.add_column(name, justify="left" if name == "metric" else "right")
    for one in report.metrics:
        foretold = _between(one.estimated, one.estimated_low, one.estimated_high)
        table.add_row(
            one.name,
            number(one.promoted),
            _between(one.measured, one.low, one.high),
            foretold,
        )
    for part in report.segments:
        table.add_row(
            f"{report.metrics[0].name}, {part.name}", "", _between(part.value, part.low, part.high)
        )
    return table


def _tests(report: MonitorReport) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=False)
    for one in report.tests:
        colour = COLOURS[one.verdict]
        table.add_row(one.name, f"[{colour}]{one.verdict}[/]", one.reason)
    return table


def _between(value: float | None, low: float | None, high: float | None) -> str:
    if value is None:
        return "-"
    if low is None or high is None:
        return number(value)
    return f"{number(value)} ({number(low)} to {number(high)})"


def number(value: float | None, digits: int = 4) -> str:
    """A number with some significant digits, or a dash.

    >>> number(0.123456), number(None)
    ('0.1235', '-')
    """
    return "-" if value is None else f"{value:.{digits}g}"
