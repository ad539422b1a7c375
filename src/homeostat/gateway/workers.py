"""The worker processes of a gateway: started, watched, started again, stopped."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from homeostat.errors import ServingError
from homeostat.gateway.metrics import SHARED

STOP_S = 15.0
START_S = 60.0
FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 10.0
STEADY_S = 30.0
"""A worker that lived so long is started again at once when it ends."""


def socket_name(pid: int) -> str:
    """Name of a worker's socket."""
    return f"worker-{pid}"


@dataclass(slots=True)
class _Worker:
    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    began_s: float = 0.0
    pause_s: float = FIRST_PAUSE_S
    again_s: float = 0.0


class Workers:
    """Runs one process per command; a process that ends is started again.

    ``folder`` holds their sockets, ``metrics`` what they count. A worker that keeps failing is
    started again less and less often, at least every ten seconds.
    """

    def __init__(self, commands: Sequence[Sequence[str]], folder: Path, metrics: Path) -> None:
        self._workers = [
            _Worker(f"worker {number}", list(command)) for number, command in enumerate(commands)
        ]
        self._folder = folder
        self._metrics = metrics

    def start(self) -> None:
        """Start all; returns when each has its socket. ServingError when one ends instead."""
        self._metrics.mkdir(parents=True, exist_ok=True)
        for old in self._metrics.glob("*.db"):
            old.unlink(missing_ok=True)
        self._folder.mkdir(parents=True, exist_ok=True)
        for worker in self._workers:
            self._spawn(worker)
        until = monotonic() + START_S
        for worker in self._workers:
            self._await(worker, until)

    def watch(self) -> list[str]:
        """Start again what has ended; names of the workers that had."""
        ended, now = [], monotonic()
        for worker in self._workers:
            if worker.process is None:
                if now >= worker.again_s:
                    self._spawn(worker)
            elif worker.process.poll() is not None:
                ended.append(worker.name)
                self._buried(worker, now)
        return ended

    def stop(self) -> None:
        """Let requests under way finish, then end all."""
        for worker in self._workers:
            if worker.process is not None and worker.process.poll() is None:
                worker.process.send_signal(signal.SIGTERM)
        until = monotonic() + STOP_S
        for worker in self._workers:
            if worker.process is None:
                continue
            try:
                worker.process.wait(max(0.1, until - monotonic()))
            except subprocess.TimeoutExpired:
                worker.process.kill()
                worker.process.wait()

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers that run."""
        return [w.process.pid for w in self._workers if w.process is not None]

    def _spawn(self, worker: _Worker) -> None:
        environment = {**os.environ, SHARED: str(self._metrics)}
        worker.process = subprocess.Popen(worker.command, env=environment)  # noqa: S603
        worker.began_s = monotonic()

    def _buried(self, worker: _Worker, now: float) -> None:
        from prometheus_client import multiprocess

        assert worker.process is not None
        multiprocess.mark_process_dead(  # type: ignore[no-untyped-call]
            worker.process.pid, str(self._metrics)
        )
        if now - worker.began_s >= STEADY_S:
            worker.pause_s = FIRST_PAUSE_S
        worker.process = None
        worker.again_s = now + worker.pause_s
        worker.pause_s = min(LONGEST_PAUSE_S, worker.pause_s * 2)

    def _await(self, worker: _Worker, until: float) -> None:
        import time

        assert worker.process is not None
        while not (self._folder / f"{socket_name(worker.process.pid)}.sock").exists():
            if worker.process.poll() is not None or monotonic() > until:
                self.stop()
                raise ServingError(
                    "a worker of the gateway did not start",
                    subject=worker.name,
                    next_step="its own message stands above this one",
                )
            time.sleep(0.02)
