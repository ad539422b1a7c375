"""The baselines in a process of their own, so that they train while the loop goes on.

It begins with the features of all rows and then waits for the loop's first champion. The process
is a plain ``python -m`` of this module: it depends on no main module, so that a
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
from homeostat.simulation.baselines import Baselines, First, Job, all_rows, run_baselines

LOG = "baselines.log"
"""What the process wrote to standard error, in the state folder."""


@dataclass
class Beside:
    """The baselines under way. ``share`` is how far they were when last asked."""

    process: subprocess.Popen[bytes]
    connection: Connection
    log: Path
    share: float = 0.0
    going: bool = False
    answer: Any = None

    @classmethod
    def start(cls, job: Job, state: Path) -> Beside:
        """Begin with the features, in a fresh process; it ends when this one does."""
        ours, theirs = os.pipe()
        log = state / LOG
        command = [sys.executable, "-m", "homeostat.simulation.beside", str(theirs)]
        with log.open("wb") as errors:
            process = subprocess.Popen(  # noqa: S603
                command, pass_fds=(theirs,), stdin=subprocess.PIPE, stderr=errors
            )
        os.close(theirs)
        beside = cls(process, Connection(ours, writable=False), log)
        beside._say((job, state))
        return beside

    def go_on(self, first: First) -> None:
        """There is a first champion: train and answer."""
        self._say(first)
        self.going = True

    def _say(self, message: Any) -> None:
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it died: the next poll tells why
            self.process.stdin.write(pickle.dumps(message))
            self.process.stdin.flush()

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
        if self.process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.close()
        self.process.wait(10)
        self.connection.close()


def main() -> None:
    """What the process does: ``argv[1]`` is the pipe to tell, messages come on standard input."""
    connection = Connection(int(sys.argv[1]), readable=False)
    _give_way()
    try:
        answer: Any = _compute(connection)
    except HomeostatError as error:
        answer = error
    except (BrokenPipeError, EOFError):  # the back-test is gone
        sys.exit(1)
    except Exception as error:  # told to whoever asked, not lost with this process
        answer = RunError(
            f"{type(error).__name__}: {error}",
            subject="baselines",
            next_step="check the project's code with `homeostat check`",
        )
    with contextlib.suppress(BrokenPipeError):
        connection.send(answer)


def _compute(connection: Connection) -> Baselines:
    from homeostat.simulation.replay_clock import ReplayClock
    from homeostat.wiring import assemble

    job, state = _hear()
    wired = assemble(job.folder, state, clock=ReplayClock(job.until), executor="inline")
    rows = all_rows(job, wired.project, wired.reader)
    return run_baselines(job, wired.project, rows, _hear(), connection.send)


def _hear() -> Any:
    """The next message from the back-test; EOFError when it is gone."""
    return pickle.load(sys.stdin.buffer)  # noqa: S301 -- from our own parent


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
