"""Any change to any stored entry shows, and the entry is named."""

from __future__ import annotations

import math
import sqlite3
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from homeostat.adapters.local.sqlite_ledger import SqliteLedger
from homeostat.domain.codec import canonical
from homeostat.domain.entry import Draft, Kind, chain, draft, verified
from homeostat.domain.event import Failed, Order
from homeostat.errors import LedgerBrokenError
from tests.unit.domain import samples

AT = datetime(2024, 3, 1, 9, 30, tzinfo=UTC)
COUNT = 12
TEXTS = ("at", "model", "kind", "name", "body", "previous_hash", "hash")
QUOTED = ", ".join(f"quote({column})" for column in (*TEXTS, "seq", "cause"))
EXACTLY = f"SELECT {QUOTED} FROM entries ORDER BY seq"
FEW = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def write(path):
    """A ledger with entries of every kind; one value in it has each spelling of a number."""
    values = [*samples.ACTIONS[:4], *samples.EVENTS[:4]]
    drafts = [draft(AT, Kind.FACT, value) for value in values]
    numbers = {
        "numbers": [1, 1.0, 1e16, 1e-7, -0.0, 0.1],
        "text": 'é \x1f \u2028 \\ " 😀',
        "none": None,
    }
    drafts.append(Draft(AT + timedelta(microseconds=7), Kind.FACT, "Declared", numbers))
    drafts.append(draft(AT, Kind.OUTCOME, Failed("H201", "down"), cause=1))
    drafts += [draft(AT, Kind.ORDER, Order("retrain", "who", f"why {n}")) for n in range(2)]
    ledger = SqliteLedger(path, "m", synchronous="NORMAL")
    ledger.append(drafts)
    ledger.close()
    assert len(drafts) == COUNT


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    path = tmp_path_factory.mktemp("ledger") / "state.db"
    write(path)
    return path.read_bytes()


@pytest.fixture
def tampered(original, tmp_path):
    """Opens a fresh copy of the ledger for writing, with the triggers dropped."""

    @contextmanager
    def opened():
        path = tmp_path / "state.db"
        for file in tmp_path.iterdir():
            file.unlink()
        path.write_bytes(original)
        with closing(sqlite3.connect(path)) as connection, connection:
            for (name,) in connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            ).fetchall():
                connection.execute(f"DROP TRIGGER {name}")
            yield connection
        opened.path = path

    return opened


def broken_at(opened):
    """The entry that verification names; None when it finds nothing."""
    ledger = SqliteLedger(opened.path, "m")
    try:
        list(verified(ledger.read()))
    except LedgerBrokenError as error:
        return int(error.subject.removeprefix("ledger entry "))
    finally:
        ledger.close()
    return None


def test_an_untouched_copy_verifies(tampered):
    with tampered():
        pass
    assert broken_at(tampered) is None


@FEW
@given(
    seq=st.integers(1, COUNT),
    column=st.sampled_from(TEXTS),
    place=st.integers(0, 10_000),
    byte=st.integers(0, 255),
)
def test_one_changed_byte_of_any_text_names_the_entry(tampered, seq, column, place, byte):
    with tampered() as connection:
        content = bytearray(
            connection.execute(
                f"SELECT CAST({column} AS BLOB) FROM entries WHERE seq = ?", (seq,)
            ).fetchone()[0]
        )
        place %= len(content)
        assume(content[place] != byte)
        content[place] = byte
        connection.execute(
            f"UPDATE entries SET {column} = CAST(? AS TEXT) WHERE seq = ?", (bytes(content), seq)
        )
    assert broken_at(tampered) == seq


@FEW
@example(seq=1, column="cause", value=math.inf)
@given(
    seq=st.integers(1, COUNT),
    column=st.sampled_from([*TEXTS, "seq", "cause"]),
    value=st.none() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text() | st.binary(),
)
def test_any_other_value_in_any_column_names_the_entry(tampered, seq, column, value):
    with tampered() as connection:
        before = connection.execute(EXACTLY).fetchall()
        try:
            connection.execute(f"UPDATE entries SET {column} = ? WHERE seq = ?", (value, seq))
        except (sqlite3.IntegrityError, UnicodeEncodeError):  # a place that is taken, a null
            assume(False)
        assume(connection.execute(EXACTLY).fetchall() != before)
    named = broken_at(tampered)
    if column == "seq" and isinstance(value, float) and 0 < value < seq:
        assert named == math.ceil(value)  # it lies there now, before the entry of that number
    else:
        assert named == seq


