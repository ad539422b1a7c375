"""The ledger and the lease of one model in a SQLite file, with the standard library only.

Importing this module is cheap on purpose: ``homeostat status`` reads the ledger through it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from homeostat.adapters.local.sqlite_database import Database, Synchronous
from homeostat.domain.codec import canonical
from homeostat.domain.entry import GENESIS, Draft, Entry, Kind, broken, chain
from homeostat.errors import LeaseHeldError

_COLUMNS = "seq, at, model, kind, name, body, cause, previous_hash, hash"
_PAGE = 1000


class SqliteLedger:
    """The ledger of ``model`` in the state file at ``path``; see ports.ledger for the contract.

    One file holds several models. With ``synchronous="FULL"`` (the default) an append outlives
    a power cut; with ``"NORMAL"`` it outlives this process, and a power cut may take the last
    appends, whole. ``wait_s`` is how long to wait for another writer before StateLockedError.
    Reading checks that each row is exactly as it was written out, and that none is missing;
    the hashes are checked by :func:`homeostat.domain.entry.verified`.
    """

    def __init__(
        self,
        path: Path,
        model: str,
        *,
        synchronous: Synchronous = "FULL",
        wait_s: float = 10.0,
    ) -> None:
        self._database = Database(path, synchronous=synchronous, wait_s=wait_s)
        self._model = model

    def append(self, drafts: Sequence[Draft], *, token: int | None = None) -> tuple[Entry, ...]:
        """Append in one transaction; the entries in their places.

        Raises LedgerBrokenError, and writes nothing, when the end of the chain is missing.
        """
        with self._database.writing() as connection:
            if token is not None:
                self._fence(connection, token)
            last, head = self._end(connection)
            entries = []
            for seq, new in enumerate(drafts, start=last + 1):
                entries.append(chain(head, seq, self._model, new))
                head = entries[-1].hash
            connection.executemany(
                f"INSERT INTO entries ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
                map(_row, entries),
            )
            if entries:
                connection.execute(
                    "INSERT INTO heads VALUES (?, ?, ?)"
                    " ON CONFLICT (model) DO UPDATE SET seq = excluded.seq, hash = excluded.hash",
                    (self._model, entries[-1].seq, head),
                )
        return tuple(entries)

    def read(self, after: int = 0) -> Iterator[Entry]:
        """Entries with ``seq`` greater than ``after``, in order, a page at a time.

        Raises LedgerBrokenError naming the first entry that is missing or cannot be read, or
        that was put at the end by somebody else than this class.
        """
        last, hashed = max(after, 0), ""
        promised = self._promised()
        while True:
            rows, whole = self._page(last, _PAGE)
            for row in rows:
                entry = _entry(row, last + 1)
                last, hashed = entry.seq, entry.hash
                yield entry
            if not whole:
                raise broken(last + 1)
            if not rows:
                break
        if last < promised[0]:
            raise broken(last + 1)
        promised = self._promised()  # entries may have come while we read
        if hashed and last > promised[0]:
            raise broken(promised[0] + 1)
        if hashed and last == promised[0] and hashed != promised[1]:
            raise broken(last)

    def entry(self, seq: int) -> Entry:
        """One entry; KeyError when there is none."""
        rows, whole = self._page(seq - 1, 1) if seq >= 1 else ([], True)
        if not whole:
            raise broken(seq)
        if not rows:
            raise KeyError(seq)
        return _entry(rows[0], seq)

    def acquire(self, holder: str, until: datetime, now: datetime) -> int:
        """Take or renew the lease; a holder that renews keeps its token."""
        assert holder, "a lease has a holder"
        with self._database.writing() as connection:
            token, by, ends = self._lease(connection)
            if by and by != holder and datetime.fromisoformat(ends) > now:
                raise LeaseHeldError(
                    f"'{by}' is in charge until {ends}",
                    subject=f"lease on '{self._model}'",
                    next_step="wait until then, or stop that controller",
                )
            token = token if by == holder else token + 1
            self._write_lease(connection, token, holder, until.astimezone(UTC).isoformat())
        return token

    def release(self, holder: str) -> None:
        """Give the lease back, if ``holder`` has it; its token is old from then on."""
        with self._database.writing() as connection:
            token, by, _ = self._lease(connection)
            if by == holder:
                self._write_lease(connection, token + 1, "", "")

    def check(self) -> None:
        """Read the whole file for damage that SQLite can see; StateCorruptError."""
        self._database.check()

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _page(self, after: int, limit: int) -> tuple[list[tuple[Any, ...]], bool]:
        """The next rows, and False when the one after them has text that is not UTF-8."""
        rows: list[tuple[Any, ...]] = []
        with self._database.reading() as connection:
            cursor = connection.execute(
                f"SELECT {_COLUMNS} FROM entries"  # noqa: S608
                " WHERE model = ? AND seq > ? ORDER BY seq LIMIT ?",
                (self._model, after, limit),
            )
            try:
                rows.extend(cursor)
            except sqlite3.OperationalError as error:
                if getattr(error, "sqlite_errorcode", None) is not None:
                    raise
                return rows, False
        return rows, True

    def _promised(self) -> tuple[int, str]:
        with self._database.reading() as connection:
            return self._head(connection)

    def _head(self, connection: sqlite3.Connection) -> tuple[int, str]:
        row = connection.execute(
            "SELECT seq, hash FROM heads WHERE model = ?", (self._model,)
        ).fetchone()
        return (row[0], row[1]) if row else (0, GENESIS)

    def _end(self, connection: sqlite3.Connection) -> tuple[int, str]:
        """Place and hash of the last entry, on which the next one is chained."""
        row = connection.execute(
            "SELECT seq, hash FROM entries WHERE model = ? ORDER BY seq DESC LIMIT 1",
            (self._model,),
        ).fetchone()
        seq, head = (row[0], row[1]) if row else (0, GENESIS)
        if (seq, head) != self._head(connection):
            raise broken(min(seq, self._head(connection)[0]) + 1)
        return seq, head

    def _fence(self, connection: sqlite3.Connection, token: int) -> None:
        newest, by, ends = self._lease(connection)
        if token != newest:
            raise LeaseHeldError(
                f"token {token} is old, the newest lease has token {newest}"
                + (f": '{by}' is in charge until {ends}" if by else ""),
                subject=f"lease on '{self._model}'",
                next_step="stop this controller: it has lost the lease",
            )

    def _lease(self, connection: sqlite3.Connection) -> tuple[int, str, str]:
        row = connection.execute(
            "SELECT token, holder, until FROM leases WHERE model = ?", (self._model,)
        ).fetchone()
        return (row[0], row[1], row[2]) if row else (0, "", "")

    def _write_lease(
        self, connection: sqlite3.Connection, token: int, holder: str, until: str
    ) -> None:
        connection.execute(
            "INSERT INTO leases VALUES (?, ?, ?, ?) ON CONFLICT (model) DO UPDATE"
            " SET token = excluded.token, holder = excluded.holder, until = excluded.until",
            (self._model, token, holder, until),
        )


def models_in(path: Path) -> list[str]:
    """Names of the models that have entries in the state file at ``path``, sorted."""
    database = Database(path)
    try:
        with database.reading() as connection:
            return [str(row[0]) for row in connection.execute("SELECT model FROM heads ORDER BY 1")]
    finally:
        database.close()


def _row(entry: Entry) -> tuple[Any, ...]:
    return (
        entry.seq,
        entry.at.astimezone(UTC).isoformat(),
        entry.model,
        str(entry.kind),
        entry.name,
        canonical(entry.body).decode(),
        entry.cause,
        entry.previous_hash,
        entry.hash,
    )


_BODY = msgspec.json.Decoder(dict[str, Any])


def _entry(row: tuple[Any, ...], expected: int) -> Entry:
    """The entry in ``row``; it must be in its place, and be what we would write again."""
    try:
        seq, at, model, kind, name, body, cause, previous_hash, hash_ = row
        entry = Entry(
            seq,
            datetime.fromisoformat(at),
            model,
            Kind(kind),
            name,
            _BODY.decode(body),
            cause,
            previous_hash,
            hash_,
        )
        intact = seq == expected and _row(entry) == row
    except (TypeError, ValueError, msgspec.MsgspecError) as error:
        raise broken(expected) from error
    if not intact:
        raise broken(expected)
    return entry
