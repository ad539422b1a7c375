"""What tidying the prediction log changes: segments to seal, files to join, files to delete."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from homeostat.errors import StateError
from homeostat.monitoring.log_commit import Change
from homeostat.monitoring.log_rows import from_lines, joined, whole_lines
from homeostat.monitoring.log_sealed import (
    SealedFile,
    by_hour,
    hour_of,
    read_sealed,
    sealed_file,
)

JOINED_BYTES = 64 * 2**20
"""Files of an hour are joined up to this size; larger ones stay as they are."""
_HOUR = timedelta(hours=1)


def seal_segment(folder: Path, segment: Path, make: Callable[[Change], bool], *, wait: bool) -> int:
    """Turn a segment into sealed files, one per model and hour; the rows sealed.

    0 when its writer lives, or another process seals it; ``wait``: wait for these. Lines that
    are no rows (a loss of power leaves such) stay in ``damaged/``.
    """
    try:
        file = os.open(segment, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return 0
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        if not os.fstat(file).st_nlink:
            return 0
        content = segment.read_bytes()
        frame = from_lines(content)
        if frame.height < whole_lines(content):
            _set_aside(folder, segment)
        comes = dict(sealed_file(folder, part) for part in by_hour(frame))
        return frame.height if make(Change(comes, [segment])) else 0
    except BlockingIOError:
        return 0
    finally:
        os.close(file)


def compacted(folder: Path, files: Sequence[Path], now: datetime) -> Iterator[Change]:
    """Changes that make small files of one finished hour and model one file."""
    groups: dict[Path, list[Path]] = {}
    for path in files:
        hour = hour_of(path)
        if hour is not None and hour + _HOUR <= now:
            groups.setdefault(path.parent, []).append(path)
    for paths in groups.values():
        for small in _small(paths):
            with suppress(FileNotFoundError):  # another process was faster
                rows = joined([read_sealed(path) for path in small])
                once = rows.unique(["id", "version", "arm"], keep="first", maintain_order=True)
                target, content = sealed_file(folder, once.sort("at", maintain_order=True))
                yield Change({target: content}, small)


def expired(files: Sequence[SealedFile], before: datetime) -> Change:
    """The change that deletes files all of whose rows are older than ``before``."""
    return Change(goes=[file.path for file in files if file.last < before])


def _small(paths: Sequence[Path]) -> Iterator[list[Path]]:
    """Files to join: two or more, together no larger than :data:`JOINED_BYTES`."""
    group: list[Path] = []
    size = 0
    for path in paths:
        try:
            more = path.stat().st_size
        except FileNotFoundError:
            continue
        if group and size + more > JOINED_BYTES:
            if len(group) > 1:
                yield group
            group, size = [], 0
        group.append(path)
        size += more
    if len(group) > 1:
        yield group


def _set_aside(folder: Path, segment: Path) -> None:
    """Keep a damaged segment as it is, beside the log."""
    try:
        (folder / "damaged").mkdir(exist_ok=True)
        os.link(segment, folder / "damaged" / segment.name)
    except FileExistsError:
        pass
    except OSError as error:
        raise StateError(
            f"a damaged segment cannot be set aside: {error.strerror}",
            subject=str(segment),
            next_step="look at the disk; the segment stays in the log until then",
        ) from error
