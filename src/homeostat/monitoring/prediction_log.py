"""The prediction log: every acknowledged prediction is on disk before its answer leaves.

Lines are appended to a segment, one segment per process; batches are written as Parquet at
once. Segments that nobody writes any more are sealed into Parquet, small files of a finished
hour become one, old ones are deleted: each of these changes holds whole or not at all, so that
a kill anywhere neither loses nor doubles a row (see :mod:`homeostat.monitoring.log_commit`).
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from homeostat.errors import StateError
from homeostat.monitoring.log_cache import SealedCache
from homeostat.monitoring.log_commit import Change, Commits
from homeostat.monitoring.log_rows import COLUMNS, completed, joined, line_of, some
from homeostat.monitoring.log_sealed import (
    SealedFile,
    batch_token,
    parsed,
    sealed_file,
    sealed_files,
)
from homeostat.monitoring.log_segments import ENDING, SegmentReader, SegmentWriter
from homeostat.monitoring.log_tidy import compacted, expired, seal_segment

if TYPE_CHECKING:
    import polars as pl

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
__all__ = ["COLUMNS", "PredictionLog"]
TRIES = 20
"""Times that a read begins again because a file became part of another one meanwhile."""


class PredictionLog:
    """The log in ``folder``. Any number of processes and threads may use it at once.

    ``fsync`` says what survives a loss of power: ``always`` each acknowledged prediction;
    ``never`` what the operating system had written by then. A killed process loses nothing
    under either.
    """

    def __init__(self, folder: Path, fsync: Literal["always", "never"] = "never") -> None:
        self._folder = folder
        self._fsync = fsync
        self._lock = threading.Lock()
        self._commits = Commits(folder)
        self._writer = SegmentWriter(folder / "segments", fsync)
        self._reader = SegmentReader()
        self._cache = SealedCache()
        self._files: tuple[str, dict[Path, SealedFile]] | None = None
        self.version = 0
        """Grows with every write by this object: what was read before may be out of date."""

    @property
    def folder(self) -> Path:
        """Where the log is."""
        return self._folder

    # -- writing ------------------------------------------------------------------------

    def append(self, frame: pl.DataFrame) -> None:
        """Write a batch, columns as :data:`COLUMNS`, durable when this returns.

        The same predictions again replace the first. Raises DiskFullError, and then nothing of
        the batch is in the log.
        """
        if not frame.height:
            return
        rows = completed(frame)
        parts = rows.partition_by("model", maintain_order=True)
        comes = dict(sealed_file(self._folder, part, batch_token(part)) for part in parts)
        self._make(Change(comes, durable=self._fsync == "always"))

    def write(self, record: dict[str, Any]) -> None:
        """Append one acknowledged prediction; it is on disk when this returns.

        ``record`` has the keys of :data:`COLUMNS`, ``at`` as an aware datetime. Raises
        DiskFullError: the prediction must then not be acknowledged.
        """
        self.write_lines(line_of(record))

    def write_all(self, records: Sequence[dict[str, Any]]) -> None:
        """Append several predictions with one write."""
        self.write_lines(b"".join(line_of(record) for record in records))

    def write_lines(self, lines: bytes) -> None:
        """Append ready lines, one JSON object per row with the keys of :data:`COLUMNS`.

        ``at`` is ISO 8601 text. All lines are on disk when this returns, by one write. Raises
        DiskFullError: then none is, and the predictions must not be acknowledged.
        """
        self._writer.write(lines)
        self.version += 1

    # -- reading ------------------------------------------------------------------------

    def read(
        self, since: datetime, until: datetime, columns: Sequence[str] | None = None
    ) -> pl.DataFrame:
        """Rows with ``at`` in [since, until), in order of time; ``columns`` of them, or all.

        An input that is a number in some rows and a text in others reads as text.
        """
        wanted = tuple(columns or COLUMNS)
        read = wanted if "at" in wanted else (*wanted, "at")
        whole = joined(self._parts(since, until, read), read)
        at_us = whole.get_column("at").to_physical().to_numpy()
        inside = (at_us >= _microseconds(since)) & (at_us < _microseconds(until))
        if not inside.all():
            whole, at_us = whole.filter(inside), at_us[inside]
        if (at_us[1:] < at_us[:-1]).any():
            whole = whole.sort("at", maintain_order=True)
        return some(whole, wanted)

    def signature(self, since: datetime, until: datetime) -> tuple[str, ...]:
        """Names the content of [since, until): what was made from it holds while this is equal."""
        return self.signatures([(since, until)])[0]

    def signatures(self, spans: Sequence[tuple[datetime, datetime]]) -> list[tuple[str, ...]]:
        """The signature of each span, all as they are at one moment."""
        with self._commits.looking() as serial:
            files = self._sealed(serial)
            opened = tuple(f"{path.name}:{size}" for path, size in self._segments(files).items())
        return [
            tuple(f.path.name for f in files.values() if f.first < until and f.last >= since)
            + opened
            for since, until in spans
        ]

    def _parts(
        self, since: datetime, until: datetime, columns: tuple[str, ...]
    ) -> list[pl.DataFrame]:
        """Frames that hold all rows of a span, and others."""
        for _ in range(TRIES):
            with self._commits.looking() as serial:
                files = self._sealed(serial)
                with self._lock:
                    opened = self._reader.frames(list(self._segments(files)))
            inside = [f.path for f in files.values() if f.first < until and f.last >= since]
            try:
                parts = [self._cache.frame(path, columns) for path in inside]
            except FileNotFoundError:
                self._files = None
                continue
            return parts + [completed(frame, columns) for frame in opened]
        raise StateError(
            f"the files of the prediction log changed {TRIES} times while it was read",
            subject=str(self._folder),
            next_step="try again; look for a program that moves files there",
        )

    def _sealed(self, serial: str) -> dict[Path, SealedFile]:
        known = self._files
        if known is None or known[0] != serial:
            known = (serial, sealed_files(self._folder))
            self._files = known
            self._cache.keep(known[1])
        return known[1]

    def _segments(self, files: dict[Path, SealedFile]) -> dict[Path, int]:
        """Segments with their sizes; those that an older layout has sealed are left out."""
        folder = self._folder / "segments"
        found = {}
        for path in sorted(folder.glob(f"*{ENDING}")) if folder.is_dir() else ():
            if not sealed_before(path, files):
                try:
                    found[path] = path.stat().st_size
                except FileNotFoundError:  # it was empty, and its writer has ended
                    continue
        return found

    # -- tidying ------------------------------------------------------------------------

    def roll(self) -> None:
        """Close this process's segment, so that any process may seal it."""
        self._writer.roll()

    def seal(self) -> int:
        """Turn this process's segment into Parquet; the number of rows sealed."""
        return sum(self._seal(path, wait=True) for path in self._writer.roll())

    def seal_abandoned(self) -> int:
        """Turn every segment that nobody writes any more into Parquet; the rows sealed.

        Any number of processes may do so at once: each segment is sealed by one of them.
        """
        self._commits.sweep()
        with self._commits.looking() as serial:
            segments = list(self._segments({}))
            files = self._sealed(serial)
        rows = 0
        for path in segments:
            if sealed_before(path, files):
                path.unlink(missing_ok=True)
            else:
                rows += self._seal(path, wait=False)
        return rows

    def compact(self, now: datetime) -> int:
        """Make the small files of each finished hour one; how many files have gone into others.

        A prediction that was written twice, by a batch that was repeated, is there once then.
        """
        with self._commits.looking() as serial:
            files = list(self._sealed(serial))
        return sum(
            len(change.goes) for change in compacted(self._folder, files, now) if self._make(change)
        )

    def expire(self, now: datetime, keep: timedelta) -> int:
        """Delete sealed files all of whose rows are older than ``keep``; how many."""
        with self._commits.looking() as serial:
            files = list(self._sealed(serial).values())
        change = expired(files, now - keep)
        if not change.goes or not self._make(change):
            return 0
        for path in change.goes:
            _remove_empty(path.parent, self._folder / "sealed")
        return len(change.goes)

    def _seal(self, path: Path, *, wait: bool) -> int:
        return seal_segment(self._folder, path, self._make, wait=wait)

    def _make(self, change: Change) -> bool:
        """Whether the change was made; the list of files is kept up to date without a look."""
        made = self._commits.make(change)
        if made is None:
            return False
        known = self._files
        if known is not None and known[0] == made[0]:
            kept = {path: file for path, file in known[1].items() if path not in change.goes}
            kept |= {path: parsed(path) for path in change.comes}
            ordered = sorted(kept.items(), key=lambda item: item[0].name)
            self._files = (made[1], dict(ordered))
        self._cache.forget(change.comes)
        self.version += 1
        return True


def sealed_before(segment: Path, files: dict[Path, SealedFile]) -> bool:
    """Whether an older layout sealed the segment and was killed before it removed it."""
    return any(
        path.parent.name == "sealed" and path.stem.endswith(f"-{segment.stem}") for path in files
    )


def _remove_empty(folder: Path, until: Path) -> None:
    """Remove a folder and those above it, below ``until``, while they are empty."""
    while folder != until and until in folder.parents:
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent


def _microseconds(at: datetime) -> int:
    """Since 1970, as the log's times are held."""
    return (at - _EPOCH) // timedelta(microseconds=1)
