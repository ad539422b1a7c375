import os
from pathlib import Path

import pytest

from homeostat.errors import DiskFullError, StateCorruptError
from homeostat.monitoring.log_commit import NOTE, Change, Commits

STEPS = 40
"""More than any change here takes."""


def content(folder: Path):
    kept = ("sealed", "segments")
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.relative_to(folder).parts[0] in kept
    }


def begin(folder: Path):
    for name in ("segments/a", "sealed/x/old"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"before")
    new = {folder / "sealed/x/1": b"one", folder / "sealed/y/2": b"two"}
    return Change(new, [folder / "segments/a", folder / "sealed/x/old"])


BEFORE = {"segments/a": b"before", "sealed/x/old": b"before"}
AFTER = {"sealed/x/1": b"one", "sealed/y/2": b"two"}


class Dying:
    """Ends the process at the given call of what changes files."""

    def __init__(self, step):
        self.left = step

    def __call__(self, function):
        def counted(*args, **kwargs):
            if not self.left:
                os._exit(9)
            self.left -= 1
            return function(*args, **kwargs)

        return counted


def killed_at(folder: Path, change: Change, step: int):
    """Whether the process was killed at this step, before it had finished."""
    child = os.fork()
    if not child:
        dying = Dying(step)
        for owner, name in (
            (os, "write"), (os, "fsync"), (os, "open"), (os, "close"),
            (Path, "replace"), (Path, "unlink"), (Path, "mkdir"),
        ):  # fmt: skip
            setattr(owner, name, dying(getattr(owner, name)))
        Commits(folder).make(change)
        os._exit(0)
    return os.WEXITSTATUS(os.waitpid(child, 0)[1]) == 9


@pytest.mark.parametrize("durable", [True, False])
def test_a_kill_at_any_step_leaves_all_of_a_change_or_nothing(tmp_path, durable):
    outcomes = set()
    for step in range(STEPS * 2):
        folder = tmp_path / str(step)
        change = begin(folder)
        change.durable = durable
        killed = killed_at(folder, change, step)
        commits = Commits(folder)
        with commits.looking():
            found = content(folder)
        assert found in (BEFORE, AFTER)
        outcomes.add(found == AFTER)
        commits.sweep()
        assert not list((folder / "unfinished").glob("*"))
        assert content(folder) == found
        if not killed:
            assert found == AFTER
            break
        if found == BEFORE:
            assert commits.make(change) is not None
            assert content(folder) == AFTER
    else:
        pytest.fail("a change takes more steps than the test has")
    assert outcomes == {True, False}


def test_what_is_seen_differs_after_each_change_and_only_then(tmp_path):
    commits = Commits(tmp_path)
    change = begin(tmp_path)
    with commits.looking() as first:
        pass
    assert commits.make(change) == (first, commits.make(Change())[0])
    with commits.looking() as second, Commits(tmp_path).looking() as third:
        assert second == third != first


def test_a_change_whose_old_files_have_gone_is_not_made(tmp_path):
    change = begin(tmp_path)
    (tmp_path / "segments/a").unlink()
    assert Commits(tmp_path).make(change) is None
    assert content(tmp_path) == {"sealed/x/old": b"before"}
    assert not list((tmp_path / "unfinished").iterdir())


def test_a_file_that_comes_again_under_its_name_does_not_go(tmp_path):
    path = tmp_path / "sealed" / "same"
    Commits(tmp_path).make(Change({path: b"same"}))
    Commits(tmp_path).make(Change({path: b"same"}, [path]))
    assert content(tmp_path) == {"sealed/same": b"same"}


def test_a_full_disk_changes_nothing(tmp_path, monkeypatch):
    write = os.write
    for room in (0, 1, 2, 3):
        folder = tmp_path / str(room)
        change = begin(folder)
        left = [room]

        def short(file, data, left=left):
            left[0] -= 1
            return write(file, data if left[0] >= 0 else data[:1])

        with monkeypatch.context() as patched:
            patched.setattr(os, "write", short)
            with pytest.raises(DiskFullError):
                Commits(folder).make(change)
        with Commits(folder).looking():
            assert content(folder) == BEFORE
        assert not list((folder / "unfinished").iterdir())


def test_a_folder_that_was_removed_meanwhile_is_made_again(tmp_path, monkeypatch):
    write_note = Commits._write_note

    def removing(self, staged, change):
        (tmp_path / "sealed" / "x").rmdir()
        return write_note(self, staged, change)

    monkeypatch.setattr(Commits, "_write_note", removing)
    Commits(tmp_path).make(Change({tmp_path / "sealed/x/1": b"one"}))
    assert content(tmp_path) == {"sealed/x/1": b"one"}


def test_looking_at_a_log_that_is_not_there_makes_nothing(tmp_path):
    with Commits(tmp_path / "none").looking() as serial:
        assert serial == ""
    assert not (tmp_path / "none").exists()


def test_a_note_that_power_loss_has_emptied_holds_nothing_and_a_damaged_one_is_said(tmp_path):
    begin(tmp_path)
    (tmp_path / NOTE).write_bytes(b"")
    with Commits(tmp_path).looking():
        assert content(tmp_path) == BEFORE
    (tmp_path / NOTE).write_bytes(b"{")
    with pytest.raises(StateCorruptError), Commits(tmp_path).looking():
        pass
