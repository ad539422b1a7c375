"""The online store in a SQLite file: write-ahead log, one writer, readers that never wait."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterable
from pathlib import Path

from homeostat.adapters.local.sqlite_database import translated
from homeostat.ports.online_store import OnlineRow

_SCHEMA = """
CREATE TABLE IF NOT EXISTS rows (
    view TEXT NOT NULL, key TEXT NOT NULL, at INTEGER NOT NULL, number TEXT NOT NULL,
    "values" BLOB NOT NULL, PRIMARY KEY (view, key, at, number)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS progress (source TEXT PRIMARY KEY, told TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS newest (view TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
"""
_LATEST = """
SELECT key, at, number, "values" FROM rows WHERE view = ?1 AND key = ?2
AND at = (SELECT MAX(at) FROM rows WHERE view = ?1 AND key = ?2 AND at <= ?3)
"""
_BETWEEN = """
SELECT key, at, number, "values" FROM rows
WHERE view = ? AND key = ? AND at > ? AND at <= ? ORDER BY at, number
"""
_PRUNE = "DELETE FROM rows WHERE view = ?1 AND at < ?2"
_PRUNE_OLDER = """
DELETE FROM rows WHERE view = ?1 AND at < (
    SELECT MAX(at) FROM rows AS kept
    WHERE kept.view = rows.view AND kept.key = rows.key AND kept.at < ?2
)
"""
MMAP_BYTES = 1024 * 1024 * 1024


class SqliteOnlineStore:
    """Implements :class:`homeostat.ports.online_store.OnlineStore` in the file ``path``."""

    def __init__(self, path: Path, *, wait_s: float = 10.0) -> None:
        self._path = path
        self._wait_s = wait_s
        self._local = threading.local()
        path.parent.mkdir(parents=True, exist_ok=True)
        with translated(path):
            self._connection().executescript(_SCHEMA)

    def write(self, source: str, progress: str, rows: Iterable[tuple[str, OnlineRow]]) -> None:
        """Add rows and remember ``progress``, together."""
        made = [(view, row.key, row.at_us, row.number, row.values) for view, row in rows]
        newest: dict[str, int] = {}
        for view, _, at_us, _, _ in made:
            newest[view] = max(at_us, newest.get(view, at_us))
        with translated(self._path), self._connection() as open_:
            open_.execute("BEGIN IMMEDIATE")
            open_.executemany("INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?, ?)", made)
            open_.executemany(
                "INSERT INTO newest VALUES (?, ?) "
                "ON CONFLICT (view) DO UPDATE SET at = MAX(at, excluded.at)",
                newest.items(),
            )
            open_.execute("INSERT OR REPLACE INTO progress VALUES (?, ?)", (source, progress))

    def progress(self, source: str) -> str:
        """What was remembered last; empty at first."""
        with translated(self._path):
            found = self._connection().execute(
                "SELECT told FROM progress WHERE source = ?", (source,)
            )
            row = found.fetchone()
        return str(row[0]) if row else ""

    def clear(self, source: str, views: Iterable[str]) -> None:
        """Forget the rows of ``views`` and the progress of ``source``."""
        with translated(self._path), self._connection() as open_:
            open_.execute("BEGIN IMMEDIATE")
            for view in views:
                open_.execute("DELETE FROM rows WHERE view = ?", (view,))
                open_.execute("DELETE FROM newest WHERE view = ?", (view,))
            open_.execute("DELETE FROM progress WHERE source = ?", (source,))

    def latest(self, view: str, key: str, until_us: int) -> list[OnlineRow]:
        """Rows of the newest instant at or before ``until_us``."""
        with translated(self._path):
            found = self._connection().execute(_LATEST, (view, key, until_us)).fetchall()
        return [OnlineRow(*row) for row in found]

    def between(self, view: str, key: str, after_us: int, until_us: int) -> list[OnlineRow]:
        """Rows in (``after_us``, ``until_us``], oldest first."""
        with translated(self._path):
            found = self._connection().execute(_BETWEEN, (view, key, after_us, until_us))
            return [OnlineRow(*row) for row in found.fetchall()]

    def newest_us(self, view: str) -> int | None:
        """The newest known_at of any key."""
        with translated(self._path):
            found = self._connection().execute("SELECT at FROM newest WHERE view = ?", (view,))
            row = found.fetchone()
        return int(row[0]) if row else None

    def prune(self, view: str, before_us: int, *, keep_latest: bool) -> int:
        """Delete rows older than ``before_us``; how many."""
        statement = _PRUNE_OLDER if keep_latest else _PRUNE
        with translated(self._path), self._connection() as open_:
            open_.execute("BEGIN IMMEDIATE")
            return open_.execute(statement, (view, before_us)).rowcount

    def _connection(self) -> sqlite3.Connection:
        """This thread's connection; a forked child opens its own."""
        held = getattr(self._local, "held", None)
        if held is not None and held[0] == os.getpid():
            return held[1]  # type: ignore[no-any-return]
        made = sqlite3.connect(
            self._path, timeout=self._wait_s, isolation_level=None, cached_statements=256
        )
        made.execute("PRAGMA journal_mode = WAL")
        made.execute("PRAGMA synchronous = NORMAL")
        made.execute(f"PRAGMA mmap_size = {MMAP_BYTES}")
        self._local.held = (os.getpid(), made)
        return made
