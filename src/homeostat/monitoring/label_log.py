"""Labels that were posted to the gateway: a log that a ``posted: true`` source reads.

One SQLite file in the log's folder, which any number of processes may use at once. A post is
one transaction: it is stored whole, or not at all, and what counts for an event is read inside
of it, so that two processes never decide on the same event from different knowledge.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from homeostat.errors import DiskFullError, StateCorruptError, StateError, StateLockedError
from homeostat.monitoring.label_outcome import (
    LATE_AFTER,
    Counting,
    Label,
    Outcome,
    contradicted,
    decide,
)

if TYPE_CHECKING:
    import polars as pl

FILE = "labels.sqlite"
WAIT_S = 10.0
"""How long a post waits for those of other processes."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_TABLES = """
create table if not exists labels (
    number integer primary key, event text not null, label real not null,
    received_us integer not null, observed_us integer, predicted_us integer,
    outcome text not null
) strict;
create index if not exists labels_received on labels (received_us);
create table if not exists counting (
    event text primary key, label real not null, observed_us integer
) strict, without rowid;
"""


@dataclass(frozen=True, slots=True)
class Posted:
    """What came of a post: ``repeated`` labels were there already, ``corrected`` ones differ."""

    accepted: int
    repeated: int
    corrected: int


class LabelLog:
    """Labels in ``folder``, by event id. A label is on disk when :meth:`store` returns.

    The same value again changes nothing; another value is kept as a new row with its own time
    of receipt, and the one received last counts. A label for an event that was not predicted is
    kept too: its prediction may come, or the event source may know it. A first label for a
    prediction older than ``late_after`` is stored as late.
    """

    def __init__(self, folder: Path, late_after: timedelta = LATE_AFTER) -> None:
        self._path = folder / FILE
        self._late_after = late_after
        self._lock = threading.Lock()
        self._opened: tuple[int, sqlite3.Connection] | None = None

    def store(self, labels: Sequence[Label], now: Callable[[], datetime]) -> list[Outcome]:
        """Store what is new in ``labels``; one outcome per label, in their order.

        ``now`` is asked once the log is this process's alone, so that a label received before an
        instant is never written after a :meth:`read` up to that instant. Raises DiskFullError,
        StateLockedError or StateCorruptError, and then stores none.
        """
        refused = contradicted(labels)
        with self._transaction() as database:
            received_at = now().astimezone(UTC)
            return [
                Outcome.CONTRADICTORY
                if label.event in refused
                else _store(database, label, received_at, self._late_after)
                for label in labels
            ]

    def post(self, labels: Mapping[str, float], now: datetime) -> Posted:
        """Store labels by event id, received ``now``, of events that count as predicted."""
        given = [Label(event, value, predicted_at=now) for event, value in labels.items()]
        found = self.store(given, lambda: now)
        return Posted(
            found.count(Outcome.ACCEPTED),
            found.count(Outcome.REPEATED),
            found.count(Outcome.CORRECTED),
        )

    def read(self, since: datetime, until: datetime) -> pl.DataFrame:
        """Rows with columns ``id``, ``label``, ``received_at`` in [since, until)."""
        import polars as pl

        rows: list[tuple[str, float, int]] = []
        if self._path.is_file():
            with self._transaction() as database:
                rows = database.execute(
                    "select event, label, received_us from labels"
                    " where received_us >= ? and received_us < ? order by received_us, number",
                    (_microseconds(since), _microseconds(until)),
                ).fetchall()
        frame = pl.DataFrame(
            rows,
            schema={"id": pl.String, "label": pl.Float64, "received_at": pl.Int64},
            orient="row",
        )
        return frame.with_columns(pl.from_epoch("received_at", "us").dt.replace_time_zone("UTC"))

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """The log for this process alone; all that is written, or nothing, stays."""
        with self._lock:
            try:
                database = self._database()
                database.execute("begin immediate")
                try:
                    yield database
                    database.execute("commit")
                finally:
                    if database.in_transaction:
                        database.execute("rollback")
            except sqlite3.Error as error:
                raise self._failed(error) from error
            except OSError as error:
                raise self._full(str(error.strerror)) from error

    def _database(self) -> sqlite3.Connection:
        """This process's connection: one that came over a fork is left alone."""
        if self._opened is None or self._opened[0] != os.getpid():
            self._path.parent.mkdir(parents=True, exist_ok=True)
            database = sqlite3.connect(
                self._path, timeout=WAIT_S, isolation_level=None, check_same_thread=False
            )
            database.execute("pragma synchronous = full")
            database.executescript(_TABLES)
            self._opened = (os.getpid(), database)
        return self._opened[1]

    def _failed(self, error: sqlite3.Error) -> StateError:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return StateLockedError(
                f"other posts held the labels for {WAIT_S:g} s",
                subject=str(self._path),
                next_step="post them again; posting twice does no harm",
            )
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            return StateCorruptError(
                f"the labels cannot be read: {error}",
                subject=str(self._path),
                next_step="restore the file from a backup, or move it away and post again",
            )
        return self._full(str(error))

    def _full(self, reason: str) -> DiskFullError:
        return DiskFullError(
            f"the labels cannot be written: {reason}",
            subject=str(self._path),
            next_step="make room and post them again; posting twice does no harm",
        )


def _store(
    database: sqlite3.Connection, label: Label, received_at: datetime, late_after: timedelta
) -> Outcome:
    held = database.execute(
        "select label, observed_us from counting where event = ?", (label.event,)
    ).fetchone()
    counting = None if held is None else Counting(held[0], _instant(held[1]))
    outcome = decide(label, counting, received_at, late_after)
    observed = None if label.observed_at is None else _microseconds(label.observed_at)
    if outcome.stored:
        predicted = None if label.predicted_at is None else _microseconds(label.predicted_at)
        database.execute(
            "insert into labels (event, label, received_us, observed_us, predicted_us, outcome)"
            " values (?, ?, ?, ?, ?, ?)",
            (label.event, label.value, _microseconds(received_at), observed, predicted, outcome),
        )
        database.execute(
            "insert into counting values (?, ?, ?) on conflict (event)"
            " do update set label = excluded.label, observed_us = excluded.observed_us",
            (label.event, label.value, observed),
        )
    elif outcome is Outcome.REPEATED and observed is not None:
        database.execute(
            "update counting set observed_us = max(coalesce(observed_us, ?1), ?1) where event = ?2",
            (observed, label.event),
        )
    return outcome


def _microseconds(instant: datetime) -> int:
    return (instant - _EPOCH) // _MICROSECOND


def _instant(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else _EPOCH + microseconds * _MICROSECOND
