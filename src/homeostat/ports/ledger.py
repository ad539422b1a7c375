"""The append-only, hash-chained record of one model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Protocol

from homeostat.domain.entry import Draft, Entry


class Ledger(Protocol):
    """Entries of one model in order. What was appended is never changed or removed.

    Appends are atomic and durable before they return, one writer at a time across processes;
    a reader sees a prefix of the chain, never a gap. ``token`` is the fencing token of the
    lease under which a controller writes: an append with an older token than the newest lease
    raises LeaseHeldError and writes nothing. ``None`` is for people's orders, which need no lease.
    """

    def append(self, drafts: Sequence[Draft], *, token: int | None = None) -> tuple[Entry, ...]:
        """Append in one transaction; the entries in their places.

        Raises StateLockedError, StateCorruptError, DiskFullError, LeaseHeldError.
        """
        ...

    def read(self, after: int = 0) -> Iterator[Entry]:
        """Entries with ``seq`` greater than ``after``, in order."""
        ...

    def entry(self, seq: int) -> Entry:
        """One entry; KeyError when there is none."""
        ...

    def acquire(self, holder: str, until: datetime, now: datetime) -> int:
        """Take or renew the lease on the model; the fencing token.

        Raises LeaseHeldError, naming the holder, when another one's lease has not run out.
        """
        ...

    def release(self, holder: str) -> None:
        """Give the lease back, if ``holder`` has it."""
        ...
