from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from homeostat.domain.backtest import Point
from homeostat.simulation.quality import (
    compared,
    curve_of,
    first_whole_month,
    gap_between,
    scores_of,
)
from homeostat.simulation.spans import months

SINCE = datetime(2024, 1, 10, tzinfo=UTC)
UNTIL = datetime(2024, 5, 1, tzinfo=UTC)


def frame(skill_loop: float, skill_weekly: float, seed: int = 0) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    hours = int((UNTIL - SINCE) / timedelta(hours=1))
    truth = (random.random(hours) < 0.3).astype(float)
    return pl.DataFrame(
        {
            "at": pl.Series(
                [SINCE + timedelta(hours=n) for n in range(hours)],
                dtype=pl.Datetime("us", "UTC"),
            ),
            "truth": truth,
            "loop": truth * skill_loop + random.normal(size=hours),
            "weekly": truth * skill_weekly + random.normal(size=hours),
        }
    )


def test_each_point_is_the_metric_of_the_rows_in_its_month():
    rows = frame(1.0, 0.5)
    curve = curve_of("loop", scores_of(rows, ["loop"]), "auc", (SINCE, UNTIL), None, ())
    assert [point.since.month for point in curve.monthly] == [1, 2, 3, 4]
    march = rows.filter(pl.col("at").dt.month() == 3)
    expected = roc_auc_score(march["truth"].to_numpy(), march["loop"].to_numpy())
    assert curve.monthly[2].value == pytest.approx(expected)
    assert curve.monthly[2].rows == march.height == 31 * 24
    assert sum(point.rows for point in curve.weekly) == rows.height


def test_the_mean_counts_whole_months_from_the_given_day_on():
    scores = scores_of(frame(1.0, 0.5), ["loop"])
    curve = curve_of("loop", scores, "auc", (SINCE, UNTIL), datetime(2024, 3, 1, tzinfo=UTC), ())
    assert curve.mean == pytest.approx((curve.monthly[2].value + curve.monthly[3].value) / 2)


def test_without_a_whole_month_all_points_count():
    points = [Point(SINCE, SINCE + timedelta(days=3), 0.7, 5, whole=False)]
    assert compared(points, None) == tuple(points)
    assert first_whole_month((SINCE, SINCE + timedelta(days=3))) is None
    assert first_whole_month((SINCE, UNTIL)) == datetime(2024, 2, 1, tzinfo=UTC)


def test_rows_without_a_truth_or_without_one_of_the_answers_are_left_out():
    rows = frame(1.0, 0.5).with_columns(
        truth=pl.when(pl.int_range(pl.len()) < 10).then(None).otherwise(pl.col("truth")),
        weekly=pl.when(pl.int_range(pl.len()) >= pl.len() - 5).then(None).otherwise("weekly"),
    )
    scores = scores_of(rows, ["loop", "weekly"])
    assert scores.truth.size == rows.height - 15


def test_a_better_loop_has_a_gap_above_zero():
    scores = scores_of(frame(1.5, 0.5), ["loop", "weekly"])
    points = curve_of("loop", scores, "auc", (SINCE, UNTIL), None, ()).monthly[1:]
    gap = gap_between(scores, "weekly", "auc", points)
    assert gap.low > 0
    assert gap.low < gap.difference < gap.high
    assert gap.months == 3
    assert gap.rows == sum(point.rows for point in points)


def test_the_interval_covers_zero_about_as_often_as_it_says_when_nothing_differs():
    covered = 0
    for seed in range(40):
        scores = scores_of(frame(1.0, 1.0, seed), ["loop", "weekly"])
        points = curve_of("loop", scores, "auc", (SINCE, UNTIL), None, ()).monthly[1:]
        gap = gap_between(scores, "weekly", "auc", points, resamples=60)
        covered += gap.low <= 0 <= gap.high
    assert covered >= 34  # 0.95 is stated; 34 of 40 is far in its lower tail


def test_for_a_loss_less_is_better():
    rows = frame(0.0, 0.0).with_columns(
        loop=0.3 + 0.2 * (pl.col("truth") - 0.3), weekly=pl.lit(0.3)
    )
    scores = scores_of(rows, ["loop", "weekly"])
    points = curve_of("loop", scores, "log_loss", (SINCE, UNTIL), None, ()).monthly[1:]
    assert gap_between(scores, "weekly", "log_loss", points, resamples=20).difference > 0


def test_one_class_only_gives_no_value_and_no_gap():
    rows = frame(1.0, 1.0).with_columns(truth=pl.lit(1.0))
    scores = scores_of(rows, ["loop", "weekly"])
    curve = curve_of("loop", scores, "auc", (SINCE, UNTIL), None, ())
    assert [point.value for point in curve.monthly] == [None] * 4
    assert curve.mean is None
    assert gap_between(scores, "weekly", "auc", curve.monthly).difference is None


def test_no_rows_at_all_give_empty_points():
    scores = scores_of(frame(1.0, 1.0).clear(), ["loop"])
    curve = curve_of("loop", scores, "auc", (SINCE, UNTIL), None, ())
    assert [point.rows for point in curve.monthly] == [0] * len(months(SINCE, UNTIL))
    assert curve.mean is None
