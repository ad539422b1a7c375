"""Simulated clocks: the obedient one, and those that misbehave."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from homeostat.adapters.local.system_clock import SystemClock
from homeostat.testing.clock_conformance import ClockConformance
from homeostat.testing.sim_clock import SimClock, SkewedClock, SteppingClock, TickingClock

START = datetime(2024, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


class TestSimClock(ClockConformance):
    @pytest.fixture
    def clock(self):
        return SimClock(START)


class TestTickingClock(ClockConformance):
    @pytest.fixture
    def clock(self):
        return TickingClock(START)


class TestSkewedClock(ClockConformance):
    @pytest.fixture
    def clock(self):
        return SkewedClock(TickingClock(START), -HOUR, drift=-0.5)


class TestSystemClockOverAJumpingOne(ClockConformance):
    """The adapter hides what the raw clock does."""

    @pytest.fixture
    def clock(self):
        return SystemClock(SteppingClock(TickingClock(START), 7, -HOUR).now)


def test_a_simulated_clock_moves_only_when_told():
    clock = SimClock(START)
    assert clock.now() == clock.now() == START
    assert clock.advance(HOUR) == START + HOUR
    assert clock.set(START + 2 * HOUR) == clock.now() == START + 2 * HOUR


def test_a_simulated_clock_refuses_to_go_back():
    clock = SimClock(START)
    with pytest.raises(AssertionError):
        clock.set(START - HOUR)
    with pytest.raises(AssertionError):
        clock.advance(-HOUR)
    assert clock.now() == START


def test_a_simulated_clock_tells_utc_whatever_it_was_given():
    tokyo = timezone(timedelta(hours=9))
    clock = SimClock(datetime(2024, 1, 1, 9, tzinfo=tokyo))
    assert clock.now().isoformat() == "2024-01-01T00:00:00+00:00"
    with pytest.raises(AssertionError):
        SimClock(datetime(2024, 1, 1))  # noqa: DTZ001


def test_a_skewed_clock_is_off_and_drifts():
    true = SimClock(START)
    clock = SkewedClock(true, HOUR, drift=0.01)
    assert clock.now() == START + HOUR
    true.advance(100 * HOUR)
    assert clock.now() == START + 102 * HOUR


def test_a_stepping_clock_jumps_back():
    clock = SteppingClock(SimClock(START), 2, -HOUR)
    assert [clock.now() - START for _ in range(5)] == [0 * HOUR, 0 * HOUR, -HOUR, -HOUR, -2 * HOUR]
