"""The quality part of a monitoring report: what was measured, and what is foretold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from homeostat.domain.monitor import DayReport, MetricReport, SegmentReport
from homeostat.domain.version import Version
from homeostat.features.own_metrics import OwnMetrics, named
from homeostat.features.segments import segment_rows
from homeostat.monitoring.estimates import known
from homeostat.monitoring.labelled import TRUTH
from homeostat.spec.project import Project
from homeostat.stats.compare.metric_interval import metric_interval
from homeostat.stats.metrics import less_is_better
from homeostat.stats.result import Result

if TYPE_CHECKING:
    import polars as pl

HOUR_US = 3_600_000_000
MAX_DAYS = 62
"""Days that are shown one by one, the latest."""
MIN_DAY_ROWS = 30
Foretell = Callable[[datetime, datetime, tuple[str, ...]], Mapping[str, Result]]
"""Estimates of the metrics named, for the rows of a stretch of time."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """The window's rows with known labels: ``event``, ``at``, ``prediction``, ``truth``, inputs.

    ``rows`` are all of the champion's in the window, labelled or not.
    """

    labelled: pl.DataFrame
    rows: pl.DataFrame
    since: datetime
    until: datetime


def metrics_reported(
    project: Project,
    own: OwnMetrics,
    version: Version,
    seen: Labelled,
    foretold: Mapping[str, Result],
) -> tuple[MetricReport, ...]:
    """Every declared metric, the primary first."""
    found = []
    for name in project.metrics.names:
        metric = named(name, own)
        value = _measured(name, own, seen.labelled)
        estimate = foretold.get(name)
        good = estimate is not None and known(estimate)
        found.append(
            MetricReport(
                name,
                less_is_better(metric),
                value.estimate,
                value.low,
                value.high,
                seen.labelled.height,
                version.candidate.metrics.get(name),
                estimate.estimate if estimate is not None and good else None,
                estimate.low if estimate is not None and good else None,
                estimate.high if estimate is not None and good else None,
                _note(estimate, good),
            )
        )
    return tuple(found)


def days_reported(
    project: Project, own: OwnMetrics, seen: Labelled, foretell: Foretell
) -> tuple[DayReport, ...]:
    """The primary metric day by day, the latest days."""
    primary = project.metrics.primary
    day = max(seen.since, seen.until - timedelta(days=MAX_DAYS))
    found = []
    while day < seen.until:
        end = min(day + timedelta(days=1), seen.until)
        labelled, rows = (_between(frame, day, end) for frame in (seen.labelled, seen.rows))
        value = estimate = None
        if labelled.height >= MIN_DAY_ROWS:
            value = _measured(primary, own, labelled)
        if rows.height >= MIN_DAY_ROWS:
            estimate = foretell(day, end, (primary,)).get(primary)
        good = estimate is not None and known(estimate)
        found.append(
            DayReport(
                day,
                rows.height,
                labelled.height,
                value.estimate if value else None,
                value.low if value else None,
                value.high if value else None,
                estimate.estimate if estimate is not None and good else None,
                estimate.low if estimate is not None and good else None,
                estimate.high if estimate is not None and good else None,
            )
        )
        day = end
    return tuple(found)


def segments_reported(
    project: Project, own: OwnMetrics, seen: Labelled
) -> tuple[SegmentReport, ...]:
    """The primary metric on each declared segment."""
    found = []
    for name, text in project.metrics.segments.items():
        part = seen.labelled
        if part.height:
            part = part.filter(segment_rows(part["inputs"].struct.unnest(), name, text))
        value = _measured(project.metrics.primary, own, part)
        found.append(SegmentReport(name, text, part.height, value.estimate, value.low, value.high))
    return tuple(found)


def _measured(name: str, own: OwnMetrics, rows: pl.DataFrame) -> Result:
    truth = rows[TRUTH].to_numpy().astype(np.float64)
    return metric_interval(
        named(name, own), truth, rows["prediction"].to_numpy().astype(np.float64), _hours(rows)
    )


def _hours(rows: pl.DataFrame) -> NDArray[np.int64]:
    return np.asarray(rows["at"].dt.timestamp("us").to_numpy() // HOUR_US, dtype=np.int64)


def _between(rows: pl.DataFrame, since: datetime, until: datetime) -> pl.DataFrame:
    return rows.filter((rows["at"] >= since) & (rows["at"] < until))


def _note(estimate: Result | None, good: bool) -> str:
    if estimate is None:
        return "this metric cannot be foretold"
    return "" if good else estimate.reason
