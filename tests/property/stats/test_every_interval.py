"""Intervals: more confidence never makes one narrower, nor does it lose the estimate."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeostat.domain.verdict import Verdict
from homeostat.stats.compare.clustered_mean import clustered_mean
from homeostat.stats.compare.mcnemar import score_interval
from homeostat.stats.compare.paired import paired
from homeostat.stats.compare.paired_bootstrap import paired_bootstrap
from homeostat.stats.drift.shares import wilson
from homeostat.stats.sequential.anytime_mean import anytime_mean
from homeostat.stats.sequential.bernoulli import BernoulliRate, rate_interval
from homeostat.stats.sequential.betting import BettingMean
from homeostat.stats.sequential.quantile import quantile_interval, rank_interval
from tests.property.stats.samples import Groups, Kinds, made
from tests.property.stats.streams import labels

Ends = tuple[float | None, float | None]
RATES = (0.001, 0.02, 0.05, 0.2, 0.5)
STEP = 0.001
"""Of the grid of ``BettingMean``."""
quick = settings(max_examples=60, deadline=None, derandomize=True)


def check_nested(found: list[Ends], centre: float | None = None) -> None:
    """The intervals, of the most careful first, lie within each other and hold ``centre``."""
    ends = [
        (-math.inf if low is None else low, math.inf if high is None else high)
        for low, high in found
    ]
    for careful, bold in pairwise(ends):
        assert careful[0] <= bold[0] + 1e-9, found
        assert careful[1] >= bold[1] - 1e-9, found
    for low, high in ends:
        assert low <= high, found
        assert centre is None or low <= centre <= high, (centre, found)


@quick
@given(rows=st.integers(1, 5000), share=st.floats(0, 1))
def test_intervals_of_a_share(rows: int, share: float) -> None:
    count = round(rows * share)
    check_nested([wilson(count, rows, rate) for rate in RATES], count / rows)
    check_nested([rate_interval(count, rows, 1 - rate) for rate in RATES], count / rows)


@quick
@given(rows=st.integers(1, 5000), won=st.floats(0, 1), lost=st.floats(0, 1))
def test_the_interval_of_two_paired_shares(rows: int, won: float, lost: float) -> None:
    gained = round(rows * won)
    dropped = round((rows - gained) * lost)
    found: list[Ends] = [score_interval(gained, dropped, rows, 1 - rate) for rate in RATES]
    check_nested(found, (gained - dropped) / rows)


@quick
@given(rows=st.integers(1, 5000), p=st.floats(0.01, 0.99))
def test_the_ranks_of_a_quantile(rows: int, p: float) -> None:
    found: list[Ends] = [rank_interval(rows, p, 1 - rate) for rate in RATES]
    check_nested(found)
    assert all(0 <= low <= high <= rows for low, high in found if low is not None and high)


@dataclass(frozen=True)
class Interval:
    """``call(groups, rate)`` gives low, estimate and high."""

    of: str
    kinds: Kinds
    call: Callable[[Groups, float], tuple[float | None, float | None, float | None]]

    def __str__(self) -> str:
        return self.of


def _paired(metric: str) -> Callable[[Groups, float], tuple[float | None, ...]]:
    def call(groups: Groups, rate: float) -> tuple[float | None, ...]:
        given_also = {"resamples": 60, "seed": 1}
        found = paired(metric, *groups[0], confidence=1 - rate, **given_also)  # type: ignore[arg-type]
        return found.low, found.difference, found.high

    return call


def _drawn(groups: Groups, rate: float) -> tuple[float | None, ...]:
    given_also = {"resamples": 60, "seed": 1}
    found = paired_bootstrap("auc", *groups[0], confidence=1 - rate, **given_also)  # type: ignore[arg-type]
    return found.low, None, found.high


def _mean(function: Callable[..., object]) -> Callable[[Groups, float], tuple[float | None, ...]]:
    def call(groups: Groups, rate: float) -> tuple[float | None, ...]:
        found = function(*groups[0], 1 - rate)
        return found.low, found.mean, found.high  # type: ignore[attr-defined]

    return call


def _quantile(groups: Groups, rate: float) -> tuple[float | None, ...]:
    low, high = quantile_interval(groups[0][0], 0.5, 1 - rate)
    return low, float(np.quantile(groups[0][0], 0.5, method="inverted_cdf")), high


PAIRED: Kinds = (("label", "share", "share", "block"),)
INTERVALS = [
    *[Interval(f"paired[{name}]", PAIRED, _paired(name))  # type: ignore[arg-type]
      for name in ("auc", "accuracy", "brier", "f1", "rmse", "r2", "average_precision")],
    Interval("paired_bootstrap", PAIRED, _drawn),  # type: ignore[arg-type]
    Interval("clustered_mean", (("number", "block"),), _mean(clustered_mean)),  # type: ignore[arg-type]
    Interval("anytime_mean", (("number", "block"),), _mean(anytime_mean)),  # type: ignore[arg-type]
    Interval("quantile_interval", (("number",),), _quantile),  # type: ignore[arg-type]
]  # fmt: skip


@pytest.mark.parametrize("interval", INTERVALS, ids=str)
@pytest.mark.parametrize("rows", [80, 400])
def test_intervals_of_rows(interval: Interval, rows: int) -> None:
    for seed in range(3):
        groups = made(interval.kinds, rows, seed)
        found = [interval.call(groups, rate) for rate in RATES]
        assert all(low is not None for low, _, _ in found)
        check_nested([(low, high) for low, _, high in found], found[0][1])


@quick
@given(seed=st.integers(0, 10_000), level=st.floats(0.01, 0.99), rows=st.integers(1, 1500))
def test_intervals_of_streams(seed: int, level: float, rows: int) -> None:
    values = labels(np.random.default_rng(seed), rows, level)
    for make in (BernoulliRate, BettingMean):
        found = []
        for rate in RATES:
            stream = make(confidence=1 - rate)
            stream.update_many(values)
            if stream.result.verdict is not Verdict.ERROR:
                found.append(stream.result)
        if make is BernoulliRate:
            check_nested([(one.low, one.high) for one in found])
        else:  # its bets are made for the rate: narrower, but an end may lie a little further out
            widths = [one.high - one.low for one in found]
            assert all(careful >= bold - 2 * STEP for careful, bold in pairwise(widths))
        assert all(one.low <= one.estimate <= one.high for one in found)
