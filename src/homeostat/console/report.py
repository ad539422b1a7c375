"""The report of a back-test: one HTML file that needs nothing from outside.

Plots are drawn here, in percent of their box, so that the page stretches to any width, prints,
and can be read without JavaScript; the small script only adds pointing and filtering.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from homeostat.console import page, story, words
from homeostat.console.axes import TimeAxis
from homeostat.console.drift_plot import LEVELS, drift_plot
from homeostat.console.judged_plot import judged_plot, judged_sentence
from homeostat.console.lanes import disturbed_spans, lanes
from homeostat.console.page import rendered, static, write_page
from homeostat.console.quality_plot import quality_plots
from homeostat.domain.backtest import BacktestResult, Happening

GROUPS = (
    ("promotions", "Promotions", (Happening.PROMOTION, Happening.REGISTRATION)),
    ("refusals", "Refusals", (Happening.REFUSAL, Happening.ABORT)),
    ("rollbacks", "Rollbacks", (Happening.ROLLBACK,)),
    ("trainings", "Trainings", (Happening.TRAINING, Happening.FAILURE)),
    ("rollouts", "Rollouts and looks", (Happening.ROLLOUT, Happening.LOOK)),
    ("data", "Data", (Happening.QUARANTINE, Happening.RECOVERY)),
    ("alerts", "Alerts", (Happening.ALERT, Happening.RESOLVED)),
    ("orders", "Orders", (Happening.ORDER,)),
)
"""The filters of the decisions table, in their order."""


def render_report(result: BacktestResult, *, fonts: bool = True) -> str:
    """The whole page. The same result gives the same bytes; ``fonts`` embeds the typefaces."""
    return rendered("report.html.j2", _parts(result, fonts=fonts))


def write_report(result: BacktestResult, path: Path) -> Path:
    """Write the page to ``path``, all or nothing; DiskFullError when there is no room."""
    return write_page(render_report(result), path)


def _parts(result: BacktestResult, *, fonts: bool) -> dict[str, Any]:
    axis = TimeAxis(result.since, result.until)
    plots = quality_plots(result, axis)
    return {
        "result": result,
        "metric": words.metric_name(result.metric),
        "headline": story.headline(result),
        "deck": story.deck(result),
        "numbers": story.numbers(result),
        "axis": axis,
        "plots": plots,
        "chosen": _chosen(plots, result),
        "lanes": lanes(result, axis),
        "bands": disturbed_spans(result, axis),
        "drift": drift_plot(result, axis),
        "levels": LEVELS,
        "judged": judged_plot(result),
        "judged_sentence": judged_sentence(result),
        "groups": _groups(result),
        "group_of": {kind: name for name, _, kinds in GROUPS for kind in kinds},
        "method": story.method(result),
        "months": _months(result),
        "used": {str(decision.kind) for decision in result.decisions},
        "css": static("report.css"),
        "script": static("report.js"),
        "fonts": page.fonts() if fonts else {},
    }


def _chosen(plots: tuple[Any, ...], result: BacktestResult) -> str:
    """Which plot is shown first: by month, unless there are too few of them."""
    loop = result.curve("loop")
    names = [plot.name for plot in plots]
    few = loop is None or len(loop.monthly) < 4
    return "weekly" if few and "weekly" in names else (names[0] if names else "")


def _groups(result: BacktestResult) -> list[tuple[str, str, int]]:
    """Filters that would show something, with how much."""
    kinds = [decision.kind for decision in result.decisions]
    counted = [(name, title, sum(map(kinds.count, of))) for name, title, of in GROUPS]
    return [group for group in counted if group[2]]


def _months(result: BacktestResult) -> list[dict[str, Any]]:
    """Rows of the table behind the quality plot."""
    loop = result.curve("loop")
    if loop is None:
        return []
    rows = []
    for place, point in enumerate(loop.monthly):
        values = {curve.name: curve.monthly[place].value for curve in result.curves}
        rows.append({"point": point, "by_curve": values})
    return rows
