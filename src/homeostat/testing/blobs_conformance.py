"""What every blob store must do: subclass, and give the fixture ``blobs``."""

from __future__ import annotations

import os
import threading
from hashlib import sha256
from pathlib import Path

import pytest

from homeostat.errors import BlobMissingError
from homeostat.ports.blobs import Blobs

ABSENT = "0" * 64


def folder_with(root: Path, files: dict[str, bytes]) -> Path:
    """A folder with ``files`` by relative path."""
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def files_in(folder: Path) -> dict[str, bytes]:
    """Relative paths and contents of all files below ``folder``."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


class BlobsConformance:
    """The contract of ports.blobs as tests. ``blobs`` is an empty store."""

    @pytest.fixture
    def blobs(self) -> Blobs:
        """An empty store."""
        raise NotImplementedError("give the fixture blobs")

    @pytest.mark.parametrize(
        "content", [b"", b"\x00", b"text\r\n", bytes(range(256)), b"ab" * 700_000]
    )
    def test_content_comes_back_under_its_sha256(self, blobs: Blobs, content: bytes) -> None:
        """To the last byte, whatever the bytes."""
        name = blobs.put(content)
        assert name == sha256(content).hexdigest()
        assert blobs.has(name)
        assert blobs.get(name) == content
        assert blobs.path(name).read_bytes() == content

    def test_putting_twice_is_putting_once(self, blobs: Blobs) -> None:
        """The second put changes nothing, and writes nothing."""
        name = blobs.put(b"same")
        before = blobs.path(name).stat()
        assert blobs.put(b"same") == name
        after = blobs.path(name).stat()
        assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)

    @pytest.mark.parametrize("name", [ABSENT, "", "nonsense", "../../etc/passwd", "A" * 64])
    def test_what_is_not_there_is_missing(self, blobs: Blobs, name: str) -> None:
        """Also names that are no digests at all."""
        assert not blobs.has(name)
        for read in (blobs.get, blobs.path, blobs.get_tree):
            with pytest.raises(BlobMissingError) as caught:
                read(name)
            assert caught.value.next_step

    def test_a_folder_comes_back_with_all_its_files(self, blobs: Blobs, tmp_path: Path) -> None:
        """Paths and contents; folders inside folders; hidden and empty files."""
        files = {
            "model.txt": b"m",
            "a/b/c/deep": b"d",
            ".hidden": b"h",
            "empty": b"",
            "a/ä 😀": b"u",
        }
        name = blobs.put_tree(folder_with(tmp_path / "one", files))
        assert files_in(blobs.get_tree(name)) == files
        assert blobs.get_tree(name) == blobs.get_tree(name)

    def test_only_paths_and_contents_name_a_folder(self, blobs: Blobs, tmp_path: Path) -> None:
        """Times, modes, the order of writing and empty folders are not content."""
        files = {"b": b"2", "a": b"1"}
        one = folder_with(tmp_path / "one", files)
        two = folder_with(tmp_path / "two", dict(reversed(files.items())))
        (two / "empty").mkdir()
        (two / "a").chmod(0o600)
        os.utime(two / "a", (0, 0))
        assert blobs.put_tree(one) == blobs.put_tree(two)
        (two / "a").rename(two / "c")
        assert blobs.put_tree(one) != blobs.put_tree(two)

    def test_an_empty_folder_is_a_folder(self, blobs: Blobs, tmp_path: Path) -> None:
        """With no files in it."""
        (tmp_path / "none").mkdir()
        assert files_in(blobs.get_tree(blobs.put_tree(tmp_path / "none"))) == {}

    def test_other_content_is_no_folder(self, blobs: Blobs) -> None:
        """A manifest must be one, and must not lead out of the folder."""
        inside = blobs.put(b"x")
        for content in (
            b"not json",
            b"[1]",
            b'{"../out":"%s"}' % inside.encode(),
            b'{"/out":"%s"}' % inside.encode(),
        ):
            with pytest.raises(BlobMissingError):
                blobs.get_tree(blobs.put(content))

    def test_many_writers_of_the_same_do_not_disturb_each_other(
        self, blobs: Blobs, tmp_path: Path
    ) -> None:
        """All get the same names, and whole content."""
        files = {f"{number}": b"%d" % number * 1000 for number in range(5)}
        folder = folder_with(tmp_path / "shared", files)
        names: list[str] = []
        found: list[dict[str, bytes]] = []

        def work() -> None:
            names.append(blobs.put_tree(folder))
            found.append(files_in(blobs.get_tree(names[-1])))

        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(names) == 6
        assert len(set(names)) == 1
        assert found == [files] * 6
