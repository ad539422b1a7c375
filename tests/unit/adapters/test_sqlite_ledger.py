"""The ledger and the lease in a SQLite file."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from homeostat.adapters.local.sqlite_ledger import SqliteLedger, models_in
from homeostat.domain.entry import Kind, draft, verified
from homeostat.domain.event import Order
from homeostat.errors import (
    DiskFullError,
    LeaseHeldError,
    LedgerBrokenError,
    StateCorruptError,
    StateError,
    StateLockedError,
)
from homeostat.testing.ledger_conformance import LedgerConformance
from tests.unit.adapters.state_faults import python, small_disk, small_files

AT = datetime(2024, 3, 1, 12, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class TestSqliteLedger(LedgerConformance):
    @pytest.fixture
    def open_ledger(self, tmp_path):
        return lambda model: SqliteLedger(tmp_path / "state.db", model)


class TestSqliteLedgerWithoutFsync(LedgerConformance):
    @pytest.fixture
    def open_ledger(self, tmp_path):
        return lambda model: SqliteLedger(tmp_path / "state.db", model, synchronous="NORMAL")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state.db"


def note(why: str = "because"):
    return draft(AT, Kind.ORDER, Order("retrain", "tests", why))


def test_importing_it_stays_light():
    code = (
        "import sys, homeostat.adapters.local.sqlite_ledger as _;"
        "print(*({'polars', 'pydantic', 'numpy', 'pandas', 'pyarrow'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == ""


def test_the_models_of_a_state_are_those_with_entries(path):
    SqliteLedger(path, "silent").acquire("me", AT + MINUTE, AT)
    assert models_in(path) == []
    for model in ("b", "a"):
        SqliteLedger(path, model).append([note()])
    assert models_in(path) == ["a", "b"]


# -- the file itself forbids what must not happen -------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET name = 'Done' WHERE seq = 1",
        "DELETE FROM entries WHERE seq = 2",
        "DELETE FROM entries",
        "INSERT INTO entries SELECT model, 9, at, kind, name, body, cause, previous_hash, hash"
        " FROM entries WHERE seq = 1",
        "INSERT INTO entries SELECT model, 0, at, kind, name, body, cause, previous_hash, hash"
        " FROM entries WHERE seq = 1",
        "INSERT OR REPLACE INTO entries SELECT model, 1, at, kind, 'Done', body, cause,"
        " previous_hash, hash FROM entries WHERE seq = 1",
    ],
)
def test_the_file_forbids_to_change_remove_or_squeeze_in_entries(path, statement):
    ledger = SqliteLedger(path, "m")
    written = ledger.append([note("a"), note("b")])
    with sqlite3.connect(path) as connection, pytest.raises(sqlite3.IntegrityError):
        connection.execute(statement)
    assert tuple(ledger.read()) == written


def test_a_cut_off_end_is_named_and_nothing_is_appended_to_it(path):
    ledger = SqliteLedger(path, "m")
    ledger.append([note(str(number)) for number in range(5)])
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TRIGGER entries_stay")
        connection.execute("DELETE FROM entries WHERE seq > 3")
    with pytest.raises(LedgerBrokenError, match="entry 4"):
        list(verified(ledger.read()))
    with pytest.raises(LedgerBrokenError, match="entry 4"):
        ledger.append([note()])
    assert ledger.entry(3).seq == 3


def test_one_byte_changed_in_the_file_itself_is_found(path):
    ledger = SqliteLedger(path, "m")
    ledger.append([note(f"reason number {number}") for number in range(9)])
    ledger.close()
    content = bytearray(path.read_bytes())
    place = content.index(b"reason number 6")
    content[place + 14] = ord("7")
    path.write_bytes(content)
    with pytest.raises(LedgerBrokenError, match="entry 7"):
        list(verified(SqliteLedger(path, "m").read()))


def test_text_that_is_not_utf8_names_its_entry(path):
    ledger = SqliteLedger(path, "m")
    ledger.append([note(f"reason number {number}") for number in range(9)])
    ledger.close()
    path.write_bytes(path.read_bytes().replace(b"reason number 6", b"reason number \xff"))
    again = SqliteLedger(path, "m")
    with pytest.raises(LedgerBrokenError, match="entry 7"):
        list(again.read())
    with pytest.raises(LedgerBrokenError, match="entry 7"):
        again.entry(7)
    assert [entry.seq for entry in again.read(after=7)] == [8, 9]


# -- other processes ------------------------------------------------------------------------

_WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from homeostat.adapters.local.sqlite_ledger import SqliteLedger
from homeostat.domain.entry import Kind, draft
from homeostat.domain.event import Order
ledger = SqliteLedger(Path(sys.argv[1]), "m", synchronous="NORMAL")
for number in range(int(sys.argv[3])):
    order = Order("retrain", sys.argv[2], str(number))
    ledger.append([draft(datetime(2024, 1, 1, tzinfo=UTC), Kind.ORDER, order)])
"""

