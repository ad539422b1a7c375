from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta, timezone

import polars as pl
import pytest

from homeostat.errors import ColumnError
from homeostat.features.columns import (
    INSTANT,
    as_categories,
    as_instants,
    as_numbers,
    column_of,
    microseconds,
)

NOON = datetime(2013, 3, 1, 12, tzinfo=UTC)


def test_a_missing_column_is_named_with_those_that_are_there() -> None:
    with pytest.raises(ColumnError, match=r"no column 'b'; there are a, c"):
        column_of(pl.DataFrame({"a": [1], "c": [2]}), "b", "source s")


@pytest.mark.parametrize(
    "given",
    [
        pl.Series("at", [NOON], dtype=pl.Datetime("us", "UTC")),
        pl.Series("at", [NOON], dtype=pl.Datetime("ns", "UTC")),
        pl.Series("at", [NOON], dtype=pl.Datetime("ms", "America/New_York")),
        pl.Series("at", [NOON.replace(tzinfo=None)], dtype=pl.Datetime("us")),
    ],
)
def test_times_of_every_kind_become_instants_in_utc(given: pl.Series) -> None:
    instants = as_instants(pl.DataFrame([given]), "at", "source s")
    assert instants.dtype == INSTANT
    assert instants.to_list() == [NOON]


def test_a_date_begins_at_midnight_utc() -> None:
    instants = as_instants(pl.DataFrame({"at": [date(2013, 3, 1), None]}), "at", "source s")
    assert instants.to_list() == [datetime(2013, 3, 1, tzinfo=UTC), None]


def test_text_is_not_taken_for_times() -> None:
    with pytest.raises(ColumnError, match="holds String, not times"):
        as_instants(pl.DataFrame({"at": ["2013-03-01"]}), "at", "source s")


def test_numbers_are_floats_and_what_is_not_finite_is_null() -> None:
    given = pl.Series("x", [1.0, math.nan, math.inf, -math.inf, None])
    assert as_numbers(given, "feature x").to_list() == [1.0, None, None, None, None]
    assert as_numbers(pl.Series("x", [True, False, None]), "x").to_list() == [1.0, 0.0, None]
    assert as_numbers(pl.Series("x", [None, None]), "x").dtype == pl.Float64


@pytest.mark.parametrize("given", [["1", "2"], [NOON, NOON], [timedelta(1), None]])
def test_text_and_times_are_not_numbers(given: list[object]) -> None:
    with pytest.raises(ColumnError, match="not numbers"):
        as_numbers(pl.Series("x", given), "feature x")


def test_categories_are_text_whatever_they_were() -> None:
    assert as_categories(pl.Series([1, None]), "x").to_list() == ["1", None]
    assert as_categories(pl.Series([True]), "x").to_list() == ["true"]
    assert as_categories(pl.Series(["a"], dtype=pl.Categorical), "x").dtype == pl.String
    assert as_categories(pl.Series([None]), "x").dtype == pl.String


def test_nested_values_cannot_be_categories() -> None:
    with pytest.raises(ColumnError, match="cannot be categories"):
        as_categories(pl.Series([[1, 2]], dtype=pl.List(pl.Int64)), "x")


def test_microseconds_are_exact_in_every_zone_and_year() -> None:
    east = timezone(timedelta(hours=5))
    assert microseconds(datetime(1970, 1, 1, 5, 0, 1, 7, tzinfo=east)) == 1_000_007
    assert microseconds(datetime.max.replace(tzinfo=UTC)) == 253402300799999999
