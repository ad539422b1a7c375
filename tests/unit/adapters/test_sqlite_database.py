"""Opening, migrating and refusing state files."""

from __future__ import annotations

import gc
import os
import sqlite3
import threading

import pytest

from homeostat.adapters.local import sqlite_schema
from homeostat.adapters.local.sqlite_database import Database
from homeostat.errors import StateCorruptError, StateError, StateVersionError


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state.db"


def pragma(path, name):
    with sqlite3.connect(path) as connection:
        return connection.execute(f"PRAGMA {name}").fetchone()[0]


def test_a_new_file_gets_the_newest_schema_and_our_mark(path):
    Database(path)
    assert pragma(path, "user_version") == len(sqlite_schema.MIGRATIONS)
    assert pragma(path, "application_id") == sqlite_schema.APPLICATION_ID
    assert pragma(path, "journal_mode") == "wal"


@pytest.mark.parametrize(("asked", "level"), [("NORMAL", 1), ("FULL", 2)])
def test_durability_is_what_was_asked_for(path, asked, level):
    with Database(path, synchronous=asked).reading() as connection:
        assert connection.execute("PRAGMA synchronous").fetchone()[0] == level


def test_an_older_file_is_brought_up_step_by_step(path, monkeypatch):
    Database(path).close()
    first = sqlite_schema.MIGRATIONS
    later = (("CREATE TABLE two (x)",), ("CREATE TABLE three (x)", "INSERT INTO two VALUES (3)"))
    monkeypatch.setattr(sqlite_schema, "MIGRATIONS", (*first, *later))
    with Database(path).reading() as connection:
        assert connection.execute("SELECT x FROM two").fetchall() == [(3,)]
    assert pragma(path, "user_version") == len(first) + 2
    Database(path)  # and is not migrated again


def test_a_migration_that_fails_leaves_the_file_as_it_was(path, monkeypatch):
    Database(path).close()
    first = sqlite_schema.MIGRATIONS
    bad = (("CREATE TABLE two (x)",), ("CREATE TABLE three (x)", "nonsense"))
    monkeypatch.setattr(sqlite_schema, "MIGRATIONS", (*first, *bad))
    with pytest.raises(StateError):
        Database(path)
    assert pragma(path, "user_version") == len(first)
    monkeypatch.setattr(sqlite_schema, "MIGRATIONS", first)
    with Database(path).reading() as connection:
        names = connection.execute("SELECT name FROM sqlite_master").fetchall()
    assert ("two",) not in names


def test_a_newer_file_is_refused_and_not_touched(path):
    Database(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    before = path.read_bytes()
    with pytest.raises(StateVersionError) as caught:
        Database(path)
    assert "99" in str(caught.value)
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"this is no database at all, is it? " * 50, b"\x00" * 5000])
def test_a_file_that_is_no_database_is_corrupt_and_not_touched(path, content):
    path.write_bytes(content)
    with pytest.raises(StateCorruptError) as caught:
        Database(path)
    assert "backup" in caught.value.next_step
    assert path.read_bytes() == content


def test_another_programs_database_is_refused_and_not_touched(path):
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    with pytest.raises(StateCorruptError, match="another program"):
        Database(path)
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("theirs",)]


def test_a_folder_in_its_place_is_a_typed_error(path):
    path.mkdir()
    with pytest.raises(StateError):
        Database(path)


def test_a_failed_write_leaves_nothing_behind(path):
    database = Database(path)

    def write(digest):
        with database.writing() as connection:
            connection.execute("INSERT INTO steps VALUES ('k', ?)", (digest,))
            if digest == "bad":
                raise ValueError

    with pytest.raises(ValueError):
        write("bad")
    write("good")
    with database.reading() as connection:
        assert connection.execute("SELECT digest FROM steps").fetchall() == [("good",)]


def test_connections_of_threads_that_ended_are_given_back(path):
    database = Database(path)

    def read():
        with database.reading() as connection:
            connection.execute("SELECT 1")

    for _ in range(20):
        thread = threading.Thread(target=read)
        thread.start()
        thread.join()
    gc.collect()  # a connection and its statements hold each other
    assert len(database._opened) <= 2


def test_a_forked_child_uses_connections_of_its_own(path):
    database = Database(path)
    with database.writing() as connection:
        connection.execute("INSERT INTO steps VALUES ('parent', 'p')")
    child = os.fork()
    if child == 0:
        try:
            with database.writing() as connection:
                connection.execute("INSERT INTO steps VALUES ('child', 'c')")
            os._exit(0)
        except BaseException:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    with database.reading() as connection:
        assert len(connection.execute("SELECT key FROM steps").fetchall()) == 2
