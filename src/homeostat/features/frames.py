"""Where features read rows from: by source and span of ``known_at``."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol

import numpy as np
import polars as pl

from homeostat.domain.delivery import Delivery, Window
from homeostat.errors import ColumnError, SourceError
from homeostat.features.columns import as_instants, microseconds
from homeostat.ports.blobs import Blobs

_FOREVER = Window(datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
CACHE_BYTES = 512 * 1024 * 1024
"""How much recently read data is kept in memory, all models of a process together."""


class Frames(Protocol):
    """Rows of the project's sources."""

    def frame(self, source: str, since: datetime | None, until: datetime | None) -> pl.DataFrame:
        """Rows with ``known_at`` in ``[since, until)``, sorted by it; None is without end.

        A source of which nothing was accepted gives a frame without rows, and maybe without
        columns. Rows whose ``known_at`` is null are never known and left out.
        """
        ...


class TableFrames:
    """Sources that are whole frames in memory."""

    def __init__(self, tables: Mapping[str, pl.DataFrame], known_at: Mapping[str, str]) -> None:
        self._known_at = dict(known_at)
        self._tables = {
            name: _sorted(table, self._known_at[name], name) for name, table in tables.items()
        }

    def frame(self, source: str, since: datetime | None, until: datetime | None) -> pl.DataFrame:
        """Rows of ``source`` in the span; see :class:`Frames`."""
        table = self._tables.get(source)
        if table is None or not table.width:
            return pl.DataFrame()
        return within(table, self._known_at[source], since, until)


class PartCache:
    """Recently read deliveries, by content digest; the least recently used leave first.

    Content never changes under its digest, so one cache serves any number of snapshots and
    threads. A part larger than ``max_bytes`` is read and not kept.
    """

    def __init__(self, max_bytes: int = CACHE_BYTES) -> None:
        self._max_bytes = max_bytes
        self._parts: OrderedDict[tuple[str, str], pl.DataFrame] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def read(self, blobs: Blobs, digest: str, known_at: str, source: str) -> pl.DataFrame:
        """The part's rows, sorted by ``known_at``.

        Raises BlobMissingError; SourceError when the bytes are not Parquet; ColumnError.
        """
        key = (digest, known_at)
        with self._lock:
            if key in self._parts:
                self._parts.move_to_end(key)
                return self._parts[key]
        part = _read_part(blobs, digest, known_at, source)
        with self._lock:
            if key not in self._parts:
                self._parts[key] = part
                self._bytes += int(part.estimated_size())
            while self._bytes > self._max_bytes and self._parts:
                _, gone = self._parts.popitem(last=False)
                self._bytes -= int(gone.estimated_size())
        return part


_PARTS = PartCache()


class DeliveryFrames:
    """Sources as accepted deliveries, one Parquet blob each.

    Reads only the parts whose window overlaps the span. ``known_at`` names each source's
    column; ``cache`` is shared by the whole process unless another one is given.
    """

    def __init__(
        self,
        blobs: Blobs,
        deliveries: Mapping[str, Sequence[Delivery]],
        known_at: Mapping[str, str],
        cache: PartCache | None = None,
    ) -> None:
        self._blobs = blobs
        self._deliveries = {
            name: sorted(given, key=lambda delivery: (delivery.window, delivery.id))
            for name, given in deliveries.items()
        }
        self._known_at = dict(known_at)
        self._cache = cache or _PARTS

    def frame(self, source: str, since: datetime | None, until: datetime | None) -> pl.DataFrame:
        """Rows of ``source`` in the span; see :class:`Frames`.

        Columns that some deliveries lack are null there. Raises ColumnError when a column has
        types in different deliveries that do not go together.
        """
        span = Window(since or _FOREVER.since, until or _FOREVER.until)
        parts = [
            self._cache.read(self._blobs, delivery.digest, self._known_at[source], source)
            for delivery in self._deliveries.get(source, ())
            if delivery.digest is not None and delivery.window.overlaps(span)
        ]
        if not parts:
            return pl.DataFrame()
        whole = _joined([part for part in parts if part.height] or parts[:1], source)
        known_at = self._known_at[source]
        return within(whole.sort(known_at, maintain_order=True), known_at, since, until)


def _read_part(blobs: Blobs, digest: str, known_at: str, source: str) -> pl.DataFrame:
    path = blobs.path(digest)
    try:
        part = pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise SourceError(
            f"stored delivery {digest[:12]} cannot be read: {error}",
            subject=f"source {source}",
            next_step="restore the state folder from a backup, or fetch the window again",
        ) from error
    return _sorted(part, known_at, source)


def _joined(parts: list[pl.DataFrame], source: str) -> pl.DataFrame:
    first = parts[0].schema
    if all(part.schema == first for part in parts[1:]):
        return pl.concat(parts)
    try:
        return pl.concat(parts, how="diagonal_relaxed")
    except pl.exceptions.PolarsError as error:
        raise ColumnError(
            f"a column changes its type from one delivery to another: {error}",
            subject=f"source {source}",
            next_step="declare the column's type in the source's checks",
        ) from error


def _sorted(table: pl.DataFrame, known_at: str, source: str) -> pl.DataFrame:
    if not table.width:
        return table
    known = as_instants(table, known_at, f"source {source}")
    table = table.with_columns(known.alias(known_at))
    if known.null_count():
        table = table.filter(pl.col(known_at).is_not_null())
    return table.sort(known_at, maintain_order=True)


def within(
    table: pl.DataFrame, known_at: str, since: datetime | None, until: datetime | None
) -> pl.DataFrame:
    """The slice ``[since, until)`` of a table sorted by its instants ``known_at``; no copy."""
    known = table[known_at].to_physical()
    first, last = 0, table.height
    if since is not None:
        first = _place(known, since)
    if until is not None:
        last = _place(known, until)
    return table.slice(first, max(last - first, 0))


def _place(known: pl.Series, at: datetime) -> int:
    return int(np.searchsorted(known.to_numpy(), microseconds(at), side="left"))
