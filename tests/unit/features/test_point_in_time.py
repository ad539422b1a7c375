from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from homeostat.errors import ColumnError
from homeostat.features.columns import INSTANT
from homeostat.features.point_in_time import NONE, Joined, join_view, key_codes
from homeostat.spec.features import View


def at(*minutes: int | None) -> pl.Series:
    return (pl.Series(minutes, dtype=pl.Int64) * 60_000_000).cast(INSTANT)


def join(view: View, events: dict[str, Any], minutes: list[int], rows: pl.DataFrame) -> Joined:
    return join_view(
        "v",
        view,
        events=pl.DataFrame(events),
        times=np.array(minutes, dtype=np.int64) * 60_000_000,
        rows=rows,
        known_at="known",
    )


LATEST = View(source="s", key=("k",), columns=("x",))


def test_a_row_may_be_used_from_the_instant_at_which_it_is_known() -> None:
    rows = pl.DataFrame({"k": ["a"], "x": [7], "known": at(5)})
    found = join(LATEST, {"k": ["a"] * 3}, [4, 5, 6], rows)
    assert found.features["x"].to_list() == [None, 7, 7]


def test_an_event_whose_key_is_null_matches_no_row_whose_key_is_null() -> None:
    rows = pl.DataFrame({"k": ["a", None], "x": [7, 8], "known": at(1, 1)})
    assert join(LATEST, {"k": [None, "a", "z"]}, [9, 9, 9], rows).features["x"].to_list() == [
        None,
        7,
        None,
    ]


def test_a_null_in_the_latest_row_stays_null() -> None:
    rows = pl.DataFrame({"k": ["a", "a"], "x": [7, None], "known": at(1, 2)})
    assert join(LATEST, {"k": ["a"]}, [9], rows).features["x"].to_list() == [None]


def test_of_rows_known_at_the_same_instant_the_greatest_counts_whatever_their_order() -> None:
    view = View(source="s", key=("k",), columns=("x", "y"))
    rows = pl.DataFrame({"k": ["a"] * 3, "x": [1, 2, 2], "y": [9, 3, None], "known": at(1, 1, 1)})
    for order in ([0, 1, 2], [2, 1, 0], [1, 2, 0]):
        found = join(view, {"k": ["a"]}, [1], rows[order]).features
        assert (found["x"].item(), found["y"].item()) == (2, 3)


def test_a_window_begins_after_its_first_instant_and_holds_its_last() -> None:
    view = View(source="s", aggregates={"n": {"count": True, "over": "5m"}})
    rows = pl.DataFrame({"known": at(0, 1, 5, 6)})
    assert join(view, {"k": ["a"]}, [5], rows).features["n"].to_list() == [2.0]


def test_a_count_is_of_rows_and_a_mean_of_values() -> None:
    view = View(
        source="s",
        key=("k",),
        aggregates={
            "n": {"count": True, "over": "1h"},
            "mean": {"mean": "x", "over": "1h"},
            "sum": {"sum": "x", "over": "1h"},
        },
    )
    rows = pl.DataFrame({"k": ["a", "a", "b"], "x": [4.0, None, None], "known": at(1, 2, 2)})
    found = join(view, {"k": ["a", "b", "c"]}, [9, 9, 9], rows).features
    assert found["n"].to_list() == [2.0, 1.0, 0.0]
    assert found["mean"].to_list() == found["sum"].to_list() == [4.0, None, None]


def test_duplicates_count_as_often_as_they_stand() -> None:
    view = View(source="s", aggregates={"sum": {"sum": "x", "over": "1h"}})
    rows = pl.DataFrame({"x": [2, 2, 2], "known": at(1, 1, 1)})
    assert join(view, {"k": ["a"]}, [1], rows).features["sum"].to_list() == [6.0]


def test_rows_of_another_key_never_enter_a_window() -> None:
    view = View(source="s", key=("k",), aggregates={"sum": {"sum": "x", "over": "10h"}})
    rows = pl.DataFrame({"k": ["a", "b", "c"] * 2, "x": [1, 20, 300] * 2, "known": at(*range(6))})
    found = join(view, {"k": ["c", "a", "b"]}, [9, 9, 9], rows).features["sum"]
    assert found.to_list() == [600.0, 2.0, 40.0]


def test_keys_of_several_columns_match_as_a_whole() -> None:
    events = pl.DataFrame({"k": ["a", "a", None], "n": [1, 2, 1]})
    rows = pl.DataFrame({"k": ["a", "b", "a"], "n": [2, 1, None]}, schema_overrides={"n": pl.Int8})
    mine, theirs = key_codes(events, rows, ("k", "n"), "view v")
    assert mine[0] == mine[2] == NONE
    assert mine[1] == theirs[0] != NONE
    assert theirs[2] == NONE


def test_categories_match_text_and_an_untyped_column_matches_nothing() -> None:
    events = pl.DataFrame({"k": pl.Series(["a"], dtype=pl.Categorical)})
    mine, theirs = key_codes(events, pl.DataFrame({"k": ["a"]}), ("k",), "view v")
    assert mine[0] == theirs[0] != NONE
    mine, _ = key_codes(pl.DataFrame({"k": [None]}), pl.DataFrame({"k": ["a"]}), ("k",), "view v")
    assert mine.tolist() == [NONE]


@pytest.mark.parametrize("key", [[1.5], [[1]]])
def test_fractions_and_lists_cannot_be_keys(key: list[object]) -> None:
    with pytest.raises(ColumnError, match="cannot be a key"):
        key_codes(pl.DataFrame({"k": key}), pl.DataFrame({"k": key}), ("k",), "view v")


def test_an_aggregate_of_text_is_an_error() -> None:
    view = View(source="s", aggregates={"m": {"mean": "x", "over": "1h"}})
    with pytest.raises(ColumnError, match="not numbers"):
        join(view, {"k": ["a"]}, [9], pl.DataFrame({"x": ["1"], "known": at(1)}))


def test_no_events_and_no_usable_rows_are_no_error() -> None:
    view = View(
        source="s", key=("k",), columns=("x",), aggregates={"n": {"count": True, "over": "1h"}}
    )
    rows = pl.DataFrame({"k": ["a"], "x": [1], "known": at(None)})
    found = join(view, {"k": ["a"]}, [9], rows).features
    assert (found["x"].to_list(), found["n"].to_list()) == ([None], [0.0])
    nobody: dict[str, Any] = {"k": pl.Series([], dtype=pl.String)}
    assert join(view, nobody, [], rows).features["x"].to_list() == []
