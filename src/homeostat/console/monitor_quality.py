"""The primary metric day by day: measured with whiskers, foretold as a band."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from homeostat.console import words
from homeostat.console.axes import Tick, TimeAxis, ValueAxis, value_axis
from homeostat.console.quality_plot import path_of
from homeostat.domain.monitor import DayReport, MonitorReport


@dataclass(frozen=True, slots=True)
class Mark:
    """One measured day: a dot between the ends of its interval, in percent from the top."""

    left: float
    top: float
    upper: float
    lower: float
    tip: str


@dataclass(frozen=True, slots=True)
class QualityByDay:
    """All that the figure shows; paths are SVG path data, empty where nothing is known."""

    ticks: tuple[Tick, ...]
    days: tuple[Tick, ...]
    marks: tuple[Mark, ...]
    line: str
    band: str
    promoted_top: float | None
    label: str


def quality_by_day(report: MonitorReport) -> QualityByDay | None:
    """The figure; None when nothing was measured or foretold."""
    if not report.days or not report.metrics:
        return None
    days, primary = report.days, report.metrics[0]
    values = [
        value
        for day in days
        for value in (day.measured, day.low, day.high, day.estimated_low, day.estimated_high)
    ]
    if not any(value is not None for value in values):
        return None
    axis = TimeAxis(days[0].at, report.until)
    scale = value_axis([*values, primary.promoted], lines=4)
    known = sum(day.measured is not None for day in days)
    return QualityByDay(
        scale.ticks(),
        axis.ticks(),
        tuple(_mark(day, axis, scale, primary.name) for day in days if day.measured is not None),
        path_of(_places(days, axis, scale, lambda day: day.estimated)),
        _band(days, axis, scale),
        None if primary.promoted is None else scale.place(primary.promoted),
        f"{words.metric_name(primary.name)} by day, measured on {words.count(known, 'day')}",
    )


def _noon(day: DayReport, axis: TimeAxis) -> float:
    return axis.place(day.at + timedelta(hours=12))


def _places(
    days: tuple[DayReport, ...],
    axis: TimeAxis,
    scale: ValueAxis,
    of: Callable[[DayReport], float | None],
) -> list[tuple[float, float] | None]:
    found: list[tuple[float, float] | None] = []
    for day in days:
        value = of(day)
        found.append(None if value is None else (_noon(day, axis), scale.place(value)))
    return found


def _band(days: tuple[DayReport, ...], axis: TimeAxis, scale: ValueAxis) -> str:
    """Closed shapes around runs of days with an estimate."""
    shapes, run = [], []
    for day in [*days, None]:
        if day is not None and day.estimated_low is not None and day.estimated_high is not None:
            run.append((_noon(day, axis), scale.place(day.estimated_low),
                        scale.place(day.estimated_high)))  # fmt: skip
            continue
        if run:
            upper = [f"{left * 10:g} {high * 10:g}" for left, _, high in run]
            lower = [f"{left * 10:g} {low * 10:g}" for left, low, _ in reversed(run)]
            shapes.append(f"M{' L'.join(upper + lower)}Z")
        run = []
    return " ".join(shapes)


def _mark(day: DayReport, axis: TimeAxis, scale: ValueAxis, metric: str) -> Mark:
    assert day.measured is not None
    low = day.measured if day.low is None else day.low
    high = day.measured if day.high is None else day.high
    ends = "" if day.low is None else f" ({words.value(day.low)} to {words.value(day.high)})"
    tip = (
        f"{words.day(day.at)}: {words.metric_name(metric)} {words.value(day.measured)}{ends}, "
        f"{day.labelled:,} of {day.predictions:,} labelled"
    )
    return Mark(
        _noon(day, axis), scale.place(day.measured), scale.place(high), scale.place(low), tip
    )
