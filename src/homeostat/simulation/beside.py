"""The baselines in a process of their own, so that they train while the loop goes on."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from homeostat.errors import HomeostatError, RunError
from homeostat.simulation.baselines import Baselines, Job, run_baselines

DIED = "the process that computes the baselines died"


@dataclass
class Beside:
    """The baselines under way. ``share`` is how far they were when last asked."""

    process: BaseProcess
    connection: Connection
    share: float = 0.0
    answer: Any = None

    @classmethod
    def start(cls, job: Job, state: Path) -> Beside:
        """Begin in a fresh process; it ends with this one."""
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_work, args=(theirs, job, state), daemon=True)
        process.start()
        theirs.close()
        return cls(process, ours)

    def poll(self, wait_s: float = 0.0) -> bool:
        """Whether the answer is there; waits for news up to ``wait_s``."""
        while self.answer is None and self.connection.poll(wait_s):
            try:
                news = self.connection.recv()
            except EOFError:
                self.process.join(5)
                self.answer = RunError(
                    f"{DIED} (exit code {self.process.exitcode})",
                    subject="baselines",
                    next_step="run the back-test again with more memory, or with --compare none",
                )
                break
            if isinstance(news, float):
                self.share = news
                wait_s = 0.0
            else:
                self.answer = news
        return self.answer is not None

    def result(self) -> Baselines:
        """The answer; raises the HomeostatError that stopped it. Call it after :meth:`poll`."""
        self.close()
        if isinstance(self.answer, BaseException):
            raise self.answer
        assert isinstance(self.answer, Baselines), "asked before it was there"
        return self.answer

    def close(self) -> None:
        """End the process, whatever it is doing."""
        if self.process.is_alive() and self.answer is None:
            self.process.terminate()
        self.process.join(10)
        self.connection.close()


def _give_way() -> None:
    """Take only the time that the loop leaves over.

    Training on several threads waits for its slowest thread at every step. A neighbour of equal
    rank on the same cores makes that twenty times slower (measured on two cores); one of the
    lowest rank does not.
    """
    with contextlib.suppress(AttributeError, OSError):  # no such call, or not allowed
        os.nice(19)


def _work(connection: Connection, job: Job, state: Path) -> None:
    """What the process does: send shares as floats, then the answer or an error."""
    from homeostat.simulation.replay_clock import ReplayClock
    from homeostat.wiring import assemble

    _give_way()
    try:
        wired = assemble(job.folder, state, clock=ReplayClock(job.until), executor="inline")
        connection.send(run_baselines(job, wired.project, wired.reader, connection.send))
    except HomeostatError as error:
        connection.send(error)
    except Exception as error:
        connection.send(
            RunError(
                f"{type(error).__name__}: {error}",
                subject="baselines",
                next_step="report this with the project file",
            )
        )
