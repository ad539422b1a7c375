"""What every clock must do: subclass, and give the fixture ``clock``."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest

from homeostat.ports.clock import Clock


class ClockConformance:
    """The contract of ports.clock as tests."""

    @pytest.fixture
    def clock(self) -> Clock:
        """A clock."""
        raise NotImplementedError("give the fixture clock")

    def test_it_tells_aware_times_in_utc(self, clock: Clock) -> None:
        """Never a naive time, never another zone."""
        assert clock.now().utcoffset() == timedelta(0)

    def test_it_never_goes_back(self, clock: Clock) -> None:
        """Reading after reading."""
        readings = [clock.now() for _ in range(1000)]
        assert readings == sorted(readings)

    def test_it_never_goes_back_between_threads(self, clock: Clock) -> None:
        """A reading that began after another one ended is not earlier."""
        lock = threading.Lock()
        readings: list[datetime] = []

        def read() -> None:
            for _ in range(200):
                with lock:
                    readings.append(clock.now())

        threads = [threading.Thread(target=read) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert readings == sorted(readings)
