"""One line of the ledger, and the hash chain that makes a changed line show.

The hash of an entry covers its own canonical JSON and the hash of the entry before it
(a hash chain after Haber & Stornetta 1991), so that no entry can be changed, removed or put
in between without breaking every hash after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from homeostat.domain.action import ACTIONS, Action
from homeostat.domain.codec import canonical, digest, from_builtins, to_builtins
from homeostat.domain.event import EVENTS
from homeostat.errors import LedgerBrokenError

GENESIS = "0" * 64
"""The hash before the first entry."""


class Kind(StrEnum):
    """What an entry is: a decision to act, what came of it, a fact, or a person's order."""

    INTENT = "intent"
    OUTCOME = "outcome"
    FACT = "fact"
    ORDER = "order"


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry before the ledger gives it its place in the chain."""

    at: datetime
    kind: Kind
    name: str
    body: dict[str, Any]
    cause: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry in its place. ``body`` is the action or event as JSON values."""

    seq: int
    at: datetime
    model: str
    kind: Kind
    name: str
    body: dict[str, Any]
    cause: int | None
    previous_hash: str
    hash: str


def draft(at: datetime, kind: Kind, value: Any, cause: int | None = None) -> Draft:
    """An action or event, made ready to append."""
    return Draft(at, kind, type(value).__name__, to_builtins(value), cause)


def value_of(entry: Entry) -> Any:
    """The action or event that ``entry`` holds, rebuilt as its class."""
    kinds: dict[str, type] = {**ACTIONS, **EVENTS}
    return from_builtins(entry.body, kinds[entry.name])


def action_of(entry: Entry) -> Action:
    """The action of an intent."""
    value = value_of(entry)
    assert isinstance(value, Action), entry
    return value


def chain(previous_hash: str, seq: int, model: str, new: Draft) -> Entry:
    """Give ``new`` its place after the entry with ``previous_hash``."""
    hashed = digest(canonical([
        previous_hash, seq, new.at, model, new.kind, new.name, new.body, new.cause,
    ]))  # fmt: skip
    return Entry(seq, new.at, model, new.kind, new.name, new.body, new.cause, previous_hash, hashed)


def verified(entries: Iterable[Entry], head: str = GENESIS, seq: int = 0) -> Iterator[Entry]:
    """Yield ``entries`` as long as the chain from ``head`` holds.

    Raises LedgerBrokenError naming the first entry that does not fit.
    """
    for entry in entries:
        seq += 1
        remade = chain(
            head, seq, entry.model, Draft(entry.at, entry.kind, entry.name, entry.body, entry.cause)
        )
        if entry.seq != seq or remade.hash != entry.hash or entry.previous_hash != head:
            raise LedgerBrokenError(
                "this entry was changed, removed or put in after it was written",
                subject=f"ledger entry {seq}",
                next_step=(
                    "keep the state folder as it is, restore a backup beside it and compare; "
                    "entries before this one are intact"
                ),
            )
        head = entry.hash
        yield entry
