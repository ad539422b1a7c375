"""Files that are there whole or not at all, whatever happens while they are written.

Write beside the target, fsync, rename, fsync the folder. A writer holds a lock on its
temporary file, so that :func:`sweep` can tell what a killed process left behind from what
another process is writing now.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from homeostat.errors import DiskFullError, StateError

_PREFIX = ".unfinished-"
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def write_file(target: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Make ``target`` hold ``content``, durable when this returns.

    Raises DiskFullError, and StateError when the folder cannot be written; the target is then
    as it was, and nothing is left beside it.
    """

    def fill(file: BinaryIO) -> Path:
        file.write(content)
        return target

    fill_file(target.parent, fill, mode=mode)


def fill_file(
    folder: Path,
    fill: Callable[[BinaryIO], Path],
    *,
    mode: int = 0o644,
    durable: bool = True,
) -> Path:
    """Let ``fill`` write a new file in ``folder``, then put it where ``fill`` says.

    The target must be on the same file system. Not ``durable``: no fsync, so that a power cut
    may leave the target empty; the death of this process may not. Errors as of
    :func:`write_file`.
    """
    with translated(folder):
        folder.mkdir(parents=True, exist_ok=True)
        unfinished, file = _begin_file(folder)
        try:
            with file:
                target = fill(file)
                file.flush()
                os.fchmod(file.fileno(), mode)
                if durable:
                    os.fsync(file.fileno())
                if not target.parent.is_dir():
                    target.parent.mkdir(parents=True, exist_ok=True)
                    if durable:
                        sync_folder(folder)
                unfinished.replace(target)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
        if durable:
            sync_folder(target.parent)
    return target


def fill_folder(target: Path, fill: Callable[[Path], None]) -> None:
    """Let ``fill`` write files into a new folder, then make it ``target``, all at once.

    When another process has made ``target`` in the meantime, that one stays.
    Errors as of :func:`write_file`.
    """
    with translated(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished, lock = _begin_folder(target.parent)
        try:
            fill(unfinished)
            unfinished.chmod(0o755)
            sync_folder(unfinished)
            unfinished.rename(target)
        except OSError as error:
            shutil.rmtree(unfinished, ignore_errors=True)
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST) or not target.is_dir():
                raise
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
        finally:
            os.close(lock)
        sync_folder(target.parent)


def sweep(folder: Path) -> int:
    """Remove what killed writers left in ``folder``; how many files and folders that were."""
    removed = 0
    for left in folder.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            descriptor = os.open(left, os.O_RDONLY)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left) if left.is_dir() else left.unlink()
                removed += 1
            finally:
                os.close(descriptor)
    return removed


def _begin_file(folder: Path) -> tuple[Path, BinaryIO]:
    """A new, locked file; another one if a sweep took it before it was locked."""
    while True:
        descriptor, name = tempfile.mkstemp(dir=folder, prefix=_PREFIX)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return Path(name), os.fdopen(descriptor, "wb")
        os.close(descriptor)


def _begin_folder(parent: Path) -> tuple[Path, int]:
    """A new folder and the descriptor that locks it; another one if a sweep took it before."""
    while True:
        name = tempfile.mkdtemp(dir=parent, prefix=_PREFIX)
        with suppress(FileNotFoundError):
            descriptor = os.open(name, os.O_RDONLY)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.fstat(descriptor).st_nlink:
                return Path(name), descriptor
            os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Make the names in ``folder`` outlive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def translated(where: Path) -> Iterator[None]:
    """Turn the operating system's errors about ``where`` into ours."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise DiskFullError(
                f"there is no room to write ({error.strerror}); nothing was written",
                subject=str(where),
                next_step="free some space, or raise the quota, and try again",
            ) from error
        raise StateError(
            f"it cannot be written: {error}",
            subject=str(where),
            next_step="look at the disk, and at who may write to this folder",
        ) from error
