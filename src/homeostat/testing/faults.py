"""Faults for ports, drawn from a seed or put at a place: wrap a backend and see what holds.

Every wrapper keeps the contract of what it wraps, except where a fault strikes, and then fails
as the real thing does: before the effect, after it with the answer lost, or by the death of the
process. A failing test is a seed (after FoundationDB's simulation and TigerBeetle's VOPR).
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from homeostat.domain.delivery import Window
from homeostat.domain.entry import Draft, Entry
from homeostat.domain.event import Ended
from homeostat.domain.rollout import Routing
from homeostat.domain.run import RunRequest
from homeostat.errors import (
    DiskFullError,
    ModelLoadError,
    RunError,
    SourceError,
    StateError,
    StateLockedError,
)
from homeostat.ports.ledger import Ledger
from homeostat.ports.runner import Runner
from homeostat.ports.serving import Serving
from homeostat.ports.source import SourceReader

if TYPE_CHECKING:
    import polars as pl

NEXT = "this fault was put in by homeostat.testing.faults"


class ProcessDeath(BaseException):
    """The process dies here. Not an Exception: nothing but the test may catch it."""


class Chance:
    """Decides which faults strike, from ``seed``; ``struck`` lists those that did, in order.

    ``shares`` maps a fault's name to its probability at each opportunity. ``at`` maps a name to
    the opportunities (counted from 1) at which it strikes for sure: ``{"ledger.full": [3]}`` is
    a disk that is full once, at the third append. Names that no wrapper knows are refused.
    """

    def __init__(
        self,
        seed: int = 0,
        shares: Mapping[str, float] | None = None,
        at: Mapping[str, Collection[int]] | None = None,
    ) -> None:
        self._random = random.Random(seed)  # noqa: S311  reproducible, not secret
        self._shares = dict(shares or {})
        self._at = {name: frozenset(places) for name, places in (at or {}).items()}
        unknown = sorted((set(self._shares) | set(self._at)) - set(FAULTS))
        assert not unknown, f"no such faults: {unknown}; there are {sorted(FAULTS)}"
        self._opportunities: dict[str, int] = {}
        self.struck: list[tuple[str, int]] = []

    def strikes(self, name: str) -> bool:
        """Whether fault ``name`` strikes at this opportunity."""
        assert name in FAULTS, name
        place = self._opportunities[name] = self._opportunities.get(name, 0) + 1
        drawn = self._random.random() < self._shares.get(name, 0.0)
        if drawn or place in self._at.get(name, ()):
            self.struck.append((name, place))
            return True
        return False

    def die(self, name: str) -> None:
        """The process dies if fault ``name`` strikes."""
        if self.strikes(name):
            raise ProcessDeath(name)

    def stop(self) -> None:
        """No more faults: what remains must heal."""
        self._shares.clear()
        self._at.clear()


FAULTS = {
    "ledger.full": "append: no room; nothing is written",
    "ledger.locked": "append: another writer does not finish; nothing is written",
    "ledger.lost": "append: written, but the answer is lost",
    "ledger.death_before": "append: the process dies, nothing is written",
    "ledger.death_after": "append: the process dies after it was written",
    "runner.refused": "start: it does not begin",
    "runner.lost": "start: it begins, but the answer is lost",
    "runner.death_after": "start: it begins, and this process dies",
    "runner.silent": "poll: no answer yet, although the run has ended",
    "serving.refused": "route: a version cannot be loaded; the old routing stays",
    "serving.lost": "route: it takes effect, but the answer is lost",
    "serving.away": "observe: the gateway cannot be asked",
    "serving.forgets": "observe: the gateway was restarted and routes nothing",
    "source.down": "read: the source does not answer",
    "source.empty": "read: no rows",
    "source.cut": "read: the second half of the rows is missing",
    "source.doubled": "read: each row comes twice",
    "source.nulls": "read: one column is all null",
    "source.renamed": "read: one column has another name",
    "source.text": "read: one column of numbers comes as text",
}
"""Every fault by name, with what happens."""


class FaultyLedger:
    """A ledger with the ``ledger.*`` faults."""

    def __init__(self, inner: Ledger, chance: Chance) -> None:
        self._inner = inner
        self._chance = chance

    def append(self, drafts: Sequence[Draft], *, token: int | None = None) -> tuple[Entry, ...]:
        """Append, unless a fault strikes before; answer, unless one strikes after."""
        if self._chance.strikes("ledger.full"):
            raise DiskFullError("there is no room to write", subject="ledger", next_step=NEXT)
        if self._chance.strikes("ledger.locked"):
            raise StateLockedError("another process writes", subject="ledger", next_step=NEXT)
        self._chance.die("ledger.death_before")
        entries = self._inner.append(drafts, token=token)
        self._chance.die("ledger.death_after")
        if self._chance.strikes("ledger.lost"):
            raise StateError("the answer was lost", subject="ledger", next_step=NEXT)
        return entries

    def read(self, after: int = 0) -> Iterator[Entry]:
        """As the ledger within."""
        return self._inner.read(after)

    def entry(self, seq: int) -> Entry:
        """As the ledger within."""
        return self._inner.entry(seq)

    def acquire(self, holder: str, until: datetime, now: datetime) -> int:
        """As the ledger within."""
        return self._inner.acquire(holder, until, now)

    def release(self, holder: str) -> None:
        """As the ledger within."""
        self._inner.release(holder)


class FaultyRunner:
    """A runner with the ``runner.*`` faults."""

    def __init__(self, inner: Runner, chance: Chance) -> None:
        self._inner = inner
        self._chance = chance

    def start(self, request: RunRequest) -> None:
        """Begin, unless a fault strikes before."""
        if self._chance.strikes("runner.refused"):
            raise RunError("it does not begin", subject=request.id, next_step=NEXT)
        self._inner.start(request)
        self._chance.die("runner.death_after")
        if self._chance.strikes("runner.lost"):
            raise RunError("the answer was lost", subject=request.id, next_step=NEXT)

    def poll(self, run_id: str) -> Ended | None:
        """How it ended, perhaps later."""
        return None if self._chance.strikes("runner.silent") else self._inner.poll(run_id)


class FaultyServing:
    """A gateway with the ``serving.*`` faults."""

    def __init__(self, inner: Serving, chance: Chance) -> None:
        self._inner = inner
        self._chance = chance

    def route(self, routing: Routing) -> None:
        """Take the routing, unless a fault strikes before."""
        if self._chance.strikes("serving.refused"):
            raise ModelLoadError("it cannot be loaded", subject="gateway", next_step=NEXT)
        self._inner.route(routing)
        if self._chance.strikes("serving.lost"):
            raise StateError("the answer was lost", subject="gateway", next_step=NEXT)

    def observe(self) -> Routing | None:
        """What it routes; nothing after it was restarted."""
        if self._chance.strikes("serving.away"):
            return None
        if self._chance.strikes("serving.forgets"):
            self._inner.route(Routing())
        return self._inner.observe()


class FaultySource:
    """A source with the ``source.*`` faults. They spoil ``column``, by default the last one.

    A source that is asked again answers well again unless the fault strikes again.
    """

    def __init__(self, inner: SourceReader, chance: Chance, column: str | None = None) -> None:
        self._inner = inner
        self._chance = chance
        self._column = column

    def read(self, source: str, window: Window, attempt: int = 1) -> pl.DataFrame:
        """The rows, spoiled where faults strike."""
        if self._chance.strikes("source.down"):
            raise SourceError("it does not answer", subject=source, next_step=NEXT)
        frame = self._inner.read(source, window, attempt)
        if not frame.width:
            return frame
        if self._chance.strikes("source.empty"):
            frame = frame.clear()
        if self._chance.strikes("source.cut"):
            frame = frame.head(frame.height // 2)
        if self._chance.strikes("source.doubled"):
            frame = frame.vstack(frame)
        return self._spoil(frame)

    def _spoil(self, frame: pl.DataFrame) -> pl.DataFrame:
        import polars as pl

        name = self._column if self._column is not None else frame.columns[-1]
        kind = frame.schema[name]
        if self._chance.strikes("source.nulls"):
            frame = frame.with_columns(pl.lit(None, kind).alias(name))
        if self._chance.strikes("source.text"):
            frame = frame.with_columns(pl.col(name).cast(pl.String))
        if self._chance.strikes("source.renamed"):
            frame = frame.rename({name: f"{name}_v2"})
        return frame
