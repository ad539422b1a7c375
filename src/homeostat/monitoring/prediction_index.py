"""Which event a prediction id, or an entity at a time, stands for: looked up in the log.

Recent predictions are held in memory by id and by event. Of older spans only hashes are held,
8 bytes per name: they say in which span a name may stand, and that span is then read. Both are
bounded; what falls out is read from the log again. A span is taken as final :data:`SETTLES` after
its end: what is logged later than that with an older time may not be found by a process that
has read the span.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from homeostat.monitoring.prediction_log import PredictionLog

if TYPE_CHECKING:
    import polars as pl

RECENT_ROWS = 100_000
"""Predictions held in memory by name."""
HASHES = 8_000_000
"""Hashes held in memory: 64 MB."""
REACH = timedelta(days=180)
"""How far back a name is looked for."""
TOLERANCE = timedelta(hours=1)
"""How long before the time asked the last prediction of an entity may lie."""
SETTLES = timedelta(minutes=10)
"""So long after its end a span's content counts as final."""
OVERLAP = timedelta(seconds=30)
"""Recent predictions are read again over this time: clocks of processes differ a little."""
_NAMES = ("id", "event", "at")
_MICROSECOND, _DAY = timedelta(microseconds=1), timedelta(days=1)
_SIZES = (7 * _DAY, _DAY, timedelta(hours=1), timedelta(minutes=10))
_MONDAY = datetime(1970, 1, 5, tzinfo=UTC)

Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Found:
    """A predicted event and when it was predicted."""

    event: str
    at: datetime


