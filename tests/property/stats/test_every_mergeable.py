"""What holds for every record that adds up: parts in any order give the whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeostat.stats.drift.moments import Moments
from homeostat.stats.profile import Columns, Profile, count, cut
from tests.property.stats.discovered import mergeables
from tests.property.stats.samples import Column, same


def columns(values: Column) -> Columns:
    """A number, a category and a null now and then, all made from ``values``."""
    names = np.array(["a", "b", None, "c"], dtype=object)
    places = np.abs(np.nan_to_num(values, nan=2, posinf=2, neginf=2) % 4).astype(np.intp)
    return {"x": ("number", values), "y": ("category", names[places])}


BINS = cut(columns(np.random.default_rng(1).normal(size=200)))


def numbers_of(found: Any) -> tuple[Any, ...]:
    """What is compared of a record."""
    if isinstance(found, Moments):
        return (found.count, found.skipped, found.mean, found.m2)
    return (found.rows, found.counts)


@dataclass(frozen=True)
class Mergeable:
    """``of(values)`` is the record of an array of shape (rows,)."""

    name: str
    of: Callable[[Column], Any]
    tolerance: float

    def __str__(self) -> str:
        return self.name


MERGEABLES = [
    Mergeable("drift.moments.Moments", Moments.of, 1e-9),
    Mergeable("profile.Profile", lambda values: count(BINS, columns(values)), 0.0),
]
every_mergeable = pytest.mark.parametrize("record", MERGEABLES, ids=str)
FINITE = st.floats(-1e6, 1e6).map(lambda value: round(value, 3))
PART = st.lists(FINITE | st.sampled_from([np.nan, np.inf, -np.inf]), max_size=12)
PARTS = st.tuples(PART, PART, PART)
quick = settings(max_examples=60, deadline=None, derandomize=True)


def array(part: list[float]) -> Column:
    return np.array(part, dtype=np.float64)


def equal(record: Mergeable, one: Any, other: Any) -> bool:
    return same(numbers_of(one), numbers_of(other), tolerance=record.tolerance)


def test_every_record_that_adds_up_is_in_the_table() -> None:
    assert {record.name for record in MERGEABLES} == set(mergeables()), "add it to MERGEABLES"


@every_mergeable
@quick
@given(parts=PARTS)
def test_the_order_of_parts_does_not_matter(record: Mergeable, parts: tuple[Any, ...]) -> None:
    a, b, c = (record.of(array(part)) for part in parts)
    assert equal(record, (a + b) + c, a + (b + c))
    assert equal(record, a + b, b + a)


@every_mergeable
@quick
@given(parts=PARTS)
def test_parts_add_up_to_the_whole(record: Mergeable, parts: tuple[Any, ...]) -> None:
    whole = record.of(array([value for part in parts for value in part]))
    assert equal(record, reduce(add, [record.of(array(part)) for part in parts]), whole)


@every_mergeable
@quick
@given(part=PART)
def test_the_empty_one_changes_nothing(record: Mergeable, part: list[float]) -> None:
    found, empty = record.of(array(part)), record.of(np.empty(0))
    before = numbers_of(found)
    assert found + empty == found
    assert empty + found == found
    assert same(numbers_of(found), before, tolerance=0.0)


@every_mergeable
@pytest.mark.parametrize("part", [[1e308], [-1e308, 1e308], [1e-308], [7.0] * 5, [np.nan] * 3])
def test_hard_parts_add_up(record: Mergeable, part: list[float]) -> None:
    found, other = record.of(array(part)), record.of(array([1.0, 2.0]))
    assert equal(record, found + other, other + found)
    assert "nan" not in repr(numbers_of(found + other))


def test_moments_need_no_rows_to_begin_with() -> None:
    assert Moments() == Moments.of([])
    assert Moments() + Moments.of([1.0]) == Moments.of([1.0])


def test_profiles_over_other_bins_do_not_add_up() -> None:
    other = Profile(BINS[:1], ((0,) * BINS[0].size,), 0)
    with pytest.raises(AssertionError, match="different bins"):
        _ = other + count(BINS, columns(np.ones(3)))
