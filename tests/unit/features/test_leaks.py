from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from homeostat.errors import LeakError, ProjectCodeError
from homeostat.features.build import build_features
from homeostat.features.leaks import check_declaration, known_part, withheld
from tests.unit.features.small_project import HOUR, NOON, changed, declared, events, folder_with
from tests.unit.features.small_project import frames as known_frames

LATER = ["paid_at", "refund", "late"]


def view(**given: Any) -> dict[str, Any]:
    return {"v": {"source": "shops", "key": ["shop"], **given}}


def test_what_is_withheld_is_what_the_event_and_its_label_tell_only_later() -> None:
    assert withheld(declared()) == set(LATER)


@pytest.mark.parametrize("column", LATER)
def test_a_column_known_only_later_may_not_be_a_row_feature(column: str) -> None:
    with pytest.raises(LeakError, match=rf"features\.row: '{column}' is known only after"):
        check_declaration(changed(row=["size", "kind", column]))


@pytest.mark.parametrize(
    ("views", "place"),
    [
        (view(columns=["closed"]), "columns"),
        (view(aggregates={"a": {"mean": "closed", "over": "1h"}}), "aggregates.a"),
        (view(aggregates={"a": {"sum": "closed", "over": "1h"}}), "aggregates.a"),
        ({"v": {"source": "orders", "columns": ["paid_at"]}}, "columns"),
        ({"v": {"source": "shops", "key": ["late"], "columns": ["grade"]}}, "key"),
    ],
)
def test_nor_may_it_enter_through_a_view(views: dict[str, Any], place: str) -> None:
    with pytest.raises(LeakError, match=rf"features\.views\.v\.{place}: "):
        check_declaration(changed(views=views, categorical=["kind"]))


def test_the_target_may_not_enter_through_a_view_on_the_events_themselves() -> None:
    one_table = declared(
        labels={"source": "orders", "column": "late"},
        features={"views": {"v": {"source": "orders", "columns": ["late"]}}},
    )
    with pytest.raises(LeakError, match=r"features\.views\.v\.columns: 'late'"):
        check_declaration(one_table)


def test_past_outcomes_may_enter_because_they_say_when_they_became_known() -> None:
    check_declaration(declared())


def test_project_code_gets_events_without_what_is_known_later() -> None:
    full = events(late=[True, False], paid_at=[NOON, NOON], refund=[1, 2])
    assert known_part(declared(), full).columns == events().columns


@pytest.mark.parametrize("column", LATER)
@pytest.mark.parametrize(
    "reading", ["orders['{}']", "orders.select('{}')", "orders.to_dict()['{}']"]
)
def test_a_derive_function_that_reads_it_is_a_leak_also_when_the_events_have_it(
    tmp_path: Path, column: str, reading: str
) -> None:
    body = f"def derive(orders):\n    return {reading.format(column)}\n"
    full = events(late=[True, False], paid_at=[NOON, NOON], refund=[1, 2])
    with pytest.raises(LeakError, match=f"code:derive: it reads '{column}'"):
        build_features(declared(), folder_with(tmp_path, body), full, known_frames())


def test_an_error_that_only_mentions_such_a_word_is_not_taken_for_a_leak(tmp_path: Path) -> None:
    body = "def derive(orders):\n    raise ValueError('too late')\n"
    with pytest.raises(ProjectCodeError, match="too late"):
        build_features(declared(), folder_with(tmp_path, body), events(), known_frames())


def test_an_event_that_became_known_after_its_prediction_time_is_a_leak(tmp_path: Path) -> None:
    sources = {
        name: source.model_dump(exclude_none=True) for name, source in declared().sources.items()
    }
    sources["orders"]["known_at"] = "booked"
    late = declared(sources=sources)
    in_time = events(booked=[NOON, NOON - HOUR])
    folder = folder_with(tmp_path)
    assert build_features(late, folder, in_time, known_frames()).height == 2
    too_late = in_time.with_columns(pl.col("booked") + timedelta(microseconds=1))
    with pytest.raises(LeakError, match="1 of 2 events have 'booked' after their prediction time"):
        build_features(late, folder, too_late, known_frames())
