"""One SQLite file as Homeostat's state: opening, waiting, migrating, and typed errors.

Write-ahead log, one writer at a time (``BEGIN IMMEDIATE``), readers never wait. Each thread
gets its own connection; a forked child opens new ones.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from homeostat.adapters.local import sqlite_schema
from homeostat.errors import (
    DiskFullError,
    StateCorruptError,
    StateError,
    StateLockedError,
    StateVersionError,
)

Synchronous = Literal["FULL", "NORMAL"]
_RETRY_S = 0.02


class _Connection(sqlite3.Connection):
    """A connection that can be forgotten when its thread ends."""

    __slots__ = ("__weakref__",)


class Database:
    """The state file at ``path``; made, or brought to the newest schema, when it is opened.

    ``synchronous`` says what a commit outlives: with ``FULL`` also a power cut (one fsync per
    commit), with ``NORMAL`` the death of this process but perhaps not a power cut, which may
    then take the last commits, whole, and nothing else. ``wait_s`` is how long to wait for
    another writer. Raises StateVersionError for a newer schema, StateCorruptError,
    StateLockedError, DiskFullError, and StateError when the file cannot be opened at all.
    """

    def __init__(
        self, path: Path, *, synchronous: Synchronous = "FULL", wait_s: float = 10.0
    ) -> None:
        self.path = path
        self._synchronous = synchronous
        self._wait_s = wait_s
        self._local = threading.local()
        self._guard = threading.Lock()
        self._opened: weakref.WeakSet[sqlite3.Connection] = weakref.WeakSet()
        self._pid = os.getpid()
        with translated(path):
            connection = self._connection()
            self._migrate(connection)
        self._inode = path.stat().st_ino

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection to read from, outside a transaction."""
        with translated(self.path):
            yield self._connection()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A connection inside the one write transaction; all of it is kept, or nothing."""
        with translated(self.path):
            connection = self._connection()
            self._same_file()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def check(self) -> None:
        """Read the whole file; StateCorruptError with what SQLite found wrong in it."""
        with self.reading() as connection:
            found = [str(row[0]) for row in connection.execute("PRAGMA quick_check(5)")]
        if found != ["ok"]:
            raise _corrupt(self.path, "; ".join(found))

    def close(self) -> None:
        """Close all connections; the file can be moved or copied afterwards."""
        with self._guard:
            for connection in tuple(self._opened):
                with suppress(sqlite3.Error):
                    connection.close()
            self._opened.clear()
        self._local = threading.local()

    def _connection(self) -> sqlite3.Connection:
        if self._pid != os.getpid():  # a fork must not use, nor close, its parent's connections
            self._local, self._opened = threading.local(), weakref.WeakSet()
            self._pid = os.getpid()
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if found is None:
            found = self._local.connection = self._open()
            with self._guard:
                self._opened.add(found)
        return found

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path,
            timeout=self._wait_s,
            isolation_level=None,
            check_same_thread=False,
            factory=_Connection,
        )
        try:
            self._turn_on_wal(connection)
            connection.execute(f"PRAGMA synchronous = {self._synchronous}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _turn_on_wal(self, connection: sqlite3.Connection) -> None:
        """SQLite does not wait for others by itself when it changes the journal's mode."""
        for _ in range(max(1, round(self._wait_s / _RETRY_S))):
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if _primary(error) != sqlite3.SQLITE_BUSY:
                    raise
                time.sleep(_RETRY_S)
        connection.execute("PRAGMA journal_mode = WAL")

    def _migrate(self, connection: sqlite3.Connection) -> None:
        newest = len(sqlite_schema.MIGRATIONS)
        if self._version(connection) == newest:
            return
        connection.execute("BEGIN IMMEDIATE")
        try:
            for number in range(self._version(connection), newest):
                for statement in sqlite_schema.MIGRATIONS[number]:
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {number + 1}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _version(self, connection: sqlite3.Connection) -> int:
        """The file's schema version; raises when it is newer than ours, or not ours at all."""
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        owner = int(connection.execute("PRAGMA application_id").fetchone()[0])
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if owner != sqlite_schema.APPLICATION_ID and (version or tables):
            raise _corrupt(self.path, "it is a database of another program")
        if version > len(sqlite_schema.MIGRATIONS):
            raise StateVersionError(
                f"it has schema version {version}, this Homeostat knows up to "
                f"{len(sqlite_schema.MIGRATIONS)}",
                subject=str(self.path),
                next_step="install the Homeostat that wrote it, or a newer one",
            )
        return version

    def _same_file(self) -> None:
        """Writes to a file that was removed would be lost in silence."""
        try:
            same = self.path.stat().st_ino == self._inode
        except FileNotFoundError:
            same = False
        if not same:
            raise _corrupt(self.path, "it was removed or replaced while it was open")


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn SQLite's errors about ``path`` into ours."""
    try:
        yield
    except sqlite3.Error as error:
        raise _translate(error, path) from error


def _primary(error: sqlite3.Error) -> int | None:
    code = getattr(error, "sqlite_errorcode", None)
    return code & 0xFF if code is not None else None


def _translate(error: sqlite3.Error, path: Path) -> StateError:
    code = _primary(error)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StateLockedError(
            "another process is writing to it and did not finish in time",
            subject=str(path),
            next_step="try again; if it stays so, look for a process that hangs: `fuser` names it",
        )
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return _corrupt(path, str(error))
    if code == sqlite3.SQLITE_FULL or (
        getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_IOERR_WRITE
    ):
        return DiskFullError(
            f"there is no room to write ({error}); nothing was written",
            subject=str(path),
            next_step="free some space, or raise the quota, and try again",
        )
    return StateError(
        f"it cannot be used: {error}",
        subject=str(path),
        next_step="look at the disk, and at who may read and write this file and its folder",
    )


def _corrupt(path: Path, problem: str) -> StateCorruptError:
    return StateCorruptError(
        problem,
        subject=str(path),
        next_step=(
            "stop the controller, keep the file as it is, and put a backup in its place; "
            "the gateway goes on serving"
        ),
    )
