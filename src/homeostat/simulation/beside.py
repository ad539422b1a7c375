"""The baselines in a process of their own, so that they train while the loop goes on.

The process is a plain ``python -m`` of this module: it depends on no main module, so that a
back-test can be started from a script or a notebook too. It tells shares as floats, and in the
end its answer or the error that stopped it, through a pipe.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from homeostat.errors import HomeostatError, RunError
from homeostat.simulation.baselines import Baselines, Job, run_baselines

LOG = "baselines.log"
"""What the process wrote to standard error, in the state folder."""


@dataclass
class Beside:
    """The baselines under way. ``share`` is how far they were when last asked."""

    process: subprocess.Popen[bytes]
    connection: Connection
    log: Path
    share: float = 0.0
    answer: Any = None

    @classmethod
    def start(cls, job: Job, state: Path) -> Beside:
        """Begin in a fresh process; it ends when this one does."""
        ours, theirs = os.pipe()
        log = state / LOG
        command = [sys.executable, "-m", "homeostat.simulation.beside", str(theirs)]
        with log.open("wb") as errors:
            process = subprocess.Popen(  # noqa: S603
                command, pass_fds=(theirs,), stdin=subprocess.PIPE, stderr=errors
            )
        os.close(theirs)
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError), process.stdin as stdin:
            stdin.write(pickle.dumps((job, state)))
        return cls(process, Connection(ours, writable=False), log)

    def poll(self, wait_s: float = 0.0) -> bool:
        """Whether the answer is there; waits for news up to ``wait_s``."""
        while self.answer is None and self.connection.poll(wait_s):
            wait_s = 0.0
            try:
                news = self.connection.recv()
            except EOFError:
                news = self._died()
            if isinstance(news, float):
                self.share = news
            else:
                self.answer = news
        return self.answer is not None

    def _died(self) -> RunError:
        code = self.process.wait(10)
        return RunError(
            f"the process that computes the baselines died (exit code {code})",
            subject=str(self.log),
            next_step="see the log, give it more memory, or leave them out with --compare ''",
        )

    def result(self) -> Baselines:
        """The answer; raises the HomeostatError that stopped it. Call it after :meth:`poll`."""
        self.close()
        if isinstance(self.answer, BaseException):
            raise self.answer
        assert isinstance(self.answer, Baselines), "asked before it was there"
        return self.answer

    def close(self) -> None:
        """End the process, whatever it is doing."""
        if self.answer is None:
            self.process.terminate()
        self.process.wait(10)
        self.connection.close()


def main() -> None:
    """What the process does: ``argv[1]`` is the pipe to tell, the job comes on standard input."""
    connection = Connection(int(sys.argv[1]), readable=False)
    job, state = pickle.loads(sys.stdin.buffer.read())  # noqa: S301 -- from our own parent
    _give_way()
    try:
        connection.send(_compute(job, state, connection))
    except HomeostatError as error:
        connection.send(error)
    except BrokenPipeError:  # the back-test is gone
        sys.exit(1)
    except Exception as error:  # told to whoever asked, not lost with this process
        connection.send(
            RunError(
                f"{type(error).__name__}: {error}",
                subject="baselines",
                next_step="check the project's code with `homeostat check`",
            )
        )


def _compute(job: Job, state: Path, connection: Connection) -> Baselines:
    from homeostat.simulation.replay_clock import ReplayClock
    from homeostat.wiring import assemble

    wired = assemble(job.folder, state, clock=ReplayClock(job.until), executor="inline")
    return run_baselines(job, wired.project, wired.reader, connection.send)


def _give_way() -> None:
    """Take only the time that the loop leaves over.

    Training on several threads waits for its slowest thread at every step. A neighbour of equal
    rank on the same cores makes that twenty times slower (measured on two cores); one of the
    lowest rank does not.
    """
    with contextlib.suppress(AttributeError, OSError):  # no such call, or not allowed
        os.nice(19)


if __name__ == "__main__":
    main()