class PredictionIndex:
    """Finds predictions in ``log``. Safe to use from several threads, one at a time."""

    def __init__(self, log: PredictionLog, recent_rows: int = RECENT_ROWS) -> None:
        self._log = log
        self._lock = threading.Lock()
        self._limit = recent_rows
        self._ids: OrderedDict[str, Found] = OrderedDict()
        self._events: OrderedDict[str, Found] = OrderedDict()
        self._read_until: datetime | None = None
        self._whole_from: datetime | None = None
        self._spans: OrderedDict[Span, np.ndarray] = OrderedDict()

    def by_id(self, ids: Collection[str], now: datetime) -> dict[str, Found]:
        """Predictions by their id; those not found within :data:`REACH` are left out."""
        return self._named("id", ids, now)

    def by_event(self, events: Collection[str], now: datetime) -> dict[str, Found]:
        """The last prediction of each event; those not found are left out."""
        return self._named("event", events, now)

    def by_entity(
        self, asked: Sequence[tuple[str, datetime]], tolerance: timedelta = TOLERANCE
    ) -> list[Found | None]:
        """The last answered prediction of each entity at or before each time, if it is near.

        Near: no more than ``tolerance`` before. Shadows answer nobody and do not count.
        """
        import polars as pl

        found: list[Found | None] = [None] * len(asked)
        order = sorted(range(len(asked)), key=lambda place: asked[place][1])
        for (since, until), places in _clusters([(p, asked[p][1]) for p in order], tolerance):
            rows = self._log.read(since, until, ["event", "entity", "at", "arm"]).filter(
                pl.col("entity").is_in([asked[place][0] for place in places])
                & (pl.col("arm") != "shadow")
            )
            known: dict[str, list[Found]] = {}
            for event, entity, at in rows.select("event", "entity", "at").iter_rows():
                known.setdefault(entity, []).append(Found(event, at))
            for place in places:
                entity, at = asked[place]
                before = [one for one in known.get(entity, ()) if at - tolerance <= one.at <= at]
                found[place] = before[-1] if before else None
        return found

    # -- by name --------------------------------------------------------------------------

    def _named(self, column: str, names: Collection[str], now: datetime) -> dict[str, Found]:
        held = self._ids if column == "id" else self._events
        found: dict[str, Found] = {}
        missing = set(names)

        def take(known: Callable[[str], Found | None]) -> None:
            for name in tuple(missing):
                one = known(name)
                if one is not None:
                    found[name] = one
                    missing.discard(name)

        with self._lock:
            take(held.get)
            if missing:
                self._refresh(now)
                take(held.get)
            for span in self._older(now) if missing else ():
                take(self._in_span(span, column, missing, now).get)
                if not missing:
                    break
        return found

    def _refresh(self, now: datetime) -> None:
        """Read what was predicted since the last time, and drop the oldest above the limit."""
        since = self._read_until or _floor(now - SETTLES, _SIZES[-1])
        if self._whole_from is None:
            self._whole_from = since
        self._read_until = max(since, now - OVERLAP)
        rows = self._log.read(since, now + OVERLAP, _NAMES)
        for identity, event, at in rows.tail(self._limit).iter_rows():
            one = Found(event, at)
            self._ids[identity] = one
            self._events[event] = one
        if rows.height > self._limit:
            last: datetime = rows.get_column("at")[-self._limit - 1]
            self._whole_from = last + _MICROSECOND
        while len(self._ids) > self._limit:
            dropped = self._ids.popitem(last=False)[1]
            self._whole_from = max(self._whole_from, dropped.at + _MICROSECOND)
            if self._events.get(dropped.event) == dropped:
                del self._events[dropped.event]

    def _older(self, now: datetime) -> Iterator[Span]:
        """Spans before the recent ones, newest first: the largest that fit and are settled."""
        assert self._whole_from is not None
        smallest = _SIZES[-1]
        until = _floor(self._whole_from + smallest - _MICROSECOND, smallest)
        while until > now - REACH:
            for size in _SIZES:
                since = _floor(until - _MICROSECOND, size)
                if since + size == until <= now - SETTLES:
                    break
            yield since, until
            until = since

    def _in_span(self, span: Span, column: str, names: set[str], now: datetime) -> dict[str, Found]:
        """Those of ``names`` that were predicted in ``span``."""
        import polars as pl

        hashes = self._spans.get(span)
        rows: pl.DataFrame | None = None
        if hashes is None:
            rows = self._log.read(*span, _NAMES)
            hashes = np.unique(_hashes([*rows.get_column("id"), *rows.get_column("event")]))
            if span[1] <= now - SETTLES:
                self._keep(span, hashes)
        else:
            self._spans.move_to_end(span)
        wanted = _hashes(names)
        places = np.searchsorted(hashes, wanted)
        if not np.any(hashes[np.minimum(places, len(hashes) - 1)] == wanted if len(hashes) else ()):
            return {}
        rows = self._log.read(*span, _NAMES) if rows is None else rows
        chosen = rows.filter(pl.col(column).is_in(list(names)))
        place = _NAMES.index(column)
        return {row[place]: Found(row[1], row[2]) for row in chosen.iter_rows()}

    def _keep(self, span: Span, hashes: np.ndarray) -> None:
        self._spans[span] = hashes
        while sum(len(one) for one in self._spans.values()) > HASHES and len(self._spans) > 1:
            self._spans.popitem(last=False)


def _hashes(names: Iterable[str]) -> np.ndarray:
    import polars as pl

    return pl.Series(list(names), dtype=pl.String).hash().to_numpy()


def _floor(instant: datetime, size: timedelta) -> datetime:
    """The start of the span of this size that holds ``instant``; weeks begin on Monday, UTC."""
    return _MONDAY + (instant - _MONDAY) // size * size


def _clusters(
    asked: Sequence[tuple[int, datetime]], tolerance: timedelta
) -> Iterator[tuple[Span, list[int]]]:
    """Times in order, gathered into spans to read: those that overlap, up to a day at once."""
    places: list[int] = []
    since = until = _MONDAY
    for place, at in asked:
        if places and (at - tolerance > until or at - since > _DAY):
            yield (since, until), places
            places = []
        if not places:
            since = at - tolerance
        until = at + _MICROSECOND
        places.append(place)
    if places:
        yield (since, until), places
