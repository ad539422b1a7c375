"""The computer's clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from homeostat.adapters.local.system_clock import SystemClock
from homeostat.testing.clock_conformance import ClockConformance


class TestSystemClock(ClockConformance):
    @pytest.fixture
    def clock(self):
        return SystemClock()


def test_it_shows_the_computers_time():
    before = datetime.now(UTC)
    now = SystemClock().now()
    assert before <= now <= datetime.now(UTC)


def test_it_stands_still_while_the_raw_clock_is_set_back():
    start = datetime(2024, 1, 1, tzinfo=UTC)
    second = timedelta(seconds=1)
    raw = iter([start, start - 5 * second, start - second, start + second, start])
    clock = SystemClock(lambda: next(raw))
    assert [(clock.now() - start) / second for _ in range(5)] == [0, 0, 0, 1, 1]
