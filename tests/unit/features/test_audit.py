from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from homeostat.errors import LeakError
from homeostat.features.audit import audit_features
from homeostat.features.build import build_features
from tests.unit.features.small_project import HOUR, declared, events, folder_with, frames

MANY = tuple(range(10))


def test_features_that_used_only_what_was_known_pass(tmp_path: Path) -> None:
    folder, given = folder_with(tmp_path), events(MANY)
    built = build_features(declared(), folder, given, frames())
    assert audit_features(declared(), folder, given, built, frames()) == 10
    assert audit_features(declared(), folder, given, built, frames(), sample=3) == 3


def test_a_feature_from_rows_of_the_future_is_named_with_its_event(tmp_path: Path) -> None:
    folder, given = folder_with(tmp_path), events(MANY, shop=["s1"] * 10)
    outcomes = frames().frame("outcomes", None, None)
    too_early = frames(outcomes=outcomes.with_columns(pl.col("known") - 2 * HOUR))
    leaked = build_features(declared(), folder, given, too_early)
    with pytest.raises(LeakError, match=r"feature past__late: event e\d+ at 2013-03-01"):
        audit_features(declared(), folder, given, leaked, frames())


def test_a_derive_function_that_looks_at_the_whole_batch_is_found(tmp_path: Path) -> None:
    body = (
        "import polars as pl\n"
        "def derive(orders):\n"
        "    return orders.select(double=pl.col('size') - pl.col('size').mean())\n"
    )
    folder, given = folder_with(tmp_path, body), events(MANY)
    built = build_features(declared(), folder, given, frames())
    with pytest.raises(LeakError, match="feature double"):
        audit_features(declared(), folder, given, built, frames())


def test_a_category_that_differs_and_a_null_that_was_a_value_are_found(tmp_path: Path) -> None:
    folder, given = folder_with(tmp_path), events((0,))
    built = build_features(declared(), folder, given, frames())
    for column in (pl.lit("z").alias("shop__grade"), pl.lit(None, pl.Float64).alias("past__late")):
        with pytest.raises(LeakError, match="what was known then gives"):
            audit_features(declared(), folder, given, built.with_columns(column), frames())


def test_of_no_events_nothing_is_compared(tmp_path: Path) -> None:
    folder, given = folder_with(tmp_path), events().head(0)
    built = build_features(declared(), folder, given, frames())
    assert audit_features(declared(), folder, given, built, frames()) == 0
