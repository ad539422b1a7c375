"""The page of ``homeostat monitor --html``: one file that needs nothing from outside."""

from __future__ import annotations

from typing import Any

from homeostat.console import monitor_heat, page, words
from homeostat.console.monitor_bars import bars, sentence
from homeostat.console.monitor_quality import quality_by_day
from homeostat.console.page import rendered, static
from homeostat.domain.monitor import MonitorReport
from homeostat.domain.verdict import Verdict

DISTANCES = {
    "psi": "PSI",
    "jensen_shannon": "Jensen-Shannon",
    "kullback_leibler": "Kullback-Leibler",
    "hellinger": "Hellinger",
    "total_variation": "total variation",
    "kolmogorov_smirnov": "Kolmogorov-Smirnov",
    "l_infinity": "largest difference",
    "chi_square": "Cramér's V",
}
REFERENCES = {
    "training": "the rows that the version was trained on",
    "sliding": "the time before the window",
    "seasonal": "the same hours of the weeks before",
}
BADGES = {
    Verdict.PASS: ("", "nothing drifted"),
    Verdict.FAIL: ("missed", "drifted"),
    Verdict.INCONCLUSIVE: ("absent", "not known"),
    Verdict.ERROR: ("missed", "error"),
}


def page_of(report: MonitorReport, *, fonts: bool = True) -> str:
    """The whole page. The same report gives the same bytes; ``fonts`` embeds the typefaces."""
    distance = DISTANCES.get(report.distance, report.distance)
    rows = monitor_heat.rows(report)
    moved = [row for row in rows if row.feature.verdict is Verdict.FAIL]
    still = [row for row in rows if row.feature.verdict is not Verdict.FAIL]
    parts: dict[str, Any] = {
        "report": report,
        "distance": distance,
        "reference": REFERENCES.get(report.reference, report.reference),
        "badge": BADGES[report.verdict],
        "badges": BADGES,
        "numbers": _numbers(report),
        "quality": quality_by_day(report),
        "primary": words.metric_name(report.metrics[0].name) if report.metrics else "",
        "metric_name": words.metric_name,
        "rows": rows,
        "shown": monitor_heat.SHOWN,
        "levels": monitor_heat.LEVELS,
        "moved": [(row, bars(row.feature), sentence(row.feature, distance)) for row in moved],
        "still": [(row, bars(row.feature), sentence(row.feature, distance)) for row in still],
        "css": static("report.css") + static("monitor.css"),
        "fonts": page.fonts() if fonts else {},
        "verdicts": {verdict: str(verdict) for verdict in Verdict},
    }
    return rendered("monitor.html.j2", parts)


def _numbers(report: MonitorReport) -> list[dict[str, str]]:
    """The row of figures under the headline."""
    drifted = sum(one.verdict is Verdict.FAIL for one in report.features)
    found = [
        {
            "title": "health",
            "value": words.NOTHING if report.health is None else str(report.health),
            "detail": "of 100" if report.health is not None else "known while it serves",
        },
        {
            "title": "features drifted",
            "value": str(drifted),
            "detail": f"of {len(report.features)}",
        },
    ]
    if report.metrics:
        first = report.metrics[0]
        ends = f"{words.value(first.low)} to {words.value(first.high)}"
        found.append(
            {
                "title": f"{words.metric_name(first.name)}, measured",
                "value": words.value(first.measured),
                "detail": "no labels yet" if first.measured is None
                else ends if first.low is not None else "no interval",
            }
        )  # fmt: skip
        foretold = f"{words.value(first.estimated_low)} to {words.value(first.estimated_high)}"
        found.append(
            {
                "title": f"{words.metric_name(first.name)}, foretold",
                "value": words.value(first.estimated),
                "detail": foretold if first.estimated is not None else "withheld",
            }
        )
    found.append(
        {
            "title": "rows",
            "value": f"{report.rows:,}",
            "detail": f"{report.labelled:,} with labels",
        }
    )
    return found
