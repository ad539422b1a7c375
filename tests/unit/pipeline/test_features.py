"""Events with their labels, as known at an instant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from homeostat.errors import ColumnError, DuplicateIdError, EmptyDataError, TargetError
from homeostat.features.frames import TableFrames
from homeostat.pipeline.features import TARGET, check_target, labelled_features
from homeostat.pipeline.holdout import in_holdout
from homeostat.pipeline.labels import labels_of
from homeostat.spec.project import Project

DAY = timedelta(days=1)
START = datetime(2024, 1, 1, tzinfo=UTC)
AS_OF = START + 10 * DAY


def declared(**changes: Any) -> Project:
    sections: dict[str, Any] = {
        "homeostat": 1,
        "model": "m",
        "owner": "tests",
        "task": "binary",
        "events": {"source": "events", "id": "id", "time": "at"},
        "labels": {"source": "labels", "column": "late"},
        "sources": {
            "events": {"path": "e.csv", "known_at": "at"},
            "labels": {"path": "l.csv", "known_at": "known", "known_later": []},
        },
        "features": {"row": ["x"]},
        "split": {"holdout_share": 0},
        "metrics": {"primary": "auc"},
    }
    return Project.model_validate(sections | changes)


def events(**columns: Any) -> pl.DataFrame:
    given = {"id": ["a", "b", "c"], "at": [START + n * DAY for n in range(3)], "x": [1.0, 2.0, 3.0]}
    return pl.DataFrame(given | columns)


def labels(**columns: Any) -> pl.DataFrame:
    known = [START + (n + 1) * DAY for n in range(3)]
    return pl.DataFrame({"id": ["a", "b", "c"], "known": known, "late": [0, 1, 0]} | columns)


def made(
    ours: pl.DataFrame | None = None,
    theirs: pl.DataFrame | None = None,
    project: Project | None = None,
    as_of: datetime = AS_OF,
) -> pl.DataFrame:
    tables = {
        "events": events() if ours is None else ours,
        "labels": labels() if theirs is None else theirs,
    }
    frames = TableFrames(tables, {"events": "at", "labels": "known"})
    return labelled_features(project or declared(), Path(), frames, as_of)


def test_each_event_has_its_features_and_its_label() -> None:
    found = made()
    assert found.columns == ["id", "at", "x", TARGET]
    assert found.select("id", "x", TARGET).rows() == [("a", 1, 0), ("b", 2, 1), ("c", 3, 0)]
    assert found.schema[TARGET] == pl.Float64


def test_rows_are_in_order_of_prediction_time_and_then_of_id() -> None:
    at = [START + DAY, START + DAY, START]
    assert made(events(id=["b", "a", "c"], at=at))["id"].to_list() == ["c", "a", "b"]


def test_a_label_counts_from_when_it_became_known() -> None:
    assert made(as_of=START + 3 * DAY)["id"].to_list() == ["a", "b"]  # c's on the third day
    assert made(as_of=START + 3 * DAY + timedelta(seconds=1))["id"].to_list() == ["a", "b", "c"]


def test_the_label_that_became_known_last_counts() -> None:
    twice = labels(id=["a", "a", "a"], late=[0, 1, 0])
    assert made(theirs=twice, as_of=START + 3 * DAY)[TARGET].to_list() == [1.0]
    assert made(theirs=twice)[TARGET].to_list() == [0.0]


@pytest.mark.parametrize("missing", [None, float("nan"), float("inf"), float("-inf")])
def test_events_without_a_label_are_left_out(missing: float | None) -> None:
    found = made(theirs=labels(late=[1.0, missing, 0.0]))
    assert found["id"].to_list() == ["a", "c"]


def test_a_null_after_a_label_takes_nothing_back() -> None:
    found = made(theirs=labels(id=["a", "a", "b"], late=[1, None, 0]))
    assert found.select("id", TARGET).rows() == [("a", 1.0), ("b", 0.0)]


def test_booleans_are_labels() -> None:
    assert made(theirs=labels(late=[True, False, True]))[TARGET].to_list() == [1.0, 0.0, 1.0]


@pytest.mark.parametrize("column", ["id", "at"])
def test_events_without_id_or_time_are_left_out(column: str) -> None:
    frame = events().with_columns(pl.when(pl.col("x") != 2).then(column).alias(column))
    assert made(frame)["id"].to_list() == ["a", "c"]


def test_two_events_without_an_id_are_not_the_same_event() -> None:
    assert made(events(id=["a", None, None]))["id"].to_list() == ["a"]


def test_an_id_in_two_rows_is_a_typed_error_that_names_it() -> None:
    with pytest.raises(DuplicateIdError, match="1 ids stand in more than one row, such as 'b'"):
        made(events(id=["a", "b", "b"]))


def test_no_events_and_no_labels_are_typed_errors() -> None:
    with pytest.raises(EmptyDataError, match="source events: there are no accepted rows"):
        made(events().head(0))
    with pytest.raises(EmptyDataError, match="source events"):
        made(pl.DataFrame())
    with pytest.raises(EmptyDataError, match="none of 3 events has a label among 0"):
        made(theirs=pl.DataFrame())
    with pytest.raises(EmptyDataError, match="none of 3 events has a label among 3"):
        made(theirs=labels(id=["x", "y", "z"]))


def test_labels_that_are_all_null_are_a_typed_error() -> None:
    with pytest.raises(TargetError, match="all 3 labels are null"):
        made(theirs=labels(late=[None, None, None]))


@pytest.mark.parametrize("late", [["yes", "no", "no"], [START, START, START], [[1], [0], [0]]])
def test_a_target_that_is_no_number_is_a_typed_error(late: list[Any]) -> None:
    with pytest.raises(ColumnError, match="a number or boolean is asked"):
        made(theirs=labels(late=late))


@pytest.mark.parametrize("column", ["id", "late"])
def test_a_missing_label_column_is_a_typed_error(column: str) -> None:
    with pytest.raises(ColumnError, match=f"no column '{column}'"):
        made(theirs=labels().drop(column))


def test_ids_of_one_kind_find_each_other() -> None:
    whole = made(events(id=[1, 2, 3]), labels(id=pl.Series([1, 2, 3], dtype=pl.Int16)))
    assert whole.height == 3
    text = made(theirs=labels(id=pl.Series(["a", "b", "c"], dtype=pl.Categorical)))
    assert text.height == 3


def test_ids_of_two_kinds_are_a_typed_error_and_not_an_empty_join() -> None:
    with pytest.raises(ColumnError, match="'id' is Int64 in the events and String in the labels"):
        made(events(id=[1, 2, 3]), labels(id=["1", "2", "3"]))


def test_history_leaves_out_older_events() -> None:
    project = declared(training={"history": "9d"})
    assert made(project=project)["id"].to_list() == ["b", "c"]


def test_the_holdout_looks_back_further_than_history() -> None:
    ids = [f"e{n}" for n in range(200)]
    ours = pl.DataFrame({"id": ids, "at": [START] * 200, "x": [1.0] * 200})
    theirs = pl.DataFrame({"id": ids, "known": [START + DAY] * 200, "late": [0, 1] * 100})
    project = declared(training={"history": "1d"}, split={"holdout_share": 0.2})
    found = made(ours, theirs, project)
    assert 0 < found.height < 80
    assert in_holdout(found["id"], 0.2).all()


def test_labels_of_before_there_are_any() -> None:
    frames = TableFrames({}, {})
    assert labels_of(declared(), frames, AS_OF).columns == ["id", TARGET]


def test_a_target_needs_two_values() -> None:
    with pytest.raises(TargetError, match="only one value, 1, in 3 training rows"):
        check_target(declared(), pl.Series([1.0, 1.0, 1.0]))
    with pytest.raises(TargetError, match="no value"):
        check_target(declared(), pl.Series([], dtype=pl.Float64))
    check_target(declared(), pl.Series([0.0, 1.0]))


def test_a_binary_target_is_zero_and_one() -> None:
    with pytest.raises(TargetError, match="must be 0 and 1, found 1, 2"):
        check_target(declared(), pl.Series([1.0, 2.0]))
    values = declared(task="regression", metrics={"primary": "rmse"})
    check_target(values, pl.Series([1.0, 2.0]))
