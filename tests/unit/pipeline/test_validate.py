"""What a delivery may hold, and what is said about one that holds something else."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeostat.domain.delivery import Window
from homeostat.domain.evidence import Finding
from homeostat.domain.verdict import Verdict
from homeostat.pipeline.validate import check_delivery
from homeostat.spec.sources import Source

DAY = datetime(2024, 3, 1, tzinfo=UTC)
WINDOW = Window(DAY, DAY + timedelta(days=1))
COLUMNS: dict[str, Any] = {
    "id": {"type": "string", "unique": True},
    "at": {"type": "timestamp"},
    "amount": {"type": "float", "min": 0, "max": 100, "max_null_share": 0.25},
    "count": {"type": "integer", "min": 1},
    "kind": {"type": "string", "allowed": ["a", "b"], "max_null_share": 1},
    "good": {"type": "boolean"},
}


def declared(columns: dict[str, Any] | None = None, **checks: Any) -> Source:
    return Source.model_validate(
        {"path": "x.csv", "known_at": "at", "checks": {"columns": columns or COLUMNS, **checks}}
    )


def good(**columns: Any) -> pl.DataFrame:
    rows = {
        "id": ["1", "2", "3", "4"],
        "at": [DAY + timedelta(hours=hour) for hour in range(4)],
        "amount": [0.0, 50.0, None, 100.0],
        "count": [1, 2, 3, 4],
        "kind": ["a", None, "b", "a"],
        "good": [True, False, True, True],
    }
    return pl.DataFrame(rows).with_columns(
        *(pl.Series(name, values) for name, values in columns.items())
    )


def findings(frame: pl.DataFrame, source: Source | None = None, **more: Any) -> list[Finding]:
    reference, window = more.get("reference"), more.get("window", WINDOW)
    return list(check_delivery(source or declared(), "orders", frame, reference, window)[1])


def only(frame: pl.DataFrame, source: Source | None = None, **more: Any) -> Finding:
    (found,) = findings(frame, source, **more)
    return found


def test_a_good_delivery_passes_without_findings() -> None:
    assert check_delivery(declared(), "orders", good(), None, WINDOW) == (Verdict.PASS, ())


@pytest.mark.parametrize(
    ("columns", "name", "subject", "value", "limit", "told"),
    [
        ({"id": ["1", "2", "2", "2"]}, "unique", "id", 2, 0, "2 values stand more than once"),
        ({"amount": [None, None, 1.0, 2.0]}, "nulls", "amount", 0.5, 0.25, "50.0% of 4 rows"),
        ({"amount": [1.0, np.nan, np.nan, 2.0]}, "nulls", "amount", 0.5, 0.25, "null"),
        ({"amount": [-3.0, -1.0, 1.0, 2.0]}, "min", "amount", -3, 0, "2 values below 0, down to -"),
        ({"amount": [1.0, 200.5, 1.0, 2.0]}, "max", "amount", 200.5, 100, "up to 200.5"),
        ({"count": [0, 1, 2, 3]}, "min", "count", 0, 1, "1 values below 1"),
        ({"kind": ["a", "z", "y", "z"]}, "allowed", "kind", 3, 0, "such as 'y', 'z'"),
        ({"good": [None, True, True, True]}, "nulls", "good", 0.25, 0, "at most 0.0%"),
    ],
)
def test_a_finding_says_column_value_and_limit(
    columns: dict[str, Any], name: str, subject: str, value: float, limit: float, told: str
) -> None:
    found = only(good(**columns))
    assert (found.name, found.subject, found.value, found.limit) == (name, subject, value, limit)
    assert found.verdict is Verdict.FAIL
    assert told in found.reason
    assert f"'{subject}'" in found.reason


@pytest.mark.parametrize("bad", [np.nan, None])
def test_what_is_not_there_is_neither_out_of_range_nor_twice(bad: float | None) -> None:
    source = declared(
        {"x": {"type": "float", "min": 0, "max": 1, "unique": True, "max_null_share": 1}}
    )
    frame = good(x=pl.Series([0.5, bad, bad, bad], dtype=pl.Float64))
    assert findings(frame, source) == []


def test_infinity_is_out_of_range() -> None:
    assert only(good(amount=[1.0, float("inf"), 1.0, 1.0])).name == "max"


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("id", [1, 2, 3, 4]),
        ("amount", ["1", "2", "3", "many"]),
        ("count", [1.0, 2.0, 3.0, 4.0]),
        ("good", [0, 1, 0, 1]),
        ("kind", [[1], [2], [3], [4]]),
        ("kind", [{"a": 1}, {"a": 2}, None, None]),
        ("kind", [DAY, DAY, DAY, DAY]),
        ("good", ["yes", "no", "yes", "no"]),
    ],
)
def test_a_wrong_type_is_a_finding(column: str, values: list[Any]) -> None:
    found = only(good(**{column: values}))
    assert (found.name, found.subject, found.verdict) == ("type", column, Verdict.FAIL)
    assert f"{COLUMNS[column]['type']} is asked" in found.reason


def test_python_objects_are_a_finding_also_where_nothing_is_declared() -> None:
    frame = good().with_columns(pl.Series("more", [object()] * 4, dtype=pl.Object))
    found = only(frame)
    assert (found.name, found.subject) == ("type", "more")


def test_whole_numbers_are_numbers() -> None:
    assert findings(good(amount=[1, 2, 3, 4])) == []


def test_categories_and_dates_fit() -> None:
    frame = good().with_columns(pl.col("kind").cast(pl.Categorical))
    assert findings(frame) == []
    source = declared(COLUMNS | {"born": {"type": "timestamp"}})
    assert findings(good(born=[date(2000, 1, 1)] * 4), source) == []


def test_whole_numbers_may_be_a_closed_set_and_a_range_at_once() -> None:
    both = declared({"count": {"type": "integer", "allowed": ["1", "2", "3", "40"], "max": 3}})
    assert [f.name for f in findings(good(count=[1, 2, 3, 3]), both)] == []
    assert [f.name for f in findings(good(count=[1, 2, 3, 4]), both)] == ["allowed", "max"]
    assert [f.name for f in findings(good(count=[1, 2, 3, 40]), both)] == ["max"]


def test_a_range_of_what_is_no_number_is_an_error_of_the_project() -> None:
    source = declared(COLUMNS | {"at": {"type": "timestamp", "min": 3}})
    found = only(good(), source)
    assert (found.name, found.verdict, found.subject) == ("range", Verdict.ERROR, "at")


def test_a_missing_column_is_named_with_the_one_it_may_have_become() -> None:
    found = only(good().rename({"amount": "amounts"}))
    assert (found.name, found.subject) == ("column", "amount")
    assert found.reason == (
        "column 'amount' is missing; there is an unknown column 'amounts': renamed?"
    )


def test_a_column_that_was_there_before_is_not_taken_for_a_renamed_one() -> None:
    frame = good(other=[1, 2, 3, 4]).rename({"amount": "sum"})
    found = only(frame, reference=good(other=[1, 2, 3, 4]))
    assert "unknown column 'sum'" in found.reason
    assert only(frame).reason == "column 'amount' is missing"


def test_columns_that_nobody_declared_may_come() -> None:
    assert findings(good(more=[1, 2, 3, 4])) == []


def test_too_few_rows_are_a_finding() -> None:
    found = only(good(), declared(min_rows=5))
    assert (found.name, found.value, found.limit, found.subject) == ("rows", 4, 5, "orders")


@pytest.mark.parametrize("frame", [pl.DataFrame(), good().head(0)])
def test_no_rows_pass_where_none_are_asked(frame: pl.DataFrame) -> None:
    assert check_delivery(declared(), "orders", frame, None, WINDOW) == (Verdict.PASS, ())
    assert [f.name for f in findings(frame, declared(min_rows=1))] == ["rows"]


def test_no_rows_under_other_columns_are_a_finding() -> None:
    assert only(good().head(0).drop("kind")).subject == "kind"


def test_a_column_of_nulls_fits_every_type_but_not_every_share() -> None:
    found = only(good(count=[None] * 4))
    assert (found.name, found.subject) == ("nulls", "count")


def test_a_time_outside_of_the_window_is_a_finding() -> None:
    times = [DAY - timedelta(seconds=1), DAY, DAY, DAY + timedelta(days=1)]
    found = only(good(at=times))
    assert (found.name, found.value, found.limit) == ("known_at", 2, 0)
    assert "2024-02-29T23:59:59" in found.reason
    assert findings(good(at=times), window=None) == []


def test_a_row_that_became_known_at_no_time_is_a_finding() -> None:
    names = [found.name for found in findings(good(at=[DAY, DAY, DAY, None]))]
    assert names == ["known_at", "nulls"]


@pytest.mark.parametrize("zone", [None, "America/New_York", "UTC"])
@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_times_are_instants_whatever_their_zone_and_unit(zone: str | None, unit: Any) -> None:
    times = good()["at"].dt.cast_time_unit(unit)
    times = times.dt.replace_time_zone(None) if zone is None else times.dt.convert_time_zone(zone)
    assert findings(good(at=times)) == []
    assert only(good(at=times + timedelta(days=1))).name == "known_at"


def test_times_as_text_are_read() -> None:
    texts = ["2024-03-01", "2024-03-01T10:00:00Z", "2024-03-01 11:00", "2024-03-02T00:30+02:00"]
    assert findings(good(at=texts)) == []


def test_text_that_is_no_time_is_a_finding_with_an_example() -> None:
    found = only(good(at=["2024-03-01", "01/03/2024", "soon", "2024-03-01"]))
    assert (found.name, found.subject) == ("type", "at")
    assert "2 values are not ISO 8601, such as '01/03/2024'" in found.reason


def test_a_known_at_that_is_no_time_is_a_finding_also_without_a_check() -> None:
    source = declared({"id": {"type": "string"}})
    found = only(good(at=[1, 2, 3, 4]), source)
    assert (found.name, found.subject) == ("known_at", "at")


@pytest.mark.parametrize(
    ("rule", "broken"),
    [("amount < 100", 1), ("amount < 60 OR kind = 'b'", 1), ("count > 2 AND good", 3)],
)
def test_a_rule_must_be_true_or_null(rule: str, broken: int) -> None:
    source = declared(rules={"mine": rule})
    frame = good(good=[True, False, True, False])
    found = only(frame, source)
    assert (found.name, found.subject) == ("rule", "mine")
    assert found.value == broken / 4
    assert f"{broken} of 4 rows" in found.reason
    assert findings(frame, declared(rules={"mine": rule}, max_rule_failures=broken / 4)) == []


def test_a_rule_over_all_rows_counts_as_one() -> None:
    assert findings(good(), declared(rules={"mine": "max(count) < 5"})) == []
    assert only(good(), declared(rules={"mine": "max(count) < 4"})).value == 1.0


@pytest.mark.parametrize(
    "rule", ["count <", "nobody = 1", "kind = 1", "count + 1", "", "count; DROP", "read_csv('x')"]
)
def test_a_rule_that_cannot_be_evaluated_is_an_error(rule: str) -> None:
    found = only(good(), declared(rules={"mine": rule}))
    assert (found.name, found.verdict, found.subject) == ("rule", Verdict.ERROR, "mine")


DRIFT = {"columns": ["amount", "kind"], "max_psi": 0.3, "min_rows": 20}


def many(rows: int, seed: int = 0, shift: float = 0.0) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "id": [str(i) for i in range(rows)],
            "at": [DAY] * rows,
            "amount": (30 + shift + 10 * random.normal(size=rows)).clip(0, 100),
            "count": [1] * rows,
            "kind": random.choice(["a", "b"], size=rows),
            "good": [True] * rows,
        }
    )


def test_drift_is_a_finding_with_its_psi() -> None:
    source = declared(drift=DRIFT)
    assert findings(many(500, 1), source, reference=many(500, 2)) == []
    found = only(many(500, 1, shift=20), source, reference=many(500, 2))
    assert (found.name, found.subject, found.limit) == ("drift", "amount", 0.3)
    assert found.value is not None
    assert found.value > 0.3


@pytest.mark.parametrize("before", [None, many(19)])
def test_too_few_rows_for_drift_are_said(before: pl.DataFrame | None) -> None:
    verdict, found = check_delivery(declared(drift=DRIFT), "orders", many(500), before, WINDOW)
    assert verdict is Verdict.INCONCLUSIVE
    assert "20 are asked on either side" in found[0].reason


def test_drift_of_a_column_that_is_gone_is_told_once() -> None:
    frame = many(500).drop("kind")
    assert only(frame, declared(drift=DRIFT), reference=many(500)).name == "column"


KINDS: list[Any] = [
    pl.Int64, pl.Float64, pl.String, pl.Boolean, pl.Date, pl.Datetime("us"), pl.Duration,
    pl.Null, pl.Binary, pl.List(pl.Int64), pl.Struct({"a": pl.Int64}), pl.Time, pl.UInt8,
]  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(KINDS), min_size=6, max_size=6), st.integers(0, 3))
def test_no_frame_whatever_its_types_raises(kinds: list[Any], rows: int) -> None:
    source = declared(rules={"mine": "amount < count"}, drift=DRIFT | {"min_rows": 20})
    frame = pl.DataFrame(
        [
            pl.Series(name, [None] * rows, dtype=kind)
            for name, kind in zip(COLUMNS, kinds, strict=True)
        ]
    )
    verdict, _ = check_delivery(source, "orders", frame, frame, WINDOW)
    assert rows == 0 or verdict is not Verdict.PASS