_HOLDER = """
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from homeostat.adapters.local.sqlite_ledger import SqliteLedger
ledger = SqliteLedger(Path(sys.argv[1]), "m")
now = datetime.fromisoformat(sys.argv[2])
print(ledger.acquire("the other process", now + timedelta(minutes=1), now), flush=True)
sys.stdin.read()
"""

_LOCKER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.read()
"""


def test_processes_that_open_and_write_at_once_leave_one_chain(path):
    writers = [python(_WRITER, path, name, 25) for name in "ab"]
    for writer in writers:
        _, errors = writer.communicate(timeout=60)
        assert writer.returncode == 0, errors
    entries = list(verified(SqliteLedger(path, "m").read()))
    assert len(entries) == 50
    for name in "ab":
        mine = [entry.body["why"] for entry in entries if entry.body["who"] == name]
        assert mine == [str(number) for number in range(25)]


def test_a_lease_keeps_two_processes_apart(path):
    other = python(_HOLDER, path, AT.isoformat())
    token = int(other.stdout.readline())
    ledger = SqliteLedger(path, "m")
    with pytest.raises(LeaseHeldError, match="the other process"):
        ledger.acquire("me", AT + MINUTE, AT)
    other.kill()  # it dies with the lease in its hands
    other.communicate(timeout=60)
    with pytest.raises(LeaseHeldError):
        ledger.acquire("me", AT + MINUTE, AT + MINUTE / 2)
    mine = ledger.acquire("me", AT + 3 * MINUTE, AT + 2 * MINUTE)
    assert mine > token
    with pytest.raises(LeaseHeldError):
        ledger.append([note()], token=token)
    ledger.append([note()], token=mine)


def test_a_writer_that_hangs_is_waited_for_and_then_named_as_locked(path):
    ledger = SqliteLedger(path, "m", wait_s=0.2)
    ledger.append([note()])
    other = python(_LOCKER, path)
    assert other.stdout.readline() == "locked\n"
    with pytest.raises(StateLockedError) as caught:
        ledger.append([note()])
    assert caught.value.next_step
    assert len(list(ledger.read())) == 1  # readers do not wait
    other.communicate(timeout=60)
    ledger.append([note()])
    assert len(list(ledger.read())) == 2


# -- full, read-only and vanishing disks ----------------------------------------------------


def test_a_full_disk_is_a_typed_error_and_nothing_is_half_written(path):
    ledger = SqliteLedger(path, "m")
    ledger.append([note()])
    with small_files(64 * 1024), pytest.raises(DiskFullError) as caught:
        ledger.append([note("x" * 1000) for _ in range(500)])
    assert caught.value.next_step
    assert [entry.seq for entry in verified(ledger.read())] == [1]
    ledger.append([note("there is room again")])
    assert [entry.seq for entry in verified(SqliteLedger(path, "m").read())] == [1, 2]


def test_a_really_full_file_system_is_a_disk_full_error(tmp_path):
    with small_disk(tmp_path / "small", "256k") as disk:
        if disk is None:
            pytest.skip("may not mount a file system here")
        ledger = SqliteLedger(disk / "state.db", "m")
        ledger.append([note()])
        with pytest.raises(DiskFullError):
            ledger.append([note("x" * 1000) for _ in range(500)])
        assert [entry.seq for entry in verified(ledger.read())] == [1]
        ledger.append([note("a small one fits")])
        assert [entry.seq for entry in verified(ledger.read())] == [1, 2]
        ledger.close()


def test_a_file_removed_while_open_is_not_written_into_the_void(path):
    ledger = SqliteLedger(path, "m")
    ledger.append([note()])
    for file in path.parent.iterdir():
        file.unlink()
    with pytest.raises(StateCorruptError, match="removed"):
        ledger.append([note()])
    SqliteLedger(path, "m").append([note()])
    with pytest.raises(StateCorruptError, match="replaced"):
        ledger.append([note()])


def test_a_folder_that_is_not_there_is_a_typed_error(tmp_path):
    with pytest.raises(StateError) as caught:
        SqliteLedger(tmp_path / "nowhere" / "state.db", "m")
    assert "nowhere" in caught.value.subject


def test_a_damaged_page_is_found_on_demand(path):
    ledger = SqliteLedger(path, "m")
    ledger.append([note("x" * 200) for _ in range(300)])
    ledger.check()
    ledger.close()
    content = bytearray(path.read_bytes())
    content[-4096 * 3 : -4096] = b"\xa5" * 8192
    path.write_bytes(content)
    again = SqliteLedger(path, "m")
    with pytest.raises(StateCorruptError) as caught:
        again.check()
    assert str(path) in str(caught.value)
    with pytest.raises((StateCorruptError, LedgerBrokenError)):
        list(verified(again.read()))