@FEW
@given(gone=st.sets(st.integers(1, COUNT), min_size=1))
def test_removed_entries_are_named_also_at_the_end(tampered, gone):
    with tampered() as connection:
        connection.executemany("DELETE FROM entries WHERE seq = ?", [(seq,) for seq in gone])
    assert broken_at(tampered) == min(gone)


@FEW
@given(pair=st.sets(st.integers(1, COUNT), min_size=2, max_size=2))
def test_swapped_entries_are_named(tampered, pair):
    one, two = sorted(pair)
    with tampered() as connection:
        for old, new in ((one, 0), (two, one), (0, two)):
            connection.execute("UPDATE entries SET seq = ? WHERE seq = ?", (new, old))
    assert broken_at(tampered) == one


@FEW
@given(place=st.integers(1, COUNT), copied=st.integers(1, COUNT))
def test_an_entry_put_in_between_is_named(tampered, place, copied):
    with tampered() as connection:
        columns = "model, at, kind, name, body, cause, previous_hash, hash"
        row = connection.execute(
            f"SELECT {columns} FROM entries WHERE seq = ?", (copied,)
        ).fetchone()
        for seq in range(COUNT, place - 1, -1):
            connection.execute("UPDATE entries SET seq = ? WHERE seq = ?", (seq + 1, seq))
        connection.execute(
            f"INSERT INTO entries (seq, {columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (place, *row),
        )
    assert broken_at(tampered) in {place, place + 1}
    assert broken_at(tampered) == place or copied == place


def test_an_entry_put_at_the_end_past_us_is_named(tampered):
    with tampered() as connection:
        head = connection.execute("SELECT hash FROM entries WHERE seq = ?", (COUNT,)).fetchone()[0]
        new = chain(head, COUNT + 1, "m", draft(AT, Kind.ORDER, Order("promote", "x", "y", 1)))
        connection.execute(
            "INSERT INTO entries SELECT model, ?, at, kind, name, ?, NULL, ?, ?"
            " FROM entries WHERE seq = ?",
            (new.seq, canonical(new.body).decode(), head, new.hash, COUNT),
        )
    assert broken_at(tampered) == COUNT + 1


def test_a_chain_that_was_made_anew_after_a_change_is_named(tampered):
    with tampered() as connection:
        head = connection.execute("SELECT hash FROM entries WHERE seq = ?", (COUNT - 1,)).fetchone()
        new = chain(head[0], COUNT, "m", draft(AT, Kind.ORDER, Order("promote", "x", "y", 1)))
        connection.execute(
            "UPDATE entries SET body = ?, hash = ? WHERE seq = ?",
            (canonical(new.body).decode(), new.hash, COUNT),
        )
    assert broken_at(tampered) == COUNT


@FEW
@given(spelling=st.sampled_from([
    ("1e16", "1E16"), ("1e16", "10000000000000000.0"), ("-0.0", "-0e0"), ('"cause"', '"cause" '),
    ("0.1", "0.10"), ("\\u001f", "\\u001F"), ("é", "\\u00e9"), ('":', '": '), ("1.0", "1.00"),
    ('{"none":null,', '{"none":1,"none":null,'), ("null", "NaN"),
]))  # fmt: skip
def test_another_spelling_of_the_same_value_is_a_change_too(tampered, spelling):
    written, other = spelling
    with tampered() as connection:
        connection.execute(
            "UPDATE entries SET body = replace(body, ?, ?) WHERE seq = 9", (written, other)
        )
        changed = connection.execute(
            "SELECT count(*) FROM entries WHERE seq = 9 AND instr(body, ?)", (other,)
        ).fetchone()[0]
    assume(changed and other != written)
    assert broken_at(tampered) == 9


@pytest.mark.parametrize(
    "at",
    ["2024-03-01T09:30:00Z", "2024-03-01 09:30:00+00:00", "2024-03-01T11:30:00+02:00",
     "2024-03-01T09:30:00", "2024-03-01T09:30:00.000000+00:00", "never", ""],
)  # fmt: skip
def test_another_spelling_of_the_same_time_is_a_change_too(tampered, at):
    with tampered() as connection:
        connection.execute("UPDATE entries SET at = ? WHERE seq = 3", (at,))
    assert broken_at(tampered) == 3
