"""The tables of ``state.db``, one migration per schema version. A migration never changes.

One file holds the ledgers, heads and leases of several models, and one step cache. Ledger rows
can only be put at the end of their chain: triggers refuse to change or remove one, and to put
one anywhere else. Whoever drops the triggers is found out by the hash chain, and whoever cuts
off its end by ``heads``, which is written in the same transaction as the entry.
"""

from __future__ import annotations

APPLICATION_ID = 0x484D5354
"""``HMST``: tells a state file from any other SQLite database."""

_FIRST = (
    f"PRAGMA application_id = {APPLICATION_ID}",
    """
    CREATE TABLE entries (
        model TEXT NOT NULL,
        seq INTEGER NOT NULL,
        at TEXT NOT NULL,
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        body TEXT NOT NULL,
        cause INTEGER,
        previous_hash TEXT NOT NULL,
        hash TEXT NOT NULL,
        PRIMARY KEY (model, seq)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE heads (
        model TEXT PRIMARY KEY, seq INTEGER NOT NULL, hash TEXT NOT NULL
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE leases (
        model TEXT PRIMARY KEY, token INTEGER NOT NULL, holder TEXT NOT NULL, until TEXT NOT NULL
    ) WITHOUT ROWID
    """,
    "CREATE TABLE steps (key TEXT PRIMARY KEY, digest TEXT NOT NULL) WITHOUT ROWID",
    """
    CREATE TRIGGER entries_stay_as_they_are BEFORE UPDATE ON entries
    BEGIN SELECT RAISE(ABORT, 'a ledger entry is never changed'); END
    """,
    """
    CREATE TRIGGER entries_stay BEFORE DELETE ON entries
    BEGIN SELECT RAISE(ABORT, 'a ledger entry is never removed'); END
    """,
    """
    CREATE TRIGGER entries_follow BEFORE INSERT ON entries
    WHEN NEW.seq IS NOT 1 + coalesce((SELECT max(seq) FROM entries WHERE model = NEW.model), 0)
    BEGIN SELECT RAISE(ABORT, 'a ledger entry is put at the end only'); END
    """,
)

MIGRATIONS: tuple[tuple[str, ...], ...] = (_FIRST,)
"""Statements that lead from schema version N to N + 1, in order; version 0 is an empty file."""
