"""Which rows train, evaluate, and are held out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from homeostat.errors import ColumnError, EmptyDataError
from homeostat.pipeline.split import Parts, parts_of, split
from homeostat.spec.project import Project

from .test_features import declared

DAY = timedelta(days=1)
START = datetime(2024, 1, 1, tzinfo=UTC)
AS_OF = START + 100 * DAY


def project(training: dict[str, Any] | None = None, **changes: Any) -> Project:
    return declared(split=changes, training={"min_rows": 20} | (training or {}))


def rows(n: int = 1000) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "id": [f"e{i}" for i in range(n)],
            "at": [START + 100 * DAY * i / n for i in range(n)],
            "shop": [f"s{i % 50}" for i in range(n)],
        }
    )


def each_once(parts: Parts) -> bool:
    counts = parts.train.astype(int) + parts.evaluation.astype(int) + parts.holdout.astype(int)
    return bool((counts <= 1).all())


def test_by_time_the_latest_rows_evaluate() -> None:
    parts = split(project(by="time", evaluate="14d", holdout_share=0.1), rows(), AS_OF)
    at = rows()["at"]
    assert each_once(parts)
    assert at.filter(parts.train).max() < AS_OF - 14 * DAY  # type: ignore[operator]
    assert at.filter(parts.evaluation).min() == AS_OF - 14 * DAY
    assert parts.train.sum() + parts.evaluation.sum() + parts.holdout.sum() == 1000


def test_the_holdout_is_spread_over_all_times_and_in_no_other_part() -> None:
    parts = split(project(holdout_share=0.1), rows(), AS_OF)
    held = rows()["at"].filter(parts.holdout)
    assert 60 < held.len() < 140
    assert held.min() < START + 10 * DAY  # type: ignore[operator]
    assert held.max() > AS_OF - 10 * DAY  # type: ignore[operator]


def test_without_a_share_nothing_is_held_out() -> None:
    assert not split(project(holdout_share=0), rows(), AS_OF).holdout.any()


def test_at_random_a_row_stays_on_its_side_from_run_to_run() -> None:
    given = project(by="random", share=0.3)
    early, late = split(given, rows(600), AS_OF), split(given, rows(), AS_OF + 50 * DAY)
    assert np.array_equal(early.evaluation, late.evaluation[:600])
    assert 200 < late.evaluation.sum() < 360


def test_another_seed_draws_other_rows() -> None:
    one = split(project(by="random"), rows(), AS_OF)
    other = split(project({"seed": 8}, by="random"), rows(), AS_OF)
    assert not np.array_equal(one.evaluation, other.evaluation)
    assert np.array_equal(one.holdout, other.holdout)


def test_the_draw_for_evaluation_is_not_the_draw_for_the_holdout() -> None:
    parts = split(project(by="random", share=0.3, holdout_share=0.3), rows(), AS_OF)
    rest = 1000 - parts.holdout.sum()
    assert 0.2 < parts.evaluation.sum() / rest < 0.4


def test_groups_stay_together() -> None:
    parts = split(project(by="group", group="shop", share=0.3, holdout_share=0), rows(), AS_OF)
    shops = rows()["shop"]
    assert not set(shops.filter(parts.train)) & set(shops.filter(parts.evaluation))
    assert parts.evaluation.any()


def test_a_group_without_a_name_is_a_group() -> None:
    frame = rows().with_columns(pl.when(pl.col("shop") != "s1").then("shop").alias("shop"))
    parts = split(project(by="group", group="shop", holdout_share=0), frame, AS_OF)
    nameless = parts.evaluation[frame["shop"].is_null().to_numpy()]
    assert nameless.all() or not nameless.any()


def test_a_group_column_that_is_not_there_is_a_typed_error() -> None:
    with pytest.raises(ColumnError, match=r"split\.group: there is no column 'town'"):
        split(project(by="group", group="town"), rows(), AS_OF)


@pytest.mark.parametrize("by", ["time", "random"])
def test_rows_older_than_history_neither_train_nor_evaluate(by: str) -> None:
    parts = split(project({"history": "60d"}, by=by, holdout_share=0.1), rows(), AS_OF)
    at = rows()["at"]
    assert at.filter(parts.train | parts.evaluation).min() >= AS_OF - 60 * DAY  # type: ignore[operator]
    assert at.filter(parts.holdout).min() < AS_OF - 60 * DAY  # type: ignore[operator]


def test_too_few_rows_to_train_on_are_a_typed_error_with_the_numbers() -> None:
    with pytest.raises(EmptyDataError, match="rows to train on, 990 are asked"):
        split(project({"min_rows": 990}), rows(), AS_OF)


def test_evaluation_may_be_empty() -> None:
    parts = split(project(evaluate="1d"), rows(), AS_OF + 30 * DAY)
    assert not parts.evaluation.any()


def test_whole_numbers_are_ids_too() -> None:
    frame = rows().with_columns(pl.int_range(1000).alias("id"))
    assert split(project(holdout_share=0.2), frame, AS_OF).holdout.any()


def test_the_masks_come_back_from_their_codes() -> None:
    parts = split(project({"history": "60d"}, holdout_share=0.1), rows(), AS_OF)
    again = parts_of(parts.to_codes())
    for name in ("train", "evaluation", "holdout"):
        assert np.array_equal(getattr(parts, name), getattr(again, name))
    assert set(parts.to_codes()) == {0, 1, 2, 3}
