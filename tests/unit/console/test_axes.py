import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.console.axes import TimeAxis, round_step, spread, value_axis

START = datetime(2013, 1, 1, tzinfo=UTC)


def axis(days: float) -> TimeAxis:
    return TimeAxis(START, START + timedelta(days=days))


def test_a_year_has_twelve_months_and_they_fill_it():
    ticks = axis(365).ticks()
    assert [tick.label for tick in ticks][:3] == ["Jan", "Feb", "Mar"]
    assert len(ticks) == 12
    assert sum(tick.width for tick in ticks) == pytest.approx(100, abs=0.02)


@pytest.mark.parametrize(("days", "number"), [(9, 9), (60, 9), (1500, 5)])
def test_the_periods_follow_the_length(days, number):
    assert len(axis(days).ticks()) == number


def test_instants_outside_stand_at_the_edges():
    year = axis(365)
    assert year.place(START - timedelta(days=9)) == 0
    assert year.place(START + timedelta(days=999)) == 100
    assert axis(0).place(START) == 0


@given(st.lists(st.floats(-1e6, 1e6), min_size=1), st.booleans())
def test_an_axis_holds_all_its_values_between_round_lines(values, zero):
    if zero:
        values = [abs(value) for value in values]
    found = value_axis(values, zero=zero)
    slack = 1e-6 * (found.high - found.low)
    assert found.low - slack <= min(values)
    assert max(values) <= found.high + slack
    assert 1 <= len(found.ticks()) - 1 <= 12


def test_without_values_there_is_still_an_axis():
    assert [tick.label for tick in value_axis([None]).ticks()] == [
        "0.00", "0.25", "0.50", "0.75", "1.00",
    ]  # fmt: skip


@given(st.floats(1e-9, 1e9))
def test_a_round_step_is_at_least_what_was_asked_and_not_far_above(rough):
    step = round_step(rough)
    assert rough * (1 - 1e-6) <= step <= rough * 2.6


@given(st.lists(st.floats(0, 100), min_size=1, max_size=4))
def test_labels_are_moved_apart_in_their_order(places):
    moved = spread(places, 7.0)
    order = sorted(range(len(places)), key=places.__getitem__)
    gaps = [moved[b] - moved[a] for a, b in itertools.pairwise(order)]
    assert all(gap > 6.0 for gap in gaps)
    assert all(-1 <= place <= 101 for place in moved)
