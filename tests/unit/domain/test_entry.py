"""Lines of the ledger: what is written can be read, and what was changed shows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest

from homeostat.domain.action import ACTIONS
from homeostat.domain.codec import canonical, from_builtins, to_builtins
from homeostat.domain.entry import (
    GENESIS,
    Draft,
    Entry,
    Kind,
    action_of,
    chain,
    draft,
    value_of,
    verified,
)
from homeostat.domain.event import EVENTS, Done, Ended, Order
from homeostat.domain.evidence import Comparison
from homeostat.domain.rollout import Arm
from homeostat.errors import LedgerBrokenError
from tests.unit.domain import samples
from tests.unit.domain.samples import AT


def chained(*drafts):
    entries, head = [], GENESIS
    for seq, new in enumerate(drafts, start=1):
        entries.append(chain(head, seq, "m", new))
        head = entries[-1].hash
    return entries


def orders(count=5):
    return chained(*(draft(AT, Kind.ORDER, Order("retrain", "w", str(n))) for n in range(count)))


def test_the_samples_leave_nothing_out():
    assert {type(action).__name__ for action in samples.ACTIONS} == set(ACTIONS)
    assert {type(event).__name__ for event in samples.EVENTS} == set(EVENTS)


@pytest.mark.parametrize("value", samples.ACTIONS + samples.EVENTS, ids=lambda v: type(v).__name__)
def test_every_action_and_event_comes_back_equal(value):
    (entry,) = chained(draft(AT, Kind.FACT, value))
    assert value_of(entry) == value
    assert type(value_of(entry)) is type(value)
    assert canonical(value_of(entry)) == canonical(value)


@pytest.mark.parametrize("action", samples.ACTIONS, ids=lambda v: type(v).__name__)
def test_every_action_has_a_key_that_survives_the_ledger(action):
    (entry,) = chained(draft(AT, Kind.INTENT, action))
    assert action_of(entry).key == action.key
    assert ":" in action.key


def test_keys_tell_actions_apart():
    keys = [action.key for action in samples.ACTIONS]
    assert len(set(keys)) == len(keys)


def test_what_could_not_be_read_back_is_not_written():
    bad = samples.act.Route(routing=samples.Routing((Arm(1, "d", "p", float("nan")),)), reason="")
    with pytest.raises(msgspec.ValidationError):
        draft(AT, Kind.INTENT, bad)


def test_numbers_that_were_not_measured_are_left_out_of_a_candidate():
    made = samples.candidate(
        metrics={"auc": float("nan"), "brier": 0.2}, importances={"x": float("inf"), "y": 1.0}
    )
    assert made.metrics == {"brier": 0.2}
    assert made.importances == {"y": 1.0}
    (entry,) = chained(draft(AT, Kind.FACT, Ended("run-0001", made)))
    assert value_of(entry).candidate == made


def test_a_comparison_without_numbers_comes_back_as_none():
    nothing = Comparison("auc", "live", 0, float("nan"), None, float("nan"))
    assert from_builtins(to_builtins(nothing), Comparison).difference is None


def test_times_are_written_in_utc():
    tokyo = timezone(timedelta(hours=9))
    one = chain(GENESIS, 1, "m", Draft(AT, Kind.FACT, "Done", {}))
    other = chain(GENESIS, 1, "m", Draft(AT.astimezone(tokyo), Kind.FACT, "Done", {}))
    assert one == other
    assert other.at.tzinfo is UTC


def test_a_time_without_a_zone_is_a_broken_invariant():
    naive = datetime(2024, 1, 1)  # noqa: DTZ001
    with pytest.raises(AssertionError):
        chain(GENESIS, 1, "m", Draft(naive, Kind.FACT, "Done", {}))


def test_the_hash_of_an_entry_is_fixed_for_ever():
    """Whoever changes this breaks every ledger there is."""
    first = datetime(2013, 1, 1, tzinfo=UTC)
    entry = chain(GENESIS, 1, "m", Draft(first, Kind.ORDER, "Order", {"x": [1, 2.5, None]}, None))
    assert entry.hash == "5fbd2775b442b5a207afe9b67b91cae034a74056b425b347d9c5646788fedb6a"


def test_an_intact_chain_is_passed_on_unchanged():
    entries = orders()
    assert list(verified(entries)) == entries
    assert list(verified([])) == []
    assert list(verified(entries[2:], head=entries[1].hash, seq=2)) == entries[2:]


CHANGES = {
    "seq": 9,
    "at": AT + timedelta(microseconds=1),
    "model": "other",
    "kind": Kind.FACT,
    "name": "Done",
    "body": {"kind": "retrain"},
    "cause": 1,
    "previous_hash": "f" * 64,
    "hash": "f" * 64,
}


def test_the_changes_leave_no_field_out():
    assert set(CHANGES) == set(Entry.__dataclass_fields__)


@pytest.mark.parametrize("field", CHANGES)
@pytest.mark.parametrize("place", [0, 2, 4])
def test_a_change_in_any_field_names_the_entry(field, place):
    entries = orders()
    entries[place] = replace(entries[place], **{field: CHANGES[field]})
    with pytest.raises(LedgerBrokenError, match=f"entry {place + 1}:") as caught:
        list(verified(entries))
    assert caught.value.next_step


def test_a_naive_time_is_a_broken_entry_and_no_crash():
    entries = orders(1)
    entries[0] = replace(entries[0], at=AT.replace(tzinfo=None))
    with pytest.raises(LedgerBrokenError):
        list(verified(entries))


def test_entries_before_the_broken_one_are_passed_on():
    entries = orders()
    entries[3] = replace(entries[3], name="Done")
    seen = []
    with pytest.raises(LedgerBrokenError):
        seen.extend(verified(entries))
    assert seen == entries[:3]


def test_a_removed_entry_is_named():
    entries = orders()
    with pytest.raises(LedgerBrokenError, match="entry 3:"):
        list(verified([*entries[:2], *entries[3:]]))


def test_swapped_entries_are_named():
    entries = orders()
    entries[1], entries[2] = entries[2], entries[1]
    with pytest.raises(LedgerBrokenError, match="entry 2:"):
        list(verified(entries))


def test_an_entry_put_in_between_is_named_even_if_it_is_chained_well():
    entries = orders()
    forged = chain(entries[1].hash, 3, "m", draft(AT, Kind.ORDER, Order("rollback", "x", "y")))
    moved = [replace(entry, seq=entry.seq + 1) for entry in entries[2:]]
    with pytest.raises(LedgerBrokenError, match="entry 4:"):
        list(verified([*entries[:2], forged, *moved]))


@pytest.mark.parametrize(
    ("name", "body"),
    [("Nonsense", {}), ("Order", {}), ("Order", {"kind": 1, "who": "", "why": ""}), ("Route", [])],
)
def test_an_entry_that_cannot_be_understood_is_named(name, body):
    entry = Entry(7, AT, "m", Kind.INTENT, name, body, None, GENESIS, GENESIS)
    with pytest.raises(LedgerBrokenError, match="entry 7:"):
        value_of(entry)


def test_an_intent_that_is_no_action_is_named():
    (entry,) = chained(draft(AT, Kind.INTENT, Done()))
    with pytest.raises(LedgerBrokenError, match="entry 1:"):
        action_of(entry)
