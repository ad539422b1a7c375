"""Requests that arrive together, answered with one call of the model. Off unless declared."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from time import perf_counter

from homeostat.errors import HomeostatError
from homeostat.gateway.rows import Row
from homeostat.spec.serving import MicroBatch

WEIGHT = 0.1
"""Weight of the newest gap between two requests in its running mean."""


class Batcher:
    """Collects rows until ``max_rows`` are there or the oldest has waited for its budget.

    It adapts: when the running mean of the gaps between requests says that no other one is
    to be expected within the budget, nobody waits for it. The time that a call takes is taken
    off the budget, so that waiting and answering together stay within it.
    """

    def __init__(self, declared: MicroBatch, answer: Callable[[Sequence[Row]], object]) -> None:
        self._max_rows = declared.max_rows
        self._budget_s = declared.budget_ms / 1000
        self._answer = answer
        self._waiting: list[tuple[Row, asyncio.Future[None]]] = []
        self._timer: asyncio.Handle | None = None
        self._last_s = 0.0
        self._gap_s = 1.0
        self._call_s = 0.0

    def __len__(self) -> int:
        """Rows that wait."""
        return len(self._waiting)

    async def answered(self, row: Row) -> None:
        """Returns when ``row`` is scored and logged; raises what went wrong with it."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._waiting.append((row, done))
        now = perf_counter()
        self._gap_s += WEIGHT * (min(now - self._last_s, 1.0) - self._gap_s)
        self._last_s = now
        if len(self._waiting) >= self._max_rows:
            self._flush()
        elif self._timer is None:
            wait_s = self._budget_s - self._call_s
            expected = self._gap_s < wait_s
            self._timer = (
                loop.call_later(wait_s, self._flush) if expected else loop.call_soon(self._flush)
            )
        await done

    def _flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        taken, self._waiting = self._waiting, []
        if not taken:
            return
        began = perf_counter()
        try:
            self._answer([row for row, _ in taken])
        except HomeostatError:
            for row, done in taken:  # one of them is at fault: each for itself
                self._alone(row, done)
        else:
            for _, done in taken:
                if not done.done():
                    done.set_result(None)
        self._call_s += WEIGHT * (perf_counter() - began - self._call_s)

    def _alone(self, row: Row, done: asyncio.Future[None]) -> None:
        if done.done():
            return
        try:
            self._answer([row])
        except HomeostatError as error:
            done.set_exception(error)
        else:
            done.set_result(None)
