"""The segment that a process appends acknowledged predictions to: lines, one file per process.

A segment is locked while its writer lives, so that others can tell a segment that may still
grow from one that was left behind. A name is never used twice.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import threading
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Literal

from homeostat.errors import DiskFullError
from homeostat.monitoring.log_rows import empty, from_lines, joined

if TYPE_CHECKING:
    import polars as pl

MAX_BYTES = 64 * 2**20
"""A segment is closed before it grows above this; one write is never split."""
MAX_AGE_S = 3600.0
"""A segment older than this is closed at the next write."""
ENDING = ".jsonl"


class SegmentWriter:
    """Appends to segments in ``folder``. Safe to use from several threads, and after a fork.

    ``fsync``: each write is on the disk itself when it returns, and not only with the operating
    system. ``elapsed_s`` is a clock that only goes forward.
    """

    def __init__(
        self,
        folder: Path,
        fsync: Literal["always", "never"] = "never",
        max_bytes: int = MAX_BYTES,
        max_age_s: float = MAX_AGE_S,
        elapsed_s: Callable[[], float] = monotonic,
    ) -> None:
        self._folder = folder
        self._always = fsync == "always"
        self._max_bytes = max_bytes
        self._max_age_s = max_age_s
        self._elapsed_s = elapsed_s
        self._lock = threading.Lock()
        self._pid = 0
        self._file: int | None = None
        self._path: Path | None = None
        self._size = 0
        self._until_s = 0.0

    def write(self, lines: bytes) -> None:
        """Append whole lines with one write: all of them are in the file when this returns.

        Raises DiskFullError, and then none of them is.
        """
        with self._lock:
            size = self._size + len(lines)
            if (
                self._file is None
                or size > self._max_bytes
                or os.getpid() != self._pid
                or self._elapsed_s() > self._until_s
            ):
                self._next_segment(len(lines))
                size = self._size + len(lines)
            assert self._file is not None
            try:
                written = os.write(self._file, lines)
                if written != len(lines):
                    raise OSError(28, "no space left on device")
                if self._always:
                    os.fsync(self._file)
            except OSError as error:
                self._take_back()
                raise full(self._folder, error) from error
            self._size = size

    def roll(self) -> list[Path]:
        """Close the segment, so that anyone may seal it; its path, or none when there is none."""
        with self._lock:
            path = self._path
            return [path] if self._close() and path is not None else []

    def _next_segment(self, coming: int) -> None:
        fits = self._size + coming <= self._max_bytes or not self._size
        young = self._elapsed_s() <= self._until_s
        if self._file is not None and os.getpid() == self._pid and fits and young:
            return
        self._close()
        try:
            self._file, self._path = _new_segment(self._folder, self._always)
        except OSError as error:
            raise full(self._folder, error) from error
        self._pid = os.getpid()
        self._until_s = self._elapsed_s() + self._max_age_s

    def _take_back(self) -> None:
        """Remove what a failed write has left. Where that fails too, the segment is left."""
        assert self._file is not None
        try:
            os.ftruncate(self._file, self._size)
            if self._always:
                os.fsync(self._file)
        except OSError:
            self._close()

    def _close(self) -> bool:
        """Whether there was a segment with rows; an empty one is removed."""
        file, path, size = self._file, self._path, self._size
        self._file, self._path, self._size, self._until_s = None, None, 0, 0.0
        if file is None or path is None:
            return False
        mine = os.getpid() == self._pid
        if mine and not size:
            path.unlink(missing_ok=True)
        os.close(file)
        return mine and size > 0


def _new_segment(folder: Path, durable: bool) -> tuple[int, Path]:
    """A new, locked segment; another one if a sealer took it before it was locked."""
    folder.mkdir(parents=True, exist_ok=True)
    flags = os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_WRONLY | os.O_CLOEXEC
    while True:
        path = folder / f"p{os.getpid()}-{secrets.token_hex(8)}{ENDING}"
        file = os.open(path, flags, 0o644)
        fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file).st_nlink:
            if durable:
                sync_folder(folder)
            return file, path
        os.close(file)


class SegmentReader:
    """Reads segments that may still grow, each line once."""

    def __init__(self) -> None:
        self._read: dict[Path, tuple[int, bytes, list[pl.DataFrame]]] = {}

    def frames(self, paths: list[Path]) -> list[pl.DataFrame]:
        """One frame per segment that has rows; a torn last line is left out."""
        self._read = {path: read for path, read in self._read.items() if path in paths}
        found = []
        for path in paths:
            try:
                parts = self._parts(path)
            except FileNotFoundError:
                continue
            if parts:
                found.append(parts[0])
        return found

    def _parts(self, path: Path) -> list[pl.DataFrame]:
        """What of ``path`` was read so far, with what has been written since."""
        end, last, parts = self._read.get(path, (0, b"", []))
        with path.open("rb") as file:
            file.seek(end - len(last))
            content = file.read()
            if not content.startswith(last):  # a failed write was taken back, and others came
                end, last, parts = 0, b"", []
                file.seek(0)
                content = file.read()
        fresh = content[len(last) :]
        fresh = fresh[: fresh.rfind(b"\n") + 1]
        if fresh:
            frame = from_lines(fresh)
            parts = [joined([*parts, frame])] if frame.height else parts
            last = fresh[fresh.rfind(b"\n", 0, -1) + 1 :]
            self._read[path] = (end + len(fresh), last, parts)
        return parts


def segment_frame(path: Path) -> pl.DataFrame:
    """All rows of a segment; no rows when it is gone."""
    try:
        return from_lines(path.read_bytes())
    except FileNotFoundError:
        return empty()


def sync_folder(folder: Path) -> None:
    """Make the names in ``folder`` outlive a loss of power."""
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def full(folder: Path, error: OSError) -> DiskFullError:
    """The error for a log that cannot be written."""
    return DiskFullError(
        f"the prediction log cannot be written: {error.strerror}",
        subject=str(folder),
        next_step="make room; predictions are not acknowledged until it can be written",
    )
