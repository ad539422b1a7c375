"""Quality over time of several ways to run a model, on the same rows, with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from homeostat.domain.backtest import Curve, Gap, Point
from homeostat.simulation.spans import Stretch, months, weeks
from homeostat.stats.compare.paired import MIN_BLOCKS
from homeostat.stats.compare.resampled import resampled
from homeostat.stats.metrics import Array, measure, oriented

if TYPE_CHECKING:
    import polars as pl

DAY_US = 86_400_000_000
RESAMPLES = 400
CONFIDENCE = 0.95
SEED = 2013
TITLES = {"loop": "Homeostat", "never": "Never retrained", "weekly": "Retrained every week"}


@dataclass(frozen=True, slots=True)
class Scores:
    """Rows that every way has scored: all arrays have shape (rows,), sorted by ``at``.

    ``at`` is in microseconds since 1970 UTC; ``predictions`` is by way.
    """

    at: NDArray[np.int64]
    truth: Array
    predictions: Mapping[str, Array]

    def within(self, stretch: Stretch) -> slice:
        """The rows in a stretch of time."""
        first = np.searchsorted(self.at, _us(stretch.since), side="left")
        last = np.searchsorted(self.at, _us(stretch.until), side="left")
        return slice(int(first), int(last))


def scores_of(rows: pl.DataFrame, ways: Sequence[str]) -> Scores:
    """Scores from a frame with ``at``, ``truth`` and a column for each way.

    Rows without a truth or without any of the predictions are left out.
    """
    whole = rows.drop_nulls(["truth", *ways]).sort("at")
    return Scores(
        whole["at"].dt.timestamp("us").to_numpy(),
        whole["truth"].cast(float).to_numpy(),
        {way: whole[way].cast(float).to_numpy() for way in ways},
    )


def _us(at: datetime) -> int:
    return round(at.timestamp() * 1_000_000)


def curve_of(
    way: str,
    scores: Scores,
    metric: str,
    served: tuple[datetime, datetime],
    compared_from: datetime | None,
    trained_at: tuple[datetime, ...],
) -> Curve:
    """The curve of one way over ``served``: first answer to the end of the back-test."""
    monthly = _points(way, scores, metric, months(*served))
    counted = compared(monthly, compared_from)
    known = [point.value for point in counted if point.value is not None]
    return Curve(
        name=way,
        title=TITLES.get(way, way),
        monthly=monthly,
        weekly=_points(way, scores, metric, weeks(*served)),
        mean=float(np.mean(known)) if known else None,
        trained_at=trained_at,
    )


def _points(
    way: str, scores: Scores, metric: str, stretches: Sequence[Stretch]
) -> tuple[Point, ...]:
    points = []
    for stretch in stretches:
        rows = scores.within(stretch)
        truth, prediction = scores.truth[rows], scores.predictions[way][rows]
        value = measure(metric, truth, prediction) if truth.size else None
        points.append(Point(stretch.since, stretch.until, value, truth.size, stretch.whole))
    return tuple(points)


def first_whole_month(served: tuple[datetime, datetime]) -> datetime | None:
    """Where the first whole month begins; None when there is none."""
    return next((month.since for month in months(*served) if month.whole), None)


def compared(points: Sequence[Point], since: datetime | None) -> tuple[Point, ...]:
    """The points that count for the mean: whole months from ``since`` on; all when none is."""
    whole = tuple(p for p in points if p.whole and (since is None or p.since >= since))
    return whole or tuple(points)


def gap_between(
    scores: Scores,
    against: str,
    metric: str,
    points: Sequence[Point],
    *,
    resamples: int = RESAMPLES,
) -> Gap:
    """Difference of mean monthly quality, the loop minus ``against``, positive is better.

    The interval is the percentile interval of a paired bootstrap, stratified by month, that
    draws whole days (Efron & Tibshirani 1993): rows of one day share weather and congestion, so
    drawing rows would make it too narrow. Months count the same whatever their number of rows.
    A month of which the metric is undefined is left out; without any there is no interval.
    """
    parts = [_Month(scores, scores.within(Stretch(p.since, p.until, p.whole)), metric, against)
             for p in points]  # fmt: skip
    parts = [part for part in parts if part.difference() is not None]
    if not parts:
        return Gap(against, None, None, None, 0, 0)
    random = np.random.default_rng(SEED)
    drawn = []
    for _ in range(resamples):
        found = [part.difference(part.draw(random)) for part in parts]
        known = [value for value in found if value is not None]
        if len(known) == len(parts):
            drawn.append(float(np.mean(known)))
    centre = float(np.mean([part.difference() for part in parts]))
    low, high = None, None
    if len(drawn) >= resamples / 2 and min(part.days for part in parts) >= MIN_BLOCKS:
        tail = (1 - CONFIDENCE) / 2
        low, high = (float(end) for end in np.quantile(drawn, [tail, 1 - tail]))
    return Gap(against, centre, low, high, sum(part.rows for part in parts), len(parts))


class _Month:
    """One month's rows of the loop and of one baseline, ready to be drawn by days many times."""

    def __init__(self, scores: Scores, rows: slice, metric: str, against: str) -> None:
        truth = scores.truth[rows]
        self.rows = int(truth.size)
        _, codes = np.unique(scores.at[rows] // DAY_US, return_inverse=True)
        self.days = int(codes.max()) + 1 if self.rows else 0
        self._metric = metric
        if self.rows:
            self._ours = resampled(metric, truth, scores.predictions["loop"][rows], codes)
            self._theirs = resampled(metric, truth, scores.predictions[against][rows], codes)

    def draw(self, random: np.random.Generator) -> Array:
        """How often each day counts in a resample of whole days."""
        drawn = random.integers(self.days, size=self.days)
        return np.bincount(drawn, minlength=self.days).astype(np.float64)

    def difference(self, counts: Array | None = None) -> float | None:
        """The loop against the baseline when days count so often; None where it is undefined."""
        if not self.rows:
            return None
        counts = np.ones(self.days) if counts is None else counts
        ours, theirs = self._ours(counts), self._theirs(counts)
        return None if ours is None or theirs is None else oriented(self._metric, ours, theirs)
