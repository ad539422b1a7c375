"""The back-test's own clock: it stands still until the replay goes on."""

from __future__ import annotations

from datetime import UTC, datetime


class ReplayClock:
    """Shows the simulated instant. It never goes back.

    >>> clock = ReplayClock(datetime(2024, 1, 1, tzinfo=UTC))
    >>> clock.set(datetime(2024, 1, 2, tzinfo=UTC))
    >>> clock.now().isoformat()
    '2024-01-02T00:00:00+00:00'
    """

    def __init__(self, start: datetime) -> None:
        assert start.tzinfo is not None, "a clock tells aware times"
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        """The simulated instant."""
        return self._now

    def set(self, at: datetime) -> None:
        """Go on to ``at``, which must not be in the past."""
        assert at >= self._now, f"a clock does not go back: {at} after {self._now}"
        self._now = at.astimezone(UTC)
