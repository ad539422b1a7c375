"""Which step results exist, in a SQLite file."""

from __future__ import annotations

from pathlib import Path

from homeostat.adapters.local.sqlite_database import Database


class SqliteStepCache:
    """Maps a step's key to the digest of its result; see ports.step_cache for the contract.

    A power cut may take the last results, which are then computed again: no fsync per step.
    """

    def __init__(self, path: Path, *, wait_s: float = 10.0) -> None:
        self._database = Database(path, synchronous="NORMAL", wait_s=wait_s)

    def get(self, key: str) -> str | None:
        """Digest of the result under ``key``, or None."""
        with self._database.reading() as connection:
            row = connection.execute("SELECT digest FROM steps WHERE key = ?", (key,)).fetchone()
        return str(row[0]) if row else None

    def put(self, key: str, digest: str) -> str:
        """Record a result; the digest that now stands under ``key``."""
        with self._database.writing() as connection:
            connection.execute(
                "INSERT INTO steps VALUES (?, ?) ON CONFLICT (key) DO NOTHING", (key, digest)
            )
            row = connection.execute("SELECT digest FROM steps WHERE key = ?", (key,)).fetchone()
        return str(row[0])

    def close(self) -> None:
        """Close the file."""
        self._database.close()
