from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from homeostat.errors import ColumnError, ProjectCodeError
from homeostat.features.build import build, build_features, look_back
from tests.unit.features.small_project import (
    HOUR,
    NOON,
    changed,
    declared,
    events,
    folder_with,
    frames,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return folder_with(tmp_path)


def test_one_row_per_event_in_the_same_order_with_the_features_in_model_order(
    folder: Path,
) -> None:
    given = events().reverse()
    built = build_features(declared(), folder, given, frames())
    assert built.columns == ["id", "at", "customer", *declared().features.names]
    assert built["id"].to_list() == ["e1", "e0"]
    assert built.row(1, named=True) == {
        "id": "e0",
        "at": NOON,
        "customer": "c",
        "size": 1.0,
        "kind": "x",
        "double": 2.0,
        "shop__grade": "a",
        "past__late": 0.5,
        "past__n": 2.0,
    }


def test_categories_are_text_and_all_other_features_floats(folder: Path) -> None:
    built = build_features(declared(), folder, events(), frames())
    kinds = {name: built.schema[name] for name in declared().features.names}
    assert kinds.pop("kind") == kinds.pop("shop__grade") == pl.String
    assert set(kinds.values()) == {pl.Float64}


def test_both_ends_of_a_ttl_are_inside(folder: Path) -> None:
    at_the_end = declared(
        sources={
            name: source.model_dump(exclude={"fallback"}, exclude_none=True)
            for name, source in declared().sources.items()
        }
    )
    given = events((0, 0, 1 / 3600, -1), shop=["s1"] * 4)
    grades = build_features(at_the_end, folder, given, frames())["shop__grade"]
    assert grades.to_list() == ["a", "a", None, "a"]


def test_the_fallback_lets_an_older_row_in_and_says_for_how_many_events(folder: Path) -> None:
    given = events((0, 2, 2.5), shop=["s1", "s1", "s2"])
    built = build(declared(), folder, given, frames())
    assert built.frame["shop__grade"].to_list() == ["a", "a", None]
    assert built.fallback["shop"].tolist() == [False, True, False]
    assert built.fallback_rows == {"shop": 1}


def test_a_source_of_which_nothing_is_known_gives_null_and_a_count_of_zero(folder: Path) -> None:
    nothing = frames(shops=pl.DataFrame(), outcomes=pl.DataFrame())
    row = build_features(declared(), folder, events((0,)), nothing).row(0, named=True)
    assert (row["shop__grade"], row["past__late"], row["past__n"]) == (None, None, 0.0)


def test_no_events_give_an_empty_frame_of_the_right_types(folder: Path) -> None:
    built = build_features(declared(), folder, events().head(0), frames())
    assert built.height == 0
    assert built.schema == build_features(declared(), folder, events(), frames()).schema


def test_columns_that_no_feature_names_do_no_harm(folder: Path) -> None:
    more = events(late=[True, False], paid_at=[NOON, NOON], note=["a", "b"])
    plain = build_features(declared(), folder, events(), frames())
    assert build_features(declared(), folder, more, frames()).equals(plain)


def test_the_same_event_twice_gets_two_rows(folder: Path) -> None:
    twice = pl.concat([events((0,)), events((0,))])
    assert build_features(declared(), folder, twice, frames()).height == 2


def test_numbers_that_are_not_finite_become_null(folder: Path) -> None:
    given = events(size=[math.inf, math.nan])
    built = build_features(declared(), folder, given, frames())
    assert built["size"].to_list() == built["double"].to_list() == [None, None]


@pytest.mark.parametrize("missing", ["id", "at", "customer", "size", "shop"])
def test_a_missing_column_is_an_error_that_names_it(folder: Path, missing: str) -> None:
    given = changed(derive=None, derived=())
    with pytest.raises(ColumnError, match=f"no column '{missing}'"):
        build_features(given, folder, events().drop(missing), frames())


def test_a_column_that_a_source_lacks_is_an_error_that_names_the_view(folder: Path) -> None:
    shops = pl.DataFrame({"known": [NOON], "shop": ["s1"], "rank": ["a"]})
    with pytest.raises(ColumnError, match=r"view shop of source shops: there is no column 'grade'"):
        build_features(declared(), folder, events(), frames(shops=shops))


def test_keys_of_different_kinds_are_an_error(folder: Path) -> None:
    with pytest.raises(ColumnError, match="key 'shop' holds Int64 in the events, String"):
        build_features(declared(), folder, events(shop=[1, 2]), frames())


def test_an_event_without_a_time_is_an_error(folder: Path) -> None:
    given = events().with_columns(at=pl.when(pl.col("id") == "e0").then("at"))
    with pytest.raises(ColumnError, match="1 events have no 'at'"):
        build_features(declared(), folder, given, frames())


def test_text_in_a_number_feature_is_an_error_that_names_the_feature(folder: Path) -> None:
    given = changed(categorical=["kind"])
    with pytest.raises(ColumnError, match=r"feature shop__grade.*not numbers"):
        build_features(given, folder, events(), frames())


def test_a_feature_may_not_be_named_like_the_id(folder: Path) -> None:
    with pytest.raises(ColumnError, match="'customer' is a feature, and"):
        build_features(changed(row=["size", "kind", "customer"]), folder, events(), frames())


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("return None", "answered with NoneType"),
        ("return orders", "lacks double"),
        ("return pl.DataFrame({'double': [1.0]})", "1 rows for 2 events"),
        ("raise ValueError('no sizes')", "raised ValueError: no sizes"),
        ("return orders['nothing']", "raised ColumnNotFoundError"),
    ],
)
def test_a_derive_function_that_fails_or_answers_otherwise_is_a_typed_error(
    tmp_path: Path, body: str, problem: str
) -> None:
    folder = folder_with(tmp_path, f"import polars as pl\ndef derive(orders):\n    {body}\n")
    with pytest.raises(ProjectCodeError, match=problem):
        build_features(declared(), folder, events(), frames())


def test_a_source_is_read_once_and_only_as_far_back_as_its_views_look(folder: Path) -> None:
    asked: dict[str, tuple[datetime | None, datetime | None]] = {}
    inner = frames()

    class Watching:
        def frame(
            self, source: str, since: datetime | None, until: datetime | None
        ) -> pl.DataFrame:
            assert source not in asked
            asked[source] = (since, until)
            return inner.frame(source, since, until)

    build_features(declared(), folder, events((0, 1)), Watching())
    end = NOON + HOUR + timedelta(microseconds=1)
    assert asked == {"shops": (NOON - 3 * HOUR, end), "outcomes": (NOON - 6 * HOUR, end)}


def test_a_view_without_ttl_looks_back_without_end(folder: Path) -> None:
    views = {"shop": {"source": "shops", "key": ["shop"], "columns": ["grade"]}}
    assert look_back(changed(views=views), "shops") is None
    given = events((1_000,))
    built = build_features(changed(views=views), folder, given, frames())
    assert built["shop__grade"].to_list() == ["a"]


def test_a_prediction_at_the_beginning_of_the_calendar_knows_nothing(folder: Path) -> None:
    first = events((0,)).with_columns(at=pl.lit(datetime(1, 1, 1, tzinfo=UTC)))
    row = build_features(declared(), folder, first, frames()).row(0, named=True)
    assert (row["shop__grade"], row["past__n"]) == (None, 0.0)
