"""Features by look: how far each was from its reference, against what is usual for it."""

from __future__ import annotations

from dataclasses import dataclass

from homeostat.console import words
from homeostat.domain.monitor import FeatureReport, MonitorReport
from homeostat.domain.verdict import Verdict

LEVELS = (1.0, 1.5, 2.5, 4.0, 8.0)
"""Upper ends of the colours, in times the usual distance."""
SHOWN = 30
"""Rows that are shown at once; the rest folds."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One look; ``level`` -1: not known. ``alarm``: the feature had drifted there."""

    left: float
    width: float
    level: int
    alarm: bool
    tip: str


@dataclass(frozen=True, slots=True)
class Row:
    """One feature over the looks, and its numbers at the last one."""

    feature: FeatureReport
    anchor: str
    cells: tuple[Cell, ...]
    p: str
    importance: float


def rows(report: MonitorReport) -> tuple[Row, ...]:
    """The prediction, then features: drifted first, then by importance."""
    answers = (report.prediction,) if report.prediction is not None else ()
    ordered = sorted(
        report.features,
        key=lambda one: (one.verdict is not Verdict.FAIL, -one.importance, one.name),
    )
    most = max((one.importance for one in report.features), default=0.0)
    return tuple(
        Row(
            one,
            f"f{place}",
            _cells(one, report),
            p_value(one.p_value),
            round(100 * one.importance / most, 1) if most > 0 else 0.0,
        )
        for place, one in enumerate((*answers, *ordered))
    )


def _cells(one: FeatureReport, report: MonitorReport) -> tuple[Cell, ...]:
    count = len(one.trend)
    if not count:
        return ()
    looks = report.looks[-count:]
    width = round(100 / count, 3)
    return tuple(
        Cell(
            round(place * 100 / count, 3),
            width,
            level_of(distance, one.typical),
            verdict is Verdict.FAIL,
            f"{one.name}, {words.moment(at)}: "
            + ("not known" if distance is None else f"{report.distance} {distance:.3g}")
            + (", drifted" if verdict is Verdict.FAIL else ""),
        )
        for place, (at, distance, verdict) in enumerate(
            zip(looks, one.trend, one.alarms, strict=True)
        )
    )


def level_of(distance: float | None, typical: float | None) -> int:
    """Which of the colours a distance has; -1 when it, or what is usual, is not known.

    >>> level_of(1.0, 1.0), level_of(3.0, 1.0), level_of(9.0, 1.0), level_of(None, 1.0)
    (0, 3, 5, -1)
    """
    if distance is None or typical is None:
        return -1
    if typical <= 0:
        return 0 if distance <= 0 else len(LEVELS)
    return sum(distance / typical > limit for limit in LEVELS)


def p_value(p: float | None) -> str:
    """A p value for people.

    >>> p_value(0.5), p_value(0.00001), p_value(0.012), p_value(None)
    ('0.50', '< 0.0001', '0.012', '–')
    """
    if p is None:
        return words.NOTHING
    if p < 0.0001:
        return "< 0.0001"
    return f"{p:.2f}" if p >= 0.1 else f"{p:.2g}"
