"""Candidate and champion on the same rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from homeostat.domain.evidence import Comparison
from homeostat.errors import ColumnError
from homeostat.pipeline.evaluate import Scored, blocks_of, compare, metrics_of
from homeostat.spec.project import Project
from homeostat.stats.metrics import measure

from .test_features import declared

START = datetime(2024, 1, 1, tzinfo=UTC)


def project(**changes: Any) -> Project:
    sections = {
        "features": {"row": ["kind", "x"], "categorical": ["kind"]},
        "metrics": {"primary": "auc", "also": ["brier"], "slices": ["kind"], "slice_min_rows": 50},
        "split": {"by": "time"},
    }
    return declared(**(sections | changes))


def scored(
    rows: int = 600, *, seed: int = 0, champion: bool = True, skill: float = 1.0, note: str = ""
) -> Scored:
    random = np.random.default_rng(seed)
    signal = random.normal(size=rows)
    truth = (signal + random.normal(size=rows) > 0).astype(np.float64)
    ours = 1 / (1 + np.exp(-(skill * signal + 0.3 * random.normal(size=rows))))
    theirs = 1 / (1 + np.exp(-(0.3 * signal + random.normal(size=rows))))
    frame = pl.DataFrame(
        {
            "id": [f"e{i}" for i in range(rows)],
            "at": [START + timedelta(minutes=30 * i) for i in range(rows)],
            "kind": [["a", "b", None][min(i % 5, 2)] for i in range(rows)],
            "x": signal,
        }
    )
    return Scored(frame, truth, ours, theirs if champion else None, note)


NOTHING = scored(0)


def found(comparisons: tuple[Comparison, ...], where: str, metric: str = "auc") -> Comparison:
    (one,) = [c for c in comparisons if (c.where, c.metric) == (where, metric)]
    return one


def test_the_better_model_has_a_positive_difference_and_an_interval() -> None:
    one = found(compare(project(), scored(), scored(300, seed=1), 7), "evaluation")
    rows = scored()
    assert rows.champion is not None
    assert one.challenger == measure("auc", rows.truth, rows.challenger)
    assert one.champion == measure("auc", rows.truth, rows.champion)
    assert one.difference is not None
    assert one.low is not None
    assert one.high is not None
    assert 0 < one.low < one.difference < one.high
    assert one.rows == 600


def test_each_gate_has_its_own_confidence() -> None:
    gates = {
        "evaluation": {"confidence": 0.9}, "holdout": {"confidence": 0.95},
        "slices": {"confidence": 0.99},
    }  # fmt: skip
    made = compare(project(gates=gates), scored(), scored(300, seed=1), 7)
    shown = {c.where: c.confidence for c in made if c.metric == "auc"}
    assert shown == {
        "evaluation": 0.9, "holdout": 0.95, "slice:kind=a": 0.99, "slice:kind=b": 0.99,
        "slice:kind=null": 0.99,
    }  # fmt: skip


def test_the_other_metrics_are_compared_as_points_with_their_orientation() -> None:
    one = found(compare(project(), scored(), NOTHING, 7), "evaluation", "brier")
    assert one.difference == pytest.approx((one.champion or 0) - (one.challenger or 0))
    assert one.difference is not None
    assert one.difference > 0
    assert one.low is None


def test_the_same_seed_gives_the_same_intervals() -> None:
    drawn = project(metrics={"primary": "average_precision", "slices": ["kind"]})
    made = [compare(drawn, scored(), scored(300, seed=1), seed) for seed in (7, 7, 8)]
    assert made[0] == made[1]
    assert made[0] != made[2]


def test_without_a_champion_there_is_a_value_and_no_comparison() -> None:
    rows = scored(champion=False, note="there is no champion yet")
    for one in compare(project(), rows, rows, 7):
        assert one.challenger is not None
        assert (one.champion, one.difference, one.low, one.high) == (None, None, None, None)
        assert one.note == "there is no champion yet"


def test_no_rows_are_no_evidence() -> None:
    for one in compare(project(), NOTHING, NOTHING, 7):
        assert (one.rows, one.challenger, one.difference, one.low) == (0, None, None, None)
        assert "undefined" in one.note


def test_one_class_is_no_evidence() -> None:
    rows = scored()
    only = Scored(rows.rows, np.ones(600), rows.challenger, rows.champion)
    one = found(compare(project(), only, NOTHING, 7), "evaluation")
    assert (one.rows, one.challenger, one.low) == (600, None, None)
    assert "one class" in one.note


def test_a_slice_is_measured_on_its_rows() -> None:
    rows = scored()
    one = found(compare(project(), rows, NOTHING, 7), "slice:kind=b")
    mask = (rows.rows["kind"] == "b").fill_null(value=False).to_numpy()
    assert one.rows == mask.sum() == 120
    assert one.challenger == measure("auc", rows.truth[mask], rows.challenger[mask])
    missing = found(compare(project(), rows, NOTHING, 7), "slice:kind=null")
    assert missing.rows == 360


def test_a_small_slice_is_told_and_not_judged() -> None:
    metrics = {"primary": "auc", "slices": ["kind"], "slice_min_rows": 200}
    one = found(compare(project(metrics=metrics), scored(), NOTHING, 7), "slice:kind=a")
    assert (one.rows, one.challenger, one.low) == (120, None, None)
    assert one.note == "200 rows are asked"


def test_a_slice_of_one_class_is_no_evidence() -> None:
    rows = scored()
    truth = np.where((rows.rows["kind"] == "a").fill_null(value=False).to_numpy(), 1.0, rows.truth)
    given = Scored(rows.rows, truth, rows.challenger, rows.champion)
    one = found(compare(project(), given, NOTHING, 7), "slice:kind=a")
    assert (one.challenger, one.low) == (None, None)
    assert "one class" in one.note


def test_a_slice_that_is_no_feature_is_a_typed_error() -> None:
    given = project(metrics={"primary": "auc", "slices": ["town"]})
    with pytest.raises(ColumnError, match=r"metrics\.slices: there is no feature 'town'"):
        compare(given, scored(), NOTHING, 7)


def test_metrics_hold_the_holdout_beside_the_evaluation_and_leave_out_the_undefined() -> None:
    metrics = metrics_of(project(), scored(), scored(300, seed=1))
    assert set(metrics) == {"auc", "brier", "holdout.auc", "holdout.brier"}
    assert set(metrics_of(project(), scored(), NOTHING)) == {"auc", "brier"}


def times(days: int, per_day: int = 4) -> pl.DataFrame:
    step = timedelta(days=1) / per_day
    return pl.DataFrame({"at": [START + step * i for i in range(days * per_day)]})


@pytest.mark.parametrize(
    ("days", "blocks"), [(40, 40), (39, 39 * 4), (10, 40), (9, 9 * 24), (1, 24), (0, 0)]
)
def test_blocks_are_as_long_as_leaves_enough_of_them(days: int, blocks: int) -> None:
    assert np.unique(blocks_of(project(), times(days, 48))).size == blocks


def test_blocks_follow_the_split() -> None:
    frame = times(2).with_columns(pl.Series("kind", ["a", "b", None, "a"] * 2))
    alone = blocks_of(project(split={"by": "random"}), frame)
    assert np.unique(alone).size == 8
    groups = blocks_of(project(split={"by": "group", "group": "kind"}), frame)
    assert groups.tolist() == [1, 2, 0, 1, 1, 2, 0, 1]
