"""The point-in-time join against an oracle that looks at every row for every event."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from homeostat.features.columns import INSTANT
from homeostat.features.exact_sums import LARGEST
from homeostat.features.point_in_time import join_view
from homeostat.spec.features import View

KEYS = st.sampled_from(["a", "b", "c", None])
TIMES = st.integers(0, 12)
VALUES = st.one_of(
    st.none(),
    st.sampled_from([math.nan, math.inf, -math.inf, 1e300, -1e300, 0.1, -3.0]),
    st.integers(-50, 50).map(float),
    st.floats(-1e6, 1e6, allow_subnormal=False),
)
ROWS = st.lists(st.tuples(KEYS, st.none() | TIMES, VALUES, st.integers(0, 2)), max_size=30)
EVENTS = st.lists(st.tuples(KEYS, TIMES), max_size=12)
SPANS = st.integers(0, 8)
Row = tuple[str | None, int | None, float | None, int]


def spans(minutes: int) -> timedelta:
    return timedelta(minutes=minutes)


def source(rows: list[Row]) -> pl.DataFrame:
    columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
    minutes = pl.Series(columns[1], dtype=pl.Int64) * 60_000_000
    return pl.DataFrame(
        {
            "key": pl.Series(columns[0], dtype=pl.String),
            "known": minutes.cast(pl.Datetime("us")).dt.replace_time_zone("UTC").cast(INSTANT),
            "value": pl.Series(columns[2], dtype=pl.Float64),
            "other": pl.Series(columns[3], dtype=pl.Int64),
        }
    )


def rank(value: float | None) -> tuple[int, float]:
    """Null before all values, NaN after them."""
    if value is None:
        return (0, 0.0)
    return (2, 0.0) if math.isnan(value) else (1, value)


def oracle(
    event: tuple[str | None, int],
    rows: list[Row],
    keyed: bool,
    ttl: int | None,
    fallback: int | None,
    over: int,
) -> dict[str, Any]:
    key, at = event
    mine = [
        row
        for row in rows
        if row[1] is not None and (not keyed or (key is not None and row[0] == key))
    ]
    known = [row for row in mine if row[1] <= at]
    latest = max(known, key=lambda row: (row[1], rank(row[2]), row[3]), default=None)
    late = False
    if latest is not None and ttl is not None and at - latest[1] > ttl:
        late = at - latest[1] <= (fallback or 0)
        latest = latest if late else None
    window = [row for row in known if row[1] > at - over]
    usable = [row[2] for row in window if row[2] is not None and abs(row[2]) < LARGEST]
    return {
        "value": latest[2] if latest else None,
        "other": latest[3] if latest else None,
        "mean": math.fsum(usable) / len(usable) if usable else None,
        "sum": math.fsum(usable) if usable else None,
        "count": float(len(window)),
        "late": late,
    }


def same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    if math.isnan(one) or math.isnan(other):
        return math.isnan(one) and math.isnan(other)
    return one == other or math.isclose(one, other, rel_tol=1e-12, abs_tol=1e-15)


def joined(
    events: list[tuple[str | None, int]],
    rows: list[Row],
    keyed: bool,
    ttl: int | None,
    fallback: int | None,
    over: int,
) -> list[dict[str, Any]]:
    view = View(
        source="s",
        key=("key",) if keyed else (),
        ttl=None if ttl is None else spans(ttl),
        columns=("value", "other"),
        aggregates={
            "mean": {"mean": "value", "over": spans(over)},
            "sum": {"sum": "value", "over": spans(over)},
            "count": {"count": True, "over": spans(over)},
        },
    )
    answer = join_view(
        "v",
        view,
        events=pl.DataFrame({"key": pl.Series([key for key, _ in events], dtype=pl.String)}),
        times=np.array([at for _, at in events], dtype=np.int64) * 60_000_000,
        rows=source(rows),
        known_at="known",
        fallback_age_us=None if fallback is None else fallback * 60_000_000,
    )
    columns = {name: column.to_list() for name, column in answer.features.items()}
    columns["late"] = answer.late.tolist()
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


@settings(max_examples=150, deadline=None)
@given(
    EVENTS,
    ROWS,
    st.booleans(),
    st.booleans(),
    st.none() | SPANS,
    st.none() | SPANS,
    st.integers(1, 8),
)
def test_the_join_is_what_a_look_at_every_row_gives(
    events: list[tuple[str | None, int]],
    rows: list[Row],
    in_order: bool,
    keyed: bool,
    ttl: int | None,
    fallback: int | None,
    over: int,
) -> None:
    if in_order:
        rows = sorted(rows, key=lambda row: row[1] or 0)
    found = joined(events, rows, keyed, ttl, fallback, over)
    assert len(found) == len(events)
    for event, answer in zip(events, found, strict=True):
        wanted = oracle(event, rows, keyed, ttl, fallback, over)
        assert answer.keys() == wanted.keys()
        for name, value in wanted.items():
            assert same(answer[name], value), (event, name, answer[name], value)


@settings(max_examples=80, deadline=None)
@given(EVENTS, ROWS, st.randoms(use_true_random=False), st.integers(1, 8))
def test_the_order_of_the_rows_never_matters(
    events: list[tuple[str | None, int]], rows: list[Row], random: Any, over: int
) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)
    assert repr(joined(events, rows, True, 4, None, over)) == repr(
        joined(events, shuffled, True, 4, None, over)
    )


@settings(max_examples=80, deadline=None)
@given(EVENTS, ROWS, ROWS, st.integers(1, 8))
def test_rows_of_the_future_and_rows_beyond_the_look_back_change_nothing(
    events: list[tuple[str | None, int]], rows: list[Row], others: list[Row], over: int
) -> None:
    future = [(key, at + 13, value, other) for key, at, value, other in others if at is not None]
    past = [(key, at - 40, value, other) for key, at, value, other in others if at is not None]
    plain = joined(events, rows, True, 8, None, over)
    assert repr(plain) == repr(joined(events, past + rows + future, True, 8, None, over))
