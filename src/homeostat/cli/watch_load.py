"""What ``homeostat up`` does beside its passes: see how busy the workers are, and keep it."""

from __future__ import annotations

import contextlib
import threading
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from homeostat.errors import HomeostatError
from homeostat.monitoring import load_file
from homeostat.monitoring.load import WorkerLoad, remembered, sampled

if TYPE_CHECKING:
    from homeostat.ports.clock import Clock
    from homeostat.wiring import Gateway

LOOK_EVERY_S = 15.0
TRIM_EVERY = timedelta(hours=1)
_QUIET = (HomeostatError, OSError, ValueError)
"""What must not stop serving nor the loop: a look that fails is a gap in the samples."""


class LoadWatch:
    """A thread that asks all workers once in :data:`LOOK_EVERY_S` and writes a line to ``file``.

    It has a thread of its own, so that a worker that is late holds nothing up.
    """

    def __init__(self, gateway: Gateway, file: Path, clock: Clock) -> None:
        self._gateway = gateway
        self._file = file
        self._clock = clock
        self._before: dict[str, WorkerLoad] | None = None
        self._trimmed: datetime | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; a look under way is not waited for longer than it takes to ask."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(6)

    def look(self, now: datetime) -> None:
        """Ask once, and write what is new; the first look only learns where counters stand."""
        with contextlib.suppress(*_QUIET):
            told = self._gateway.loads()
            before, self._before = self._before, remembered(self._before or {}, told)
            sample = None if before is None else sampled(before, told, now)
            if sample is not None:
                load_file.append(self._file, sample)
        with contextlib.suppress(OSError):
            if self._trimmed is None or abs(now - self._trimmed) >= TRIM_EVERY:
                self._trimmed = now
                load_file.trim(self._file, now)

    def _run(self) -> None:
        self.look(self._clock.now())
        while not self._stopped.wait(LOOK_EVERY_S):
            self.look(self._clock.now())
