"""Each run in a process of its own, which outlives the controller that started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from homeostat.adapters.local.run_folder import Job, Progress, RunFolder
from homeostat.domain.event import Ended
from homeostat.domain.run import RunRequest
from homeostat.errors import RunError

_WORKER = "homeostat.adapters.local.run_worker"
_STOP_WAIT_S = 10.0


class ProcessRunner:
    """The runner port with one worker process per run, on the state folder ``state``.

    The worker inherits a locked file and so holds the lock from its first instant to its last:
    there is no moment in which a live run looks dead, nor the other way round. A new
    ProcessRunner on the same folder therefore knows which runs are running, have finished or
    were interrupted. ``execute`` names the worker's function (``module:function``).
    """

    def __init__(self, folder: Path, state: Path, execute: str = f"{_WORKER}:run_project") -> None:
        self._project = folder.absolute()
        self._state = state.absolute()
        self._execute = execute

    def start(self, request: RunRequest) -> None:
        """Start a worker, unless one is at this very request or has given its candidate.

        A worker that is at another request under the same id is stopped first: the ledger
        knows only the newest. Raises RunError when no process can be started, StateError when
        the run's folder cannot be written.
        """
        folder = self._folder(request.id)
        job = Job(request, str(self._project), str(self._state), self._execute)
        lock = folder.take()
        if lock is None:
            if folder.job() == job and folder.result() is None:
                return
            lock = self._stop(folder)  # at an older request, or done and about to end
        try:
            ended = folder.result()
            if ended is not None and ended.candidate is not None and folder.job() == job:
                return
            folder.write_job(job)
            self._spawn(folder, request.id, lock)
        finally:
            os.close(lock)

    def poll(self, run_id: str) -> Ended | None:
        """How the run ended, ``interrupted`` when its worker died or was never started."""
        folder = self._folder(run_id)
        ended = folder.result()
        if ended is None and folder.is_alive():
            return None
        # The answer is written before the lock is let go, so look once more.
        return ended or folder.result() or Ended(run_id, interrupted=True)

    def progress(self, run_id: str) -> Progress | None:
        """How far a run is, None before its first step."""
        return self._folder(run_id).progress()

    def _folder(self, run_id: str) -> RunFolder:
        return RunFolder(self._state / "runs", run_id)

    def _spawn(self, folder: RunFolder, run_id: str, lock: int) -> None:
        command = [sys.executable, "-P", "-m", _WORKER, str(folder.path), str(lock)]
        try:
            with folder.log.open("ab") as log:
                child = subprocess.Popen(  # noqa: S603  our own interpreter and module
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    pass_fds=(lock,),
                    start_new_session=True,  # Ctrl-C at the controller does not reach it
                )
        except OSError as error:
            raise RunError(
                f"no worker process can be started ({error})",
                subject=run_id,
                next_step="free memory or raise the process limit; the next pass tries again",
            ) from error
        folder.sign(lock, child.pid)
        # Wait for it beside, so that its entry in the process table goes when it has ended.
        threading.Thread(target=child.wait, name=f"worker {run_id}", daemon=True).start()

    def _stop(self, folder: RunFolder) -> int:
        """Kill the worker that holds the lock, and take the lock from it."""
        deadline = time.monotonic() + _STOP_WAIT_S
        while (lock := folder.take()) is None:
            pid = folder.signed()
            if pid is not None:
                with suppress(ProcessLookupError):  # it has gone by itself
                    os.killpg(pid, signal.SIGKILL)
            if time.monotonic() > deadline:
                raise RunError(
                    "the worker of an older request does not stop",
                    subject=str(folder.path),
                    next_step=f"end process {pid} by hand",
                )
            time.sleep(0.02)
        return lock
