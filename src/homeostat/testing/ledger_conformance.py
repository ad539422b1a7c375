"""What every ledger must do: subclass, and give the fixture ``open_ledger``."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from homeostat.domain.entry import GENESIS, Draft, Entry, Kind, draft, value_of, verified
from homeostat.domain.event import Declared, Order
from homeostat.errors import LeaseHeldError
from homeostat.ports.ledger import Ledger

AT = datetime(2024, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
OpenLedger = Callable[[str], Ledger]


def note(text: str, at: datetime = AT, cause: int | None = None) -> Draft:
    """A small entry with ``text`` in it."""
    return draft(at, Kind.ORDER, Order("retrain", "tests", text), cause)


class LedgerConformance:
    """The contract of ports.ledger as tests.

    ``open_ledger(model)`` opens the ledger of a model in one state; called again it opens the
    same state again, as another process would (or gives the same object).
    """

    @pytest.fixture
    def open_ledger(self) -> OpenLedger:
        """Opens the ledger of a model."""
        raise NotImplementedError("give the fixture open_ledger")

    @pytest.fixture
    def ledger(self, open_ledger: OpenLedger) -> Ledger:
        """The ledger of one model, empty."""
        return open_ledger("one")

    # -- appending and reading ----------------------------------------------------------

    def test_an_empty_ledger_has_no_entries(self, ledger: Ledger) -> None:
        """Nothing is there before the first append."""
        assert list(ledger.read()) == []
        with pytest.raises(KeyError):
            ledger.entry(1)

    def test_entries_are_numbered_from_one_and_chained(self, ledger: Ledger) -> None:
        """Places and hashes go on from append to append."""
        first, second = ledger.append([note("a"), note("b", cause=1)])
        (third,) = ledger.append([note("c")])
        assert [entry.seq for entry in (first, second, third)] == [1, 2, 3]
        assert first.previous_hash == GENESIS
        assert second.previous_hash == first.hash
        assert third.previous_hash == second.hash
        assert list(verified(ledger.read())) == [first, second, third]

    def test_what_was_appended_is_read_back_equal(
        self, ledger: Ledger, open_ledger: OpenLedger
    ) -> None:
        """Also by whoever opens the state again."""
        written = ledger.append(
            [note("ä\u2028😀\x00'\""), draft(AT, Kind.FACT, Declared("m", "o", "d"))]
        )
        assert tuple(ledger.read()) == written
        assert tuple(open_ledger("one").read()) == written
        assert [value_of(entry) for entry in ledger.read()] == [value_of(e) for e in written]

    def test_times_come_back_to_the_microsecond_in_utc(self, ledger: Ledger) -> None:
        """Whatever zone they were given in."""
        tokyo = timezone(timedelta(hours=9))
        moments = [
            AT,
            AT.replace(microsecond=0),
            AT.astimezone(tokyo),
            datetime(1, 1, 1, tzinfo=UTC),
        ]
        ledger.append([note(str(number), at) for number, at in enumerate(moments)])
        read = [entry.at for entry in ledger.read()]
        assert read == moments
        assert {at.utcoffset() for at in read} == {timedelta(0)}

    @pytest.mark.parametrize(
        "value",
        [0, -1, 2**63, 10**30, 0.1 + 0.2, 1e16, 1e-7, -0.0, 5e-324, 1.7976931348623157e308, 1.0,
         True, None, "", "\x7f\u0000\\/\"", [], {}, [[{}]], {"a": None, "ä": {"b": [1, 2.0]}}],
    )  # fmt: skip
    def test_any_json_value_keeps_its_hash(self, ledger: Ledger, value: Any) -> None:
        """Numbers above all: 1 is not 1.0, and no digit is lost."""
        ledger.append([Draft(AT, Kind.FACT, "Declared", {"value": value})])
        (entry,) = verified(ledger.read())
        assert repr(entry.body) == repr({"value": value})

    def test_reading_begins_after_a_place(self, ledger: Ledger) -> None:
        """``after`` is the last entry that the reader knows."""
        ledger.append([note(str(number)) for number in range(5)])
        assert [entry.seq for entry in ledger.read(after=3)] == [4, 5]
        assert list(ledger.read(after=5)) == []
        assert list(ledger.read(after=99)) == []
        assert ledger.entry(4).seq == 4
        for none in (0, -1, 6):
            with pytest.raises(KeyError):
                ledger.entry(none)

    def test_a_long_ledger_is_read_whole_and_in_order(self, ledger: Ledger) -> None:
        """More entries than fit any page."""
        for batch in range(5):
            ledger.append([note(f"{batch}.{number}") for number in range(500)])
        assert [entry.seq for entry in verified(ledger.read())] == list(range(1, 2501))

    def test_the_reader_may_append_while_reading(self, ledger: Ledger) -> None:
        """A reader does not lock the writer out, even if they are the same."""
        ledger.append([note(str(number)) for number in range(10)])
        seen = []
        for entry in ledger.read():
            seen.append(entry.seq)
            if entry.seq <= 10:
                ledger.append([note(f"because of {entry.seq}", cause=entry.seq)])
        assert seen == list(range(1, len(seen) + 1))
        assert len(list(ledger.read())) == 20

    def test_appending_nothing_changes_nothing(self, ledger: Ledger) -> None:
        """An empty batch is no entry."""
        assert ledger.append([]) == ()
        assert list(ledger.read()) == []

    def test_a_batch_is_written_whole_or_not_at_all(self, ledger: Ledger) -> None:
        """A draft that cannot be written takes the whole batch with it."""
        ledger.append([note("before")])
        bad = Draft(AT, Kind.FACT, "Declared", {"value": object()})
        with pytest.raises(TypeError):
            ledger.append([note("good"), bad])
        assert [entry.seq for entry in ledger.read()] == [1]
        ledger.append([note("after")])
        assert [entry.seq for entry in verified(ledger.read())] == [1, 2]

    def test_models_do_not_see_each_other(self, open_ledger: OpenLedger) -> None:
        """Each has its own chain and its own lease in one state."""
        one, two = open_ledger("one"), open_ledger("two")
        one.append([note("of one")])
        two.append([note("of two"), note("again")])
        assert [entry.model for entry in one.read()] == ["one"]
        assert [entry.seq for entry in verified(two.read())] == [1, 2]
        one.acquire("a", AT + MINUTE, AT)
        two.acquire("b", AT + MINUTE, AT)

    def test_many_threads_leave_one_chain(self, open_ledger: OpenLedger) -> None:
        """No entry is lost, doubled or out of place."""
        ledgers = [open_ledger("one") for _ in range(4)]

        def write(ledger: Ledger, name: int) -> None:
            for number in range(10):
                ledger.append([note(f"{name}.{number}")])

        threads = [
            threading.Thread(target=write, args=(ledger, name))
            for name, ledger in enumerate(ledgers)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        entries = list(verified(open_ledger("one").read()))
        assert len(entries) == 40
        for name in range(4):
            mine = [entry for entry in entries if _why(entry).startswith(f"{name}.")]
            assert [_why(entry) for entry in mine] == [f"{name}.{number}" for number in range(10)]

    # -- the lease ----------------------------------------------------------------------

    def test_one_holder_at_a_time(self, open_ledger: OpenLedger) -> None:
        """The error names the holder, and when the lease ends."""
        until = AT + MINUTE
        open_ledger("one").acquire("first", until, AT)
        with pytest.raises(LeaseHeldError) as caught:
            open_ledger("one").acquire("second", until, AT)
        assert "first" in str(caught.value)
        assert until.isoformat() in str(caught.value)
        assert caught.value.next_step

    def test_renewing_keeps_the_token(self, ledger: Ledger) -> None:
        """The holder goes on under the same token, for longer."""
        token = ledger.acquire("first", AT + MINUTE, AT)
        assert ledger.acquire("first", AT + 3 * MINUTE, AT + MINUTE / 2) == token
        with pytest.raises(LeaseHeldError):
            ledger.acquire("second", AT + 9 * MINUTE, AT + 2 * MINUTE)

    def test_a_lease_that_has_run_out_can_be_taken(self, ledger: Ledger) -> None:
        """At its very end it is over; the new token is greater."""
        token = ledger.acquire("first", AT + MINUTE, AT)
        assert ledger.acquire("second", AT + 2 * MINUTE, AT + MINUTE) > token

    def test_a_late_holder_is_fenced_off(self, ledger: Ledger) -> None:
        """It may think that it holds the lease, but it writes nothing."""
        old = ledger.acquire("first", AT + MINUTE, AT)
        new = ledger.acquire("second", AT + 3 * MINUTE, AT + 2 * MINUTE)
        with pytest.raises(LeaseHeldError) as caught:
            ledger.append([note("too late")], token=old)
        assert "second" in str(caught.value)
        assert list(ledger.read()) == []
        ledger.append([note("in charge")], token=new)
        assert len(list(ledger.read())) == 1

    def test_a_token_that_was_never_given_out_is_refused(self, ledger: Ledger) -> None:
        """As after a restored backup: the state does not know of the lease."""
        with pytest.raises(LeaseHeldError):
            ledger.append([note("x")], token=99)
        assert list(ledger.read()) == []

    def test_orders_need_no_lease(self, ledger: Ledger) -> None:
        """People may write whoever is in charge."""
        ledger.acquire("first", AT + MINUTE, AT)
        ledger.append([note("from a person")])
        assert len(list(ledger.read())) == 1

    def test_giving_back_lets_others_in_at_once(self, ledger: Ledger) -> None:
        """And the token that was given back is old."""
        old = ledger.acquire("first", AT + MINUTE, AT)
        ledger.release("second")
        with pytest.raises(LeaseHeldError):
            ledger.acquire("second", AT + MINUTE, AT)
        ledger.release("first")
        with pytest.raises(LeaseHeldError):
            ledger.append([note("given back")], token=old)
        assert ledger.acquire("second", AT + MINUTE, AT) > old

    def test_taking_it_back_later_gives_a_new_token(self, ledger: Ledger) -> None:
        """What the holder began under its first lease stays fenced off."""
        first = ledger.acquire("first", AT + MINUTE, AT)
        ledger.acquire("second", AT + 3 * MINUTE, AT + 2 * MINUTE)
        again = ledger.acquire("first", AT + 9 * MINUTE, AT + 4 * MINUTE)
        assert again > first
        with pytest.raises(LeaseHeldError):
            ledger.append([note("x")], token=first)

    def test_giving_back_what_nobody_holds_is_no_error(self, ledger: Ledger) -> None:
        """Releasing is safe to repeat."""
        ledger.release("nobody")
        ledger.acquire("first", AT + MINUTE, AT)
        ledger.release("first")
        ledger.release("first")


def _why(entry: Entry) -> str:
    order = value_of(entry)
    assert isinstance(order, Order), entry
    return order.why
