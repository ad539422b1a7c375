"""The files of one run, shared by the controller that asks and the worker that answers."""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeVar
from urllib.parse import quote

import msgspec

from homeostat.adapters.local.atomic_file import fill_file, sweep, translated
from homeostat.domain.codec import canonical
from homeostat.domain.event import Ended
from homeostat.domain.run import RunRequest
from homeostat.errors import StateError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker is asked to do: the request, where, and by which function."""

    request: RunRequest
    project: str
    state: str
    execute: str


@dataclass(frozen=True, slots=True)
class Progress:
    """The step a run is in, and the share of the run in [0, 1] that is done."""

    step: str
    share: float


class RunFolder:
    """``runs/<run id>``: ``request.json``, ``result.json``, ``progress.json``, ``worker.log``.

    Whoever holds an exclusive ``flock`` on the file ``alive`` works on the run. The kernel lets
    the lock go when its holder dies, however it dies; so a lock that is free, without a result,
    means that the worker died. Files are written beside and renamed: whole, or not there.
    """

    def __init__(self, runs: Path, run_id: str) -> None:
        self.path = runs / quote(run_id, safe="")
        self.log = self.path / "worker.log"

    def job(self) -> Job | None:
        """What was asked for, None when nothing readable was."""
        return self._read("request.json", Job)

    def write_job(self, job: Job) -> None:
        """Ask for a run; an earlier answer is gone before the new question stands."""
        with translated(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            for name in ("result.json", "progress.json"):
                (self.path / name).unlink(missing_ok=True)
            sweep(self.path)
        self._write("request.json", job)

    def result(self) -> Ended | None:
        """How the run ended, None when no readable answer is there."""
        return self._read("result.json", Ended)

    def write_result(self, ended: Ended) -> None:
        """Say how the run ended, durably."""
        self._write("result.json", ended)

    def progress(self) -> Progress | None:
        """How far the run is, None before its first step."""
        return self._read("progress.json", Progress)

    def write_progress(self, progress: Progress) -> None:
        """Say how far the run is; may be lost in a power cut."""
        self._write("progress.json", progress, durable=False)

    def take(self) -> int | None:
        """Take the lock; its file descriptor, or None when a live worker has it."""
        with translated(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.path / "alive", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor

    def is_alive(self) -> bool:
        """Whether a worker is at it; never creates anything."""
        if not (self.path / "alive").exists():
            return False
        descriptor = self.take()
        if descriptor is None:
            return True
        os.close(descriptor)
        return False

    def sign(self, descriptor: int, pid: int) -> None:
        """Note the worker's process id in the lock file whose lock it holds."""
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(pid).encode(), 0)

    def signed(self) -> int | None:
        """The process id in the lock file."""
        try:
            return int((self.path / "alive").read_text())
        except (OSError, ValueError):
            return None

    def _read(self, name: str, kind: type[T]) -> T | None:
        try:
            return msgspec.json.decode((self.path / name).read_bytes(), type=kind)
        except (FileNotFoundError, msgspec.DecodeError):
            return None
        except OSError as error:
            raise StateError(
                f"the file cannot be read ({error})",
                subject=str(self.path / name),
                next_step="give this user the right to read the state folder",
            ) from error

    def _write(self, name: str, value: object, *, durable: bool = True) -> None:
        def fill(file: BinaryIO) -> Path:
            file.write(canonical(value))
            return self.path / name

        fill_file(self.path, fill, durable=durable)
