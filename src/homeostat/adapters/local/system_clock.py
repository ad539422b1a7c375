"""The computer's clock: the only place that reads the time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime


def _read() -> datetime:
    return datetime.now(UTC)


class SystemClock:
    """Wall time in UTC that never goes back within this process, whatever is done to the clock.

    When the computer's clock is set back, ``now`` stands still until it has caught up.
    ``raw`` is where it reads; tests give a clock that jumps.
    """

    def __init__(self, raw: Callable[[], datetime] = _read) -> None:
        self._raw = raw
        self._last: datetime | None = None
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """The present instant."""
        with self._lock:
            read = self._raw()
            if self._last is None or read > self._last:
                self._last = read
            return self._last
