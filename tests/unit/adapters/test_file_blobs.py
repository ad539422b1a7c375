"""Content by digest in a folder."""

from __future__ import annotations

import pytest

from homeostat.adapters.local.file_blobs import FileBlobs
from homeostat.errors import BlobMissingError, DiskFullError, StateError
from homeostat.testing.blobs_conformance import BlobsConformance, files_in, folder_with
from tests.unit.adapters.state_faults import names, python, small_disk, small_files


@pytest.fixture
def blobs(tmp_path):
    return FileBlobs(tmp_path / "state" / "blobs")


class TestFileBlobs(BlobsConformance):
    @pytest.fixture
    def blobs(self, tmp_path):
        return FileBlobs(tmp_path / "state" / "blobs")


class TestFileBlobsWithoutFsync(BlobsConformance):
    @pytest.fixture
    def blobs(self, tmp_path):
        return FileBlobs(tmp_path / "blobs", tmp_path / "elsewhere", synchronous="NORMAL")


def alter(path, content):
    path.chmod(0o644)
    path.write_bytes(content)


def test_files_lie_where_the_state_folder_says(blobs, tmp_path):
    name = blobs.put(b"x")
    tree = blobs.put_tree(folder_with(tmp_path / "src", {"a": b"1"}))
    assert blobs.path(name) == tmp_path / "state" / "blobs" / name[:2] / name
    assert blobs.get_tree(tree) == tmp_path / "state" / "trees" / tree


def test_stored_content_is_read_only(blobs, tmp_path):
    assert blobs.path(blobs.put(b"x")).stat().st_mode & 0o222 == 0
    tree = blobs.get_tree(blobs.put_tree(folder_with(tmp_path / "src", {"a": b"1"})))
    assert (tree / "a").stat().st_mode & 0o222 == 0


@pytest.mark.parametrize("altered", [b"other", b"y", b""])
def test_altered_content_is_missing_and_says_what_to_do(blobs, altered):
    name = blobs.put(b"x")
    alter(blobs.path(name), altered)
    for read in (blobs.get, blobs.path):
        with pytest.raises(BlobMissingError, match="altered") as caught:
            read(name)
        assert name in caught.value.subject
        assert "backup" in caught.value.next_step


def test_content_that_was_cut_off_is_mended_by_putting_it_again(blobs):
    name = blobs.put(b"whole")
    alter(blobs.path(name), b"")
    assert blobs.put(b"whole") == name
    assert blobs.get(name) == blobs.path(name).read_bytes() == b"whole"


def test_content_that_went_away_is_missing(blobs):
    name = blobs.put(b"x")
    blobs.path(name).unlink()
    assert not blobs.has(name)
    for read in (blobs.get, blobs.path):
        with pytest.raises(BlobMissingError):
            read(name)


def test_another_process_sees_what_was_put(blobs, tmp_path):
    name = blobs.put_tree(folder_with(tmp_path / "src", {"a/b": b"1"}))
    assert files_in(FileBlobs(tmp_path / "state" / "blobs").get_tree(name)) == {"a/b": b"1"}


@pytest.mark.parametrize("altered", [b"2", b"longer", None])
def test_an_altered_tree_is_laid_out_again_from_its_blobs(blobs, tmp_path, altered):
    name = blobs.put_tree(folder_with(tmp_path / "src", {"a": b"1", "b": b"1"}))
    tree = blobs.get_tree(name)
    if altered is None:
        (tree / "a").unlink()
    else:
        alter(tree / "a", altered)
    assert files_in(blobs.get_tree(name)) == {"a": b"1", "b": b"1"}
    assert names(tree.parent) == [name]


def test_a_tree_whose_blobs_are_altered_too_is_missing(blobs, tmp_path):
    name = blobs.put_tree(folder_with(tmp_path / "src", {"a": b"1"}))
    tree = blobs.get_tree(name)
    alter(tree / "a", b"2")
    alter(blobs.path(blobs.put(b"1")), b"2")
    with pytest.raises(BlobMissingError):
        blobs.get_tree(name)
    assert not [left for left in tree.parent.iterdir() if left.name.startswith(".")]


def test_what_is_neither_file_nor_folder_is_not_stored(blobs, tmp_path):
    folder = folder_with(tmp_path / "src", {"a": b"1"})
    (folder / "broken").symlink_to("nowhere")
    with pytest.raises(StateError) as caught:
        blobs.put_tree(folder)
    assert "broken" in caught.value.subject


def test_a_link_to_a_file_is_stored_as_the_file(blobs, tmp_path):
    folder = folder_with(tmp_path / "src", {"a": b"1"})
    (folder / "link").symlink_to("a")
    assert files_in(blobs.get_tree(blobs.put_tree(folder))) == {"a": b"1", "link": b"1"}


def test_without_room_nothing_is_left_behind(blobs, tmp_path):
    kept = blobs.put(b"kept")
    folder = folder_with(tmp_path / "src", {"big": b"x" * 5000})
    before = files_in(tmp_path / "state")
    for put in (lambda: blobs.put(b"x" * 5000), lambda: blobs.put_tree(folder)):
        with small_files(1000), pytest.raises(DiskFullError):
            put()
        assert files_in(tmp_path / "state") == before
    assert blobs.get(kept) == b"kept"


def test_a_tree_without_room_is_not_there_at_all(blobs, tmp_path):
    name = blobs.put_tree(folder_with(tmp_path / "src", {"a": b"1", "big": b"x" * 5000}))
    with small_files(1000), pytest.raises(DiskFullError):
        blobs.get_tree(name)
    assert names(tmp_path / "state" / "trees") == []
    assert len(files_in(blobs.get_tree(name))) == 2


def test_a_really_full_file_system_leaves_nothing_behind(tmp_path):
    with small_disk(tmp_path / "small", "128k") as disk:
        if disk is None:
            pytest.skip("may not mount a file system here")
        blobs = FileBlobs(disk / "blobs")
        kept = blobs.put(b"kept")
        before = files_in(disk)
        with pytest.raises(DiskFullError):
            blobs.put(b"x" * 500_000)
        assert files_in(disk) == before
        assert blobs.get(kept) == b"kept"


_WRITER = """
import sys
from pathlib import Path
from homeostat.adapters.local.file_blobs import FileBlobs
blobs = FileBlobs(Path(sys.argv[1]))
for number in range(30):
    content = b"%d" % number * 5000
    assert blobs.get(blobs.put(content)) == content
tree = blobs.get_tree(blobs.put_tree(Path(sys.argv[2])))
assert (tree / "a").read_bytes() == b"1"
"""


def test_processes_that_store_the_same_do_not_disturb_each_other(tmp_path):
    folder = folder_with(tmp_path / "src", {"a": b"1"})
    writers = [python(_WRITER, tmp_path / "blobs", folder) for _ in range(3)]
    for writer in writers:
        _, errors = writer.communicate(timeout=60)
        assert writer.returncode == 0, errors
    assert len(files_in(tmp_path / "blobs")) == 32


def test_leftovers_of_a_killed_writer_are_removed_when_the_store_opens(blobs, tmp_path):
    blobs.put(b"x")
    (tmp_path / "state" / "blobs" / ".unfinished-old").write_bytes(b"half")
    FileBlobs(tmp_path / "state" / "blobs")
    assert len(files_in(tmp_path / "state" / "blobs")) == 1
