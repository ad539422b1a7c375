"""One line of the ledger, and the hash chain that makes a changed line show.

The hash of an entry covers its own canonical JSON and the hash of the entry before it
(a hash chain after Haber & Stornetta 1991), so that no entry can be changed, removed or put
in between without breaking every hash after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import msgspec

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
    """An action or event, made ready to append.

    Raises msgspec.ValidationError when it could not be read back (a NaN where a number must
    stand, say): a line that nobody can read must not get into a record that nobody can mend.
    """
    body = to_builtins(value)
    from_builtins(body, type(value))
    return Draft(at, kind, type(value).__name__, body, cause)


_CLASSES: dict[str, type] = {**ACTIONS, **EVENTS}


def value_of(entry: Entry) -> Any:
    """The action or event that ``entry`` holds, rebuilt as its class.

    Raises LedgerBrokenError when there is no such class, or the body does not fit it.
    """
    kind = _CLASSES.get(entry.name)
    if kind is None:
        raise unreadable(entry.seq, f"'{entry.name}' is not an action or event that is known here")
    try:
        return from_builtins(entry.body, kind)
    except msgspec.ValidationError as error:
        raise unreadable(entry.seq, f"it does not hold a {entry.name}: {error}") from error


def unreadable(seq: int, problem: str) -> LedgerBrokenError:
    """The error for an entry that cannot be read or does not fit those before it."""
    return LedgerBrokenError(
        problem,
        subject=f"ledger entry {seq}",
        next_step="run `homeostat ledger verify`; it tells whether the entry was changed",
    )


def action_of(entry: Entry) -> Action:
    """The action of an intent; raises LedgerBrokenError when it holds none."""
    value = value_of(entry)
    if not isinstance(value, Action):
        raise unreadable(entry.seq, f"an intent holds a {entry.name}, which is not an action")
    return value


def chain(previous_hash: str, seq: int, model: str, new: Draft) -> Entry:
    """Give ``new`` its place after the entry with ``previous_hash``; its time in UTC."""
    assert new.at.tzinfo is not None, f"a time without a zone in {new.name}"
    at = new.at.astimezone(UTC)
    hashed = digest(canonical([
        previous_hash, seq, at, model, new.kind, new.name, new.body, new.cause,
    ]))  # fmt: skip
    return Entry(seq, at, model, new.kind, new.name, new.body, new.cause, previous_hash, hashed)


def verified(entries: Iterable[Entry], head: str = GENESIS, seq: int = 0) -> Iterator[Entry]:
    """Yield ``entries`` as long as the chain from ``head`` holds.

    Raises LedgerBrokenError naming the first entry that does not fit.
    """
    for entry in entries:
        seq += 1
        new = Draft(entry.at, entry.kind, entry.name, entry.body, entry.cause)
        holds = (
            entry.seq == seq
            and entry.previous_hash == head
            and entry.at.tzinfo is not None
            and isinstance(entry.cause, int | None)  # an infinity has the JSON, and hash, of None
            and entry.hash == chain(head, seq, entry.model, new).hash
        )
        if not holds:
            raise broken(seq)
        head = entry.hash
        yield entry


def broken(seq: int) -> LedgerBrokenError:
    """The error for the first entry at which the chain does not hold."""
    return LedgerBrokenError(
        "this entry was changed, removed or put in after it was written",
        subject=f"ledger entry {seq}",
        next_step=(
            "keep the state folder as it is, restore a backup beside it and compare; "
            "entries before this one are intact"
        ),
    )
