"""Files that are there whole or not at all."""

from __future__ import annotations

import pytest

from homeostat.adapters.local.atomic_file import fill_file, fill_folder, sweep, write_file
from homeostat.errors import DiskFullError, StateError
from tests.unit.adapters.state_faults import names, python, small_files


def test_a_file_is_replaced_whole(tmp_path):
    target = tmp_path / "a" / "result.json"
    write_file(target, b"one")
    write_file(target, b"two")
    assert target.read_bytes() == b"two"
    assert names(target.parent) == ["result.json"]


def test_the_mode_is_what_was_asked_for(tmp_path):
    write_file(tmp_path / "f", b"", mode=0o444)
    assert (tmp_path / "f").stat().st_mode & 0o777 == 0o444


def test_without_room_the_old_content_stays_and_nothing_is_left_beside_it(tmp_path):
    target = tmp_path / "f"
    write_file(target, b"old")
    with small_files(1000), pytest.raises(DiskFullError) as caught:
        write_file(target, b"x" * 5000)
    assert caught.value.next_step
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["f"]


def test_a_writer_that_raises_leaves_nothing(tmp_path):
    def fill(file):
        file.write(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fill_file(tmp_path, fill)
    assert names(tmp_path) == []


def test_a_file_where_a_folder_should_be_is_a_typed_error(tmp_path):
    (tmp_path / "f").write_bytes(b"")
    with pytest.raises(StateError):
        write_file(tmp_path / "f" / "g", b"")


def test_a_folder_appears_whole(tmp_path):
    target = tmp_path / "tree"

    def fill(fresh):
        (fresh / "a").write_bytes(b"1")
        assert not target.exists()
        (fresh / "b").write_bytes(b"2")

    fill_folder(target, fill)
    assert names(target) == ["a", "b"]
    assert names(tmp_path) == ["tree"]


def test_of_two_writers_of_a_folder_the_first_stays(tmp_path):
    target = tmp_path / "tree"

    def fill(fresh):
        (fresh / "mine").write_bytes(b"")
        target.mkdir()  # another process is faster
        (target / "theirs").write_bytes(b"")

    fill_folder(target, fill)
    assert names(target) == ["theirs"]
    assert names(tmp_path) == ["tree"]


def test_a_folder_without_room_leaves_nothing(tmp_path):
    def fill(fresh):
        (fresh / "a").write_bytes(b"x" * 5000)

    with small_files(1000), pytest.raises(DiskFullError):
        fill_folder(tmp_path / "tree", fill)
    assert names(tmp_path) == []


_WRITER = """
import sys
from pathlib import Path
from homeostat.adapters.local.atomic_file import fill_file, fill_folder

def wait(_):
    print("half way", flush=True)
    sys.stdin.read()

def half(file):
    file.write(b"half")
    file.flush()
    fill_folder(Path(sys.argv[1]) / "tree", wait)

fill_file(Path(sys.argv[1]), half)
"""


def test_what_a_killed_writer_left_is_swept_and_what_a_living_one_writes_is_not(tmp_path):
    writer = python(_WRITER, tmp_path)
    assert writer.stdout.readline() == "half way\n"
    assert len(names(tmp_path)) == 2
    assert sweep(tmp_path) == 0
    assert len(names(tmp_path)) == 2
    writer.kill()
    writer.communicate(timeout=60)
    assert sweep(tmp_path) == 2
    assert names(tmp_path) == []


def test_sweeping_a_folder_that_is_not_there_is_no_error(tmp_path):
    assert sweep(tmp_path / "nowhere") == 0


def test_a_writer_that_was_swept_before_it_took_its_lock_begins_again(tmp_path, monkeypatch):
    import fcntl

    from homeostat.adapters.local import atomic_file

    lock, swept = fcntl.flock, []

    def late(descriptor, how):
        if not swept:
            swept.append(True)
            for left in tmp_path.glob("**/.unfinished-*"):
                left.unlink() if left.is_file() else left.rmdir()
        lock(descriptor, how)

    monkeypatch.setattr(atomic_file.fcntl, "flock", late)
    write_file(tmp_path / "f", b"whole")
    assert (tmp_path / "f").read_bytes() == b"whole"
    swept.clear()
    fill_folder(tmp_path / "sub" / "tree", lambda fresh: (fresh / "a").touch())
    assert names(tmp_path / "sub" / "tree") == ["a"]
