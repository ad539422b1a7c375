"""Windows and deliveries."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from homeostat.domain.delivery import Window, delivery_id
from tests.unit.domain.samples import AT, DAY, WINDOW

HOURS = st.integers(0, 50)


def window(begin, length):
    return Window(AT + timedelta(hours=begin), AT + timedelta(hours=begin + length))


@given(HOURS, st.integers(1, 10), HOURS, st.integers(1, 10))
def test_windows_overlap_when_they_share_an_instant(begin, length, other_begin, other_length):
    one, other = window(begin, length), window(other_begin, other_length)
    hours = set(range(begin, begin + length)) & set(range(other_begin, other_begin + other_length))
    assert one.overlaps(other) == other.overlaps(one) == bool(hours)


def test_windows_that_meet_do_not_overlap():
    assert not WINDOW.overlaps(Window(WINDOW.until, WINDOW.until + DAY))


def test_a_deliverys_id_tells_source_window_and_attempt_apart():
    later = Window(WINDOW.until, WINDOW.until + DAY)
    ids = {
        delivery_id(source, asked, attempt)
        for source in ("a", "b")
        for asked in (WINDOW, later)
        for attempt in (1, 2)
    }
    assert len(ids) == 8
