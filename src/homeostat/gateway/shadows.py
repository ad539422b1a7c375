"""Scoring beside: after the answer has left, within a share of one processor, or not at all."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from time import perf_counter

from homeostat.errors import HomeostatError
from homeostat.gateway.arms import LoadedArm
from homeostat.gateway.rows import Row, Rows, score

MAX_WAITING = 4096
"""Rows that may wait; more are dropped."""
CHUNK = 64
"""Most rows scored with one call."""
BURST_S = 0.25
"""Time that may be saved up while nothing waits."""


class Shadows:
    """A bounded queue of rows that other arms shall score too.

    ``cpu_share`` in [0, 1] bounds the time spent, as a share of wall time: a token bucket that
    holds at most :data:`BURST_S`. What does not fit is dropped and counted, never waited for.
    One thread takes rows from the queue: call :meth:`work` regularly from there.
    """

    def __init__(
        self,
        rows: Rows,
        write: Callable[[bytes], None],
        cpu_share: float,
        started_s: float,
    ) -> None:
        self._rows = rows
        self._write = write
        self._share = cpu_share
        self._saved_s = BURST_S * cpu_share
        self._refilled_s = started_s
        self._waiting: deque[tuple[LoadedArm, Row]] = deque()
        self._lock = threading.Lock()
        self._told = {"scored": 0, "dropped": 0, "failed": 0}
        self.scored = 0
        self.dropped = 0
        self.failed = 0

    def __len__(self) -> int:
        """Rows that wait."""
        return len(self._waiting)

    def offer(self, answered: Sequence[Row]) -> None:
        """Take rows that were answered; they are scored later by the arms beside theirs."""
        for row in answered:
            for arm in row.loaded.beside:
                if arm is row.arm:
                    continue
                if len(self._waiting) >= MAX_WAITING or not self._share:
                    self.dropped += 1
                else:
                    self._waiting.append((arm, row))

    def taken_counts(self) -> dict[str, int]:
        """Rows scored, dropped and failed since this was asked last."""
        counts = {"scored": self.scored, "dropped": self.dropped, "failed": self.failed}
        fresh = {outcome: count - self._told[outcome] for outcome, count in counts.items()}
        self._told = counts
        return fresh

    def work(self, now_s: float) -> bool:
        """Score some of what waits, as time allows; whether more waits."""
        self._saved_s = min(
            BURST_S * self._share, self._saved_s + (now_s - self._refilled_s) * self._share
        )
        self._refilled_s = now_s
        if self._saved_s <= 0 or not self._waiting:
            return bool(self._waiting)
        began = perf_counter()
        with self._lock:
            taken = [self._waiting.popleft() for _ in range(min(CHUNK, len(self._waiting)))]
        for arm in {id(arm): arm for arm, _ in taken}.values():
            self._score(arm, [row for other, row in taken if other is arm])
        self._saved_s -= perf_counter() - began
        return bool(self._waiting)

    def _score(self, arm: LoadedArm, rows: Sequence[Row]) -> None:
        began = perf_counter()
        ready = [copy for row in rows if (copy := self._beside(arm, row)) is not None]
        if not ready:
            return
        try:
            score(arm, ready)
            latency_ms = (perf_counter() - began) * 1000 / len(ready)
            self._write(b"".join([self._rows.line(row, latency_ms) for row in ready]))
        except HomeostatError:  # a shadow that fails disturbs nobody; it is counted
            self.failed += len(ready)
        else:
            self.scored += len(ready)

    def _beside(self, arm: LoadedArm, row: Row) -> Row | None:
        """The row as ``arm`` reads it; None when it does not fit its schema."""
        flags: list[str] = []
        record = dict(zip(row.arm.checks.names, row.values, strict=True))
        try:
            values = arm.checks.read(record, 0, flags)
        except HomeostatError:
            self.failed += 1
            return None
        return Row(
            row.loaded, arm, "shadow", f"{row.id}s{arm.version}", row.event, row.entity, values,
            flags, None, row.fetched, row.began, row.at,
        )  # fmt: skip
