"""Drift over time: the largest PSI, the share of features that drifted, and a heat map."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from homeostat.console import words
from homeostat.console.axes import Tick, TimeAxis, value_axis
from homeostat.console.quality_plot import path_of
from homeostat.domain.backtest import BacktestResult

HEATED = 12
"""So many features have a row in the heat map, those with the largest PSI first."""
LEVELS = (0.1, 0.2, 0.5, 1.0, 3.0)
"""Upper ends of the heat map's colours; above the last one is the strongest."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One feature in one span of time; ``level`` -1: no data."""

    left: float
    width: float
    level: int
    tip: str


@dataclass(frozen=True, slots=True)
class HeatRow:
    """One feature over time."""

    feature: str
    cells: tuple[Cell, ...]
    largest: str


@dataclass(frozen=True, slots=True)
class DriftPlot:
    """All that the drift figure shows; ``limit_top`` is where the line of the limit stands."""

    ticks: tuple[Tick, ...]
    path: str
    limit_top: float | None
    share_path: str
    rows: tuple[HeatRow, ...]
    hidden: int
    label: str


def drift_plot(result: BacktestResult, axis: TimeAxis) -> DriftPlot | None:
    """The figure, None when no drift was measured."""
    drift = result.drift
    if not any(value is not None for value in drift.psi_max):
        return None
    scale = value_axis([*drift.psi_max, result.psi_limit], lines=3, zero=True)
    largest = [
        None if value is None else (axis.place(at), scale.place(value))
        for at, value in zip(drift.at, drift.psi_max, strict=True)
    ]
    share = [
        None if value is None else (axis.place(at), 100 * (1 - value))
        for at, value in zip(drift.at, drift.drifted_share, strict=True)
    ]
    peak = max(
        (value, at) for at, value in zip(drift.at, drift.psi_max, strict=True) if value is not None
    )
    return DriftPlot(
        ticks=scale.ticks(),
        path=path_of(largest),
        limit_top=scale.place(result.psi_limit),
        share_path=path_of(share),
        rows=heat_rows(result, axis),
        hidden=max(len(drift.features) - HEATED, 0),
        label=f"the largest PSI of any feature peaks at {peak[0]:.2f} on {words.day(peak[1])}",
    )


def heat_rows(result: BacktestResult, axis: TimeAxis) -> tuple[HeatRow, ...]:
    """The features that drifted most, one row each, the largest PSI first."""
    drift = result.drift
    peaks = {
        name: max((value for value in values if value is not None), default=0.0)
        for name, values in drift.features.items()
    }
    chosen = sorted(peaks, key=lambda name: (-peaks[name], name))[:HEATED]
    edges = _edges(drift.at, result)
    return tuple(
        HeatRow(
            name,
            tuple(
                _cell(name, value, since, until, axis)
                for value, (since, until) in zip(drift.features[name], edges, strict=True)
            ),
            f"{peaks[name]:.2f}",
        )
        for name in chosen
    )


def _edges(at: tuple[datetime, ...], result: BacktestResult) -> list[tuple[datetime, datetime]]:
    """What span each sample stands for: from the sample before it to itself."""
    first = result.first_served_at or result.since
    step = at[1] - at[0] if len(at) > 1 else timedelta(days=7)
    starts = [max(at[0] - step, first), *at[:-1]]
    return list(zip(starts, at, strict=True))


def _cell(name: str, value: float | None, since: datetime, until: datetime, axis: TimeAxis) -> Cell:
    left, width = axis.place(since), axis.width(since, until)
    said = "no data" if value is None else f"PSI {value:.3f}"
    return Cell(left, width, level_of(value), f"{name}, {words.day(until)}: {said}")


def level_of(value: float | None) -> int:
    """Which of the colours a PSI has; -1 without data.

    >>> level_of(0.01), level_of(0.3), level_of(7.0), level_of(None)
    (0, 2, 5, -1)
    """
    if value is None:
        return -1
    return sum(value > limit for limit in LEVELS)
