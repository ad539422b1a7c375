"""Content by digest in a folder: ``blobs/ab/<digest>``, and ``trees/<digest>/`` beside it."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Literal

import msgspec

from homeostat.adapters.local.atomic_file import fill_file, fill_folder, sweep, translated
from homeostat.domain.codec import canonical, digest
from homeostat.errors import BlobMissingError, StateError

_DIGEST = re.compile(r"[0-9a-f]{64}")
_CHUNK = 1 << 20
_READ_ONLY = 0o444
_Stamp = tuple[int, int, int]
Synchronous = Literal["FULL", "NORMAL"]


class FileBlobs:
    """Blobs in ``folder``; see ports.blobs for the contract.

    Folders are laid out once below ``trees`` (by default beside ``folder``) and given out from
    there. What was read once by this process is trusted until its size, inode or modification
    time changes; everything else is checked against its digest. A tree that was altered is laid
    out again from its blobs. Leftovers of killed writers are removed when this opens.
    ``synchronous`` says what a put outlives: with ``FULL`` also a power cut (fsync), with
    ``NORMAL`` the death of this process; content that a power cut emptied is then reported as
    altered, and written anew when it is put again.
    """

    def __init__(
        self, folder: Path, trees: Path | None = None, *, synchronous: Synchronous = "FULL"
    ) -> None:
        self._folder = folder
        self._trees = trees if trees is not None else folder.parent / "trees"
        self._durable = synchronous == "FULL"
        self._trusted: dict[Path, _Stamp] = {}
        sweep(self._folder)
        sweep(self._trees)

    def put(self, content: bytes) -> str:
        """Store bytes; content that is there already is not written again."""
        name = digest(content)
        if not self._holds(name, len(content)):

            def fill(file: BinaryIO) -> Path:
                file.write(content)
                return self._file(name)

            fill_file(self._folder, fill, mode=_READ_ONLY, durable=self._durable)
        return name

    def get(self, digest: str) -> bytes:
        """The bytes, which match their digest."""
        file = self._file(digest)
        try:
            content = file.read_bytes()
        except OSError as error:
            raise _missing(digest, f"it cannot be read: {error.strerror}") from error
        if sha256(content).hexdigest() != digest:
            raise _missing(digest, "its bytes were altered")
        return content

    def has(self, digest: str) -> bool:
        """Whether the content is there; its bytes are checked when they are read."""
        return bool(_DIGEST.fullmatch(digest)) and self._file(digest).is_file()

    def path(self, digest: str) -> Path:
        """A local file with the bytes, checked against their digest, to read only."""
        file = self._file(digest)
        if not self._intact(file, digest):
            problem = "its bytes were altered" if file.is_file() else "it is gone"
            raise _missing(digest, problem)
        return file

    def put_tree(self, folder: Path) -> str:
        """Store all files below ``folder``. Empty folders are not content.

        Raises StateError for what is neither file nor folder: a pipe, a broken link.
        """
        manifest = {
            file.relative_to(folder).as_posix(): self._put_file(file) for file in _files(folder)
        }
        return self.put(canonical(manifest))

    def get_tree(self, digest: str) -> Path:
        """A local folder with these files, to read only."""
        manifest = read_manifest(self.get(digest), digest)
        target = self._trees / digest
        if target.is_dir() and not self._laid_out(target, manifest):
            self._put_aside(target)
        if not target.is_dir():
            sources = {name: self.path(held) for name, held in manifest.items()}

            def fill(fresh: Path) -> None:
                for name, source in sources.items():
                    file = fresh / name
                    file.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(source, file)
                    file.chmod(_READ_ONLY)

            fill_folder(target, fill)
        return target

    def _file(self, name: str) -> Path:
        if not _DIGEST.fullmatch(name):
            raise _missing(name, "this is not a digest")
        return self._folder / name[:2] / name

    def _holds(self, name: str, size: int) -> bool:
        try:
            return self._file(name).stat().st_size == size
        except OSError:
            return False

    def _put_file(self, source: Path) -> str:
        """Store a file's bytes without holding them all in memory."""
        with translated(source):
            known = _digest_of_file(source)
            if self._holds(known, source.stat().st_size):
                return known

        hashed = sha256()

        def fill(file: BinaryIO) -> Path:
            with source.open("rb") as read:
                while chunk := read.read(_CHUNK):
                    hashed.update(chunk)
                    file.write(chunk)
            return self._file(hashed.hexdigest())

        return fill_file(self._folder, fill, mode=_READ_ONLY, durable=self._durable).name

    def _intact(self, file: Path, name: str) -> bool:
        """Whether ``file`` has the bytes that ``name`` is the digest of."""
        try:
            stamp = _stamp(file)
            if self._trusted.get(file) == stamp:
                return True
            intact = _digest_of_file(file) == name
        except OSError:
            return False
        if intact:
            self._trusted[file] = stamp
        return intact

    def _laid_out(self, folder: Path, manifest: dict[str, str]) -> bool:
        return all(self._intact(folder / name, held) for name, held in manifest.items())

    def _put_aside(self, target: Path) -> None:
        """Take an altered tree away; those who have its files open keep them."""
        aside = target.with_name(f".unfinished-{target.name}-{os.getpid()}")
        with translated(target):
            shutil.rmtree(aside, ignore_errors=True)
            try:
                target.rename(aside)
            except FileNotFoundError:
                return
            shutil.rmtree(aside, ignore_errors=True)


def read_manifest(content: bytes, name: str) -> dict[str, str]:
    """Relative path to digest, from a manifest's bytes; ``name`` is the manifest's digest.

    Raises BlobMissingError when it is no manifest, or names a path that leads out of the folder.
    """
    try:
        manifest = msgspec.json.decode(content, type=dict[str, str])
    except msgspec.DecodeError as error:
        raise _missing(name, "this is not a folder's manifest") from error
    for path in manifest:
        inside = PurePosixPath(path)
        if inside.is_absolute() or ".." in inside.parts or not inside.parts:
            raise _missing(name, f"'{path}' in its manifest leads out of the folder")
    return manifest


def _files(folder: Path) -> Iterator[Path]:
    """All files below ``folder``, sorted."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path
        elif not path.is_dir():
            raise StateError(
                "it is neither a file nor a folder, and cannot be stored",
                subject=str(path),
                next_step="remove it from the folder",
            )


def _digest_of_file(file: Path) -> str:
    hashed = sha256()
    with file.open("rb") as read:
        while chunk := read.read(_CHUNK):
            hashed.update(chunk)
    return hashed.hexdigest()


def _stamp(file: Path) -> _Stamp:
    found = file.stat()
    return (found.st_ino, found.st_size, found.st_mtime_ns)


def _missing(name: str, problem: str) -> BlobMissingError:
    return BlobMissingError(
        problem,
        subject=f"content {name[:80]}",
        next_step=(
            "put the file back from a backup of the state folder; if it is data, ask the source "
            "for the window again; if it is a model, `homeostat reproduce` trains it again"
        ),
    )
