"""Clocks for simulations: one that obeys, and ones that misbehave as real ones do.

After TigerBeetle's ``src/testing/time.zig``: a skewed clock, one that drifts, one that steps.
None of them reads the real time.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from homeostat.ports.clock import Clock


class SimClock:
    """A clock that stands still until it is told. It never goes back.

    >>> clock = SimClock(datetime(2024, 1, 1, tzinfo=UTC))
    >>> clock.advance(timedelta(hours=2))
    datetime.datetime(2024, 1, 1, 2, 0, tzinfo=datetime.timezone.utc)
    """

    def __init__(self, start: datetime) -> None:
        assert start.tzinfo is not None, "a clock tells aware times"
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        """The simulated instant."""
        return self._now

    def set(self, at: datetime) -> datetime:
        """Go to ``at``, which must not be in the past; the new instant."""
        assert at >= self._now, f"a clock does not go back: {at} after {self._now}"
        self._now = at.astimezone(UTC)
        return self._now

    def advance(self, by: timedelta) -> datetime:
        """Go on by ``by``, which must not be negative; the new instant."""
        return self.set(self._now + by)


class SkewedClock:
    """Shows ``true`` time off by ``skew``, and off by ``drift`` more for each second that passes.

    A ``drift`` of 1e-4 gains 8.6 seconds a day. Monotone as long as ``drift`` is above -1.
    """

    def __init__(self, true: Clock, skew: timedelta, drift: float = 0.0) -> None:
        assert drift > -1.0, drift
        self._true = true
        self._start = true.now()
        self._skew = skew
        self._drift = drift

    def now(self) -> datetime:
        """The wrong time."""
        true = self._true.now()
        return true + self._skew + (true - self._start) * self._drift


class SteppingClock:
    """Jumps by ``step`` after every ``every`` readings, as a clock set by hand or by NTP does.

    Jumps back come through as they are: this is what a raw operating-system clock may do, and
    what a clock adapter must hide. It breaks the Clock contract on purpose.
    """

    def __init__(self, true: Clock, every: int, step: timedelta) -> None:
        self._true = true
        self._every = every
        self._step = step
        self._readings = 0

    def now(self) -> datetime:
        """The time with all jumps so far."""
        jumps = self._readings // self._every
        self._readings += 1
        return self._true.now() + self._step * jumps


class TickingClock:
    """Goes on by ``tick`` with every reading, so that no two events share an instant."""

    def __init__(self, start: datetime, tick: timedelta = timedelta(microseconds=1)) -> None:
        self._clock = SimClock(start)
        self._tick = tick

    def now(self) -> datetime:
        """The next instant."""
        return self._clock.advance(self._tick)
