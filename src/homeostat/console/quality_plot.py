"""The plot of quality over time: the loop against its baselines."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from homeostat.console import words
from homeostat.console.axes import Tick, TimeAxis, ValueAxis, spread, value_axis
from homeostat.domain.backtest import BacktestResult, Curve, Point

SECOND = timedelta(seconds=1)
LABEL_GAP = 7.0
"""Least distance between the labels at the ends of lines, in percent of the plot's height."""


@dataclass(frozen=True, slots=True)
class Dot:
    """A point of a line: where it stands, and what it says."""

    left: float
    top: float
    value: str
    when: str
    rows: str


@dataclass(frozen=True, slots=True)
class Line:
    """One curve. ``path`` is SVG path data in a box of 1000 x 1000."""

    name: str
    title: str
    path: str
    dots: tuple[Dot, ...]
    end_top: float
    end_value: str


@dataclass(frozen=True, slots=True)
class QualityPlot:
    """Lines over one time axis; ``name`` is ``monthly`` or ``weekly``."""

    name: str
    title: str
    ticks: tuple[Tick, ...]
    lines: tuple[Line, ...]
    label: str


FEW = 0.2
"""A part with fewer rows than this share of the median is not drawn; the table has it."""


def quality_plots(result: BacktestResult, axis: TimeAxis) -> tuple[QualityPlot, ...]:
    """The monthly and the weekly plot; only those that have at least two points."""
    plots = []
    for name, title in (("monthly", "By month"), ("weekly", "By week")):
        points = {curve.name: _points(curve, name) for curve in result.curves}
        if max((len(found) for found in points.values()), default=0) >= 2:
            plots.append(_plot(result, axis, name, title, points))
    return tuple(plots)


def _points(curve: Curve, name: str) -> tuple[Point, ...]:
    """The points to draw: a part of a month or week with few rows is noise, and left out."""
    found = curve.monthly if name == "monthly" else curve.weekly
    rows = sorted(point.rows for point in found)
    least = rows[len(rows) // 2] * FEW if rows else 0
    return tuple(point for point in found if point.whole or point.rows >= least)


def _plot(
    result: BacktestResult,
    axis: TimeAxis,
    name: str,
    title: str,
    points: dict[str, tuple[Point, ...]],
) -> QualityPlot:
    scale = value_axis(point.value for found in points.values() for point in found)
    drawn = [_line(curve, points[curve.name], axis, scale) for curve in result.curves]
    tops = spread([line.end_top for line in drawn], LABEL_GAP)
    lines = tuple(
        Line(line.name, line.title, line.path, line.dots, top, line.end_value)
        for line, top in zip(drawn, tops, strict=True)
    )
    label = f"{words.metric_name(result.metric)} {title.lower()}: " + "; ".join(
        f"{line.title} ends at {line.end_value}" for line in lines
    )
    return QualityPlot(name, title, scale.ticks(), lines, label)


def _line(curve: Curve, points: tuple[Point, ...], axis: TimeAxis, scale: ValueAxis) -> Line:
    places: list[tuple[float, float] | None] = []
    dots = []
    for point in points:
        if point.value is None:
            places.append(None)
            continue
        left = axis.place(point.since + (point.until - point.since) / 2)
        top = scale.place(point.value)
        places.append((left, top))
        dots.append(
            Dot(
                left,
                top,
                words.value(point.value, 4),
                _span(point),
                words.count(point.rows, "row"),
            )
        )
    last = dots[-1] if dots else Dot(0.0, 50.0, words.NOTHING, "", "")
    value = next((p.value for p in reversed(points) if p.value is not None), None)
    return Line(curve.name, curve.title, path_of(places), tuple(dots), last.top, words.value(value))


def _span(point: Point) -> str:
    """Its first and its last day."""
    last = point.until - SECOND
    return f"{words.day(point.since, year=False)} to {words.day(last, year=False)}"


def path_of(places: Iterable[tuple[float, float] | None]) -> str:
    """SVG path data through ``places`` (percent), broken where a place is None."""
    parts, pen = [], "M"
    for place in places:
        if place is None:
            pen = "M"
            continue
        parts.append(f"{pen}{place[0] * 10:g} {place[1] * 10:g}")
        pen = "L"
    return " ".join(parts)
