"""Changes to the files of the prediction log that happen whole or not at all.

A change is files that come and files that go. It is written down in one file, the note, first;
from then on it holds, and whoever opens the log next completes what a killed process left.
Readers hold a shared lock while they look at which files there are, so nobody ever sees both
the old and the new files of a change, or neither.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from homeostat.errors import StateCorruptError
from homeostat.monitoring.log_segments import full, sync_folder

LOCK = "lock"
NOTE = "commit.json"
SERIAL = "serial"
UNFINISHED = "unfinished"


@dataclass(frozen=True, slots=True)
class _Staged:
    """A file that is written but not yet in the log. It is locked while its maker lives."""

    file: int
    unfinished: Path
    target: Path


@dataclass(slots=True)
class Change:
    """``comes``: content by path; ``goes``: paths. All below the log's folder.

    ``durable``: what went before is never lost with a loss of power in the middle.
    """

    comes: Mapping[Path, bytes] = field(default_factory=dict)
    goes: Sequence[Path] = ()
    durable: bool = True


class Commits:
    """The changes to the log in ``folder``. Safe to use from several threads and processes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def looking(self) -> Iterator[str]:
        """No change happens inside. Yields a text that differs after every change."""
        if not self._folder.is_dir():
            yield ""
            return
        while True:
            try:
                file = self._lock(fcntl.LOCK_SH)
            except OSError:  # there is no lock and none can be made: nobody changes this log
                yield self._serial()
                return
            try:
                if not (self._folder / NOTE).exists():
                    yield self._serial()
                    return
            finally:
                os.close(file)
            with self._alone():
                self._complete()

    def make(self, change: Change) -> tuple[str, str] | None:
        """Make ``change``; what :meth:`looking` yields before and after it.

        None, and nothing has changed, when a file that was to go has gone already: another
        process was faster. Raises DiskFullError, and then nothing has changed either.
        """
        staged: list[_Staged] = []
        holds = False
        try:
            for target, content in change.comes.items():
                staged.append(self._stage(target, content, durable=change.durable))
            with self._alone():
                before = self._complete()
                if not all(path.exists() for path in change.goes):
                    return None
                note = self._write_note(staged, change)
                holds = True
                note.replace(self._folder / NOTE)
                if change.durable:
                    sync_folder(self._folder)
                return before, self._complete(durable=change.durable)
        except OSError as error:
            raise full(self._folder, error) from error
        finally:
            for one in staged:
                if not holds:
                    one.unfinished.unlink(missing_ok=True)
                os.close(one.file)

    def sweep(self) -> int:
        """Remove what killed processes left unfinished; how many files."""
        removed = 0
        folder = self._folder / UNFINISHED
        if not folder.is_dir():
            return 0
        with self._alone():
            self._complete()
            for path in folder.iterdir():
                with suppress(OSError):
                    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
                    try:
                        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        path.unlink()
                        removed += 1
                    finally:
                        os.close(file)
        return removed

    # -- one change -----------------------------------------------------------------------

    def _stage(self, target: Path, content: bytes, *, durable: bool) -> _Staged:
        folder = self._folder / UNFINISHED
        while True:
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / secrets.token_hex(8)
            file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o644)
            staged = _Staged(file, path, target)
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                fcntl.flock(file, fcntl.LOCK_EX)
                if not os.fstat(file).st_nlink:  # a sweep took it before it was locked
                    os.close(file)
                    continue
                _write_whole(file, content, durable=durable)
            except BaseException:
                path.unlink(missing_ok=True)
                os.close(file)
                raise
            return staged

    def _write_note(self, staged: Sequence[_Staged], change: Change) -> Path:
        """The note beside its place, and all that completing it would need room for."""
        serial = secrets.token_hex(8)
        note = orjson.dumps({
            "comes": [[self._name(one.unfinished), self._name(one.target)] for one in staged],
            "goes": [self._name(path) for path in change.goes if path not in change.comes],
            "serial": serial,
        })  # fmt: skip
        if change.durable and staged:
            sync_folder(self._folder / UNFINISHED)
        self._write(self._folder / f".{SERIAL}", serial.encode(), durable=change.durable)
        unfinished = self._folder / f".{NOTE}"
        self._write(unfinished, note, durable=change.durable)
        return unfinished

    def _write(self, path: Path, content: bytes, *, durable: bool) -> None:
        file = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, 0o644)
        try:
            _write_whole(file, content, durable=durable)
        finally:
            os.close(file)

    def _complete(self, *, durable: bool = True) -> str:
        """Do what the note says, once more if need be; the serial after it. Alone only."""
        path = self._folder / NOTE
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return self._serial()
        if not content:  # power was lost before it held
            path.unlink()
            return self._serial()
        note = self._parsed(path, content)
        folders = set()
        for unfinished, target in note["comes"]:
            wanted = self._folder / target
            self._place(self._folder / unfinished, wanted)
            folders.add(wanted.parent)
        for name in note["goes"]:
            gone = self._folder / name
            gone.unlink(missing_ok=True)
            folders.add(gone.parent)
        if durable:
            for folder in sorted({*folders, *(one.parent for one in folders)}):
                if folder.is_dir():
                    sync_folder(folder)
        serial: str = note["serial"]
        with suppress(FileNotFoundError):  # it was put there before a kill
            (self._folder / f".{SERIAL}").replace(self._folder / SERIAL)
        path.unlink()
        return serial

    def _place(self, unfinished: Path, target: Path) -> None:
        try:
            unfinished.replace(target)
        except FileNotFoundError:
            if unfinished.exists():  # the folder was empty, and was removed
                target.parent.mkdir(parents=True, exist_ok=True)
                unfinished.replace(target)

    def _parsed(self, path: Path, content: bytes) -> Any:
        try:
            return orjson.loads(content)
        except orjson.JSONDecodeError as error:
            raise StateCorruptError(
                "the note of the prediction log is damaged",
                subject=str(path),
                next_step="look at the disk; moved away, its change may be half made",
            ) from error

    def _serial(self) -> str:
        try:
            return (self._folder / SERIAL).read_text()
        except FileNotFoundError:
            return ""

    def _name(self, path: Path) -> str:
        return path.relative_to(self._folder).as_posix()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        file = self._lock(fcntl.LOCK_EX)
        try:
            yield
        finally:
            os.close(file)

    def _lock(self, kind: int) -> int:
        path = self._folder / LOCK
        try:
            file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            file = os.open(path, os.O_CREAT | os.O_RDONLY | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(file, kind)
        except BaseException:
            os.close(file)
            raise
        return file


def _write_whole(file: int, content: bytes, *, durable: bool) -> None:
    if os.write(file, content) != len(content):
        raise OSError(28, "no space left on device")
    if durable:
        os.fsync(file)
