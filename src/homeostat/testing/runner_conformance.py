"""What every runner must do. Subclass, say how to make one, and let pytest collect it."""

from __future__ import annotations

import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from homeostat.domain.event import Ended
from homeostat.domain.run import Candidate, RunRequest
from homeostat.errors import EmptyDataError
from homeostat.ports.runner import Runner
from homeostat.testing.tracker_conformance import AS_OF, example_candidate

PATIENCE_S = 60.0


def order(behaviour: str, scratch: Path, run_id: str = "run-1") -> RunRequest:
    """A request whose trigger says how the run shall behave, and whose reason says where."""
    return RunRequest(run_id, AS_OF, str(scratch), behaviour, 7, "s" * 64)


def behave(request: RunRequest) -> Candidate:
    """A run that behaves as its trigger says; each execution leaves a line in ``executions``.

    ``succeed``; ``fail`` with a typed error; ``crash`` with another one; ``die`` the first
    time, with the process, and succeed after that; ``wait`` until ``go`` is there.
    """
    scratch = Path(request.reason)
    with (scratch / "executions").open("a") as file:
        file.write(f"{request.id}\n")
    if request.trigger == "fail":
        raise EmptyDataError("no rows", subject="orders", next_step="wait for rows")
    if request.trigger == "crash":
        raise ZeroDivisionError("division by zero")
    if request.trigger == "die" and executions(scratch) == 1:
        die(scratch)
    deadline = time.monotonic() + PATIENCE_S
    while request.trigger == "wait" and not (scratch / "go").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return example_candidate(request.id)


def die(scratch: Path) -> None:
    """End this process at once if it is a worker; else raise what nothing catches."""
    if (scratch / "worker").exists():
        os.kill(os.getpid(), 9)
    raise Death


def executions(scratch: Path) -> int:
    """How often runs were executed."""
    path = scratch / "executions"
    return len(path.read_text().splitlines()) if path.exists() else 0


class Death(BaseException):
    """Stands for the death of the process."""


class RunnerConformance:
    """The contract of ``ports.runner.Runner``, one rule per test."""

    def make(self, scratch: Path) -> Runner:
        """A runner with nothing in it that executes :func:`behave`."""
        raise NotImplementedError

    def reopen(self, runner: Runner) -> Runner:
        """A runner on the same store, as after a restart of the controller."""
        raise NotImplementedError

    def ended(self, runner: Runner, run_id: str = "run-1") -> Ended:
        """Wait until the run has ended."""
        deadline = time.monotonic() + PATIENCE_S
        while (ended := runner.poll(run_id)) is None:
            assert time.monotonic() < deadline, "the run does not end"
            time.sleep(0.01)
        return ended

    def start(self, runner: Runner, request: RunRequest) -> None:
        """Start a run; where it runs in this process, outlive its death."""
        with suppress(Death):
            runner.start(request)

    def setup_method(self) -> None:
        """A folder in which runs leave their traces."""
        self.temporary = tempfile.TemporaryDirectory()
        self.scratch = Path(self.temporary.name)

    def teardown_method(self) -> None:
        """Let waiting runs go on, and forget the traces."""
        (self.scratch / "go").touch()
        self.temporary.cleanup()

    def test_a_run_that_succeeds_gives_its_candidate(self) -> None:
        """Again and again the same answer."""
        runner = self.make(self.scratch)
        self.start(runner, order("succeed", self.scratch))
        ended = self.ended(runner)
        assert ended == Ended("run-1", candidate=example_candidate())
        assert runner.poll("run-1") == ended

    def test_a_typed_error_is_the_answer(self) -> None:
        """With its code and its next step."""
        runner = self.make(self.scratch)
        self.start(runner, order("fail", self.scratch))
        ended = self.ended(runner)
        assert ended.error == "[H202] orders: no rows Next: wait for rows"
        assert ended.candidate is None
        assert not ended.interrupted

    def test_any_other_error_is_the_answer_too(self) -> None:
        """With its class and its text."""
        runner = self.make(self.scratch)
        self.start(runner, order("crash", self.scratch))
        ended = self.ended(runner)
        assert ended == Ended("run-1", error="ZeroDivisionError: division by zero")

    def test_a_run_nobody_started_is_interrupted(self) -> None:
        """What was lost before it began must be started again."""
        runner = self.make(self.scratch)
        assert runner.poll("run-1") == Ended("run-1", interrupted=True)

    def test_starting_a_run_that_gave_a_candidate_does_nothing(self) -> None:
        """The candidate stays, nothing is executed twice."""
        runner = self.make(self.scratch)
        for _ in range(3):
            self.start(runner, order("succeed", self.scratch))
            assert self.ended(runner).candidate is not None
        assert executions(self.scratch) == 1

    def test_starting_a_run_that_failed_tries_again(self) -> None:
        """The loop decides whether to; the runner obeys."""
        runner = self.make(self.scratch)
        for _ in range(2):
            self.start(runner, order("fail", self.scratch))
            assert self.ended(runner).error
        assert executions(self.scratch) == 2

    def test_a_run_whose_process_died_is_interrupted_and_can_be_started_again(self) -> None:
        """Also by another controller."""
        runner = self.make(self.scratch)
        self.start(runner, order("die", self.scratch))
        assert self.ended(runner) == Ended("run-1", interrupted=True)
        again = self.reopen(runner)
        assert self.ended(again) == Ended("run-1", interrupted=True)
        self.start(again, order("die", self.scratch))
        assert self.ended(again).candidate == example_candidate()

    def test_after_a_restart_a_run_is_never_silent(self) -> None:
        """It is finished, or interrupted and then gives the same candidate."""
        runner = self.make(self.scratch)
        self.start(runner, order("succeed", self.scratch))
        self.ended(runner)
        again = self.reopen(runner)
        ended = again.poll("run-1")
        assert ended is not None
        if ended.interrupted:
            self.start(again, order("succeed", self.scratch))
        assert self.ended(again).candidate == example_candidate()

    def test_runs_are_kept_apart(self) -> None:
        """Each id has its own answer."""
        runner = self.make(self.scratch)
        self.start(runner, order("succeed", self.scratch, "run-1"))
        self.start(runner, order("fail", self.scratch, "2013-05-01T00:00/drift #2"))
        assert self.ended(runner, "run-1").candidate is not None
        assert self.ended(runner, "2013-05-01T00:00/drift #2").error
        assert runner.poll("run-3") == Ended("run-3", interrupted=True)

    def test_another_request_under_the_same_id_is_executed(self) -> None:
        """The newest request is the one that the ledger knows."""
        runner = self.make(self.scratch)
        self.start(runner, order("fail", self.scratch))
        self.ended(runner)
        self.start(runner, order("succeed", self.scratch))
        assert self.ended(runner).candidate is not None
