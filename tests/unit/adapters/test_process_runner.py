from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from homeostat.adapters.local.process_runner import ProcessRunner
from homeostat.adapters.local.run_folder import Progress, RunFolder
from homeostat.domain.event import Ended
from homeostat.errors import DiskFullError, RunError, StateError
from homeostat.ports.runner import Runner
from homeostat.testing.runner_conformance import (
    PATIENCE_S,
    RunnerConformance,
    executions,
    order,
)

EXECUTE = "tests.unit.adapters.behaving_worker:execute"
ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _tests_are_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


class TestProcessRunner(RunnerConformance):
    def make(self, scratch: Path) -> Runner:
        return ProcessRunner(scratch / "project", scratch / "state", EXECUTE)

    def reopen(self, runner: Runner) -> Runner:
        return self.make(self.scratch)


def waited(condition: object, what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


class TestLiveWorkers:
    @pytest.fixture(autouse=True)
    def _worker_that_waits(self, tmp_path: Path) -> object:
        self.scratch = tmp_path
        self.folder = RunFolder(tmp_path / "state" / "runs", "run-1")
        self.runner = self.another()
        yield
        (tmp_path / "go").touch()
        waited(lambda: not self.folder.is_alive(), "the worker goes on for ever")

    def another(self) -> ProcessRunner:
        return ProcessRunner(self.scratch / "project", self.scratch / "state", EXECUTE)

    def begin(self) -> None:
        self.runner.start(order("wait", self.scratch))
        waited(lambda: executions(self.scratch) == 1, "the worker does not begin")

    def test_from_its_start_to_its_end_a_run_is_running_for_every_controller(self) -> None:
        self.runner.start(order("wait", self.scratch))
        assert self.runner.poll("run-1") is None  # before the worker can have done anything
        assert self.another().poll("run-1") is None
        (self.scratch / "go").touch()
        waited(lambda: self.another().poll("run-1") is not None, "the run does not end")
        ended = self.another().poll("run-1")
        assert ended is not None
        assert ended.candidate is not None

    def test_starting_what_runs_does_nothing_whoever_does_it(self) -> None:
        self.begin()
        self.runner.start(order("wait", self.scratch))
        self.another().start(order("wait", self.scratch))
        (self.scratch / "go").touch()
        waited(lambda: self.runner.poll("run-1") is not None, "the run does not end")
        assert executions(self.scratch) == 1

    def test_kill_dash_nine_is_an_interruption_and_the_next_start_resumes(self) -> None:
        self.begin()
        pid = self.folder.signed()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        waited(lambda: self.runner.poll("run-1") is not None, "nobody sees that it died")
        assert self.runner.poll("run-1") == Ended("run-1", interrupted=True)
        assert self.another().poll("run-1") == Ended("run-1", interrupted=True)
        (self.scratch / "go").touch()
        self.another().start(order("wait", self.scratch))
        waited(lambda: self.runner.poll("run-1") is not None, "the run does not end")
        assert self.folder.result() is not None
        assert executions(self.scratch) == 2

    def test_a_worker_outlives_the_controller_that_started_it(self) -> None:
        script = (
            "import sys\n"
            "from pathlib import Path\n"
            "from homeostat.adapters.local.process_runner import ProcessRunner\n"
            "from homeostat.testing.runner_conformance import order\n"
            "scratch = Path(sys.argv[1])\n"
            f"runner = ProcessRunner(scratch / 'project', scratch / 'state', {EXECUTE!r})\n"
            "runner.start(order('wait', scratch))\n"
        )
        subprocess.run([sys.executable, "-c", script, str(self.scratch)], check=True)
        assert self.runner.poll("run-1") is None
        (self.scratch / "go").touch()
        waited(lambda: self.runner.poll("run-1") is not None, "the run does not end")
        ended = self.runner.poll("run-1")
        assert ended is not None
        assert ended.candidate is not None

    def test_a_worker_at_an_older_request_is_stopped(self) -> None:
        self.begin()
        old = self.folder.signed()
        newer = replace(order("succeed", self.scratch), seed=8)
        self.runner.start(newer)
        waited(lambda: self.runner.poll("run-1") is not None, "the run does not end")
        assert self.folder.signed() != old
        job = self.folder.job()
        assert job is not None
        assert job.request == newer
        result = self.folder.result()
        assert result is not None
        assert result.candidate is not None

    def test_progress_and_log_are_kept_in_the_folder_of_the_run(self) -> None:
        assert self.runner.progress("run-1") is None
        self.begin()
        assert self.another().progress("run-1") == Progress("train", 0.5)
        (self.scratch / "go").touch()
        waited(lambda: not self.folder.is_alive(), "the run does not end")
        assert self.folder.log.read_text().startswith("working in ")


def test_the_traceback_of_a_failed_run_stands_in_its_log(tmp_path: Path) -> None:
    runner = ProcessRunner(tmp_path / "project", tmp_path / "state", EXECUTE)
    runner.start(order("crash", tmp_path))
    waited(lambda: runner.poll("run-1") is not None, "the run does not end")
    log = RunFolder(tmp_path / "state" / "runs", "run-1").log.read_text()
    assert "Traceback" in log
    assert "ZeroDivisionError" in log


def test_a_worker_that_cannot_even_import_its_function_is_interrupted(tmp_path: Path) -> None:
    runner = ProcessRunner(tmp_path / "project", tmp_path / "state", "no.such.module:execute")
    runner.start(order("succeed", tmp_path))
    waited(lambda: runner.poll("run-1") is not None, "the run does not end")
    assert runner.poll("run-1") == Ended("run-1", interrupted=True)


def test_a_half_written_answer_counts_as_none(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "runs", "run-1")
    folder.path.mkdir(parents=True)
    (folder.path / "result.json").write_bytes(b'{"run_id": "run-1", "cand')
    runner = ProcessRunner(tmp_path, tmp_path)
    assert runner.poll("run-1") == Ended("run-1", interrupted=True)


def test_asking_about_a_run_creates_nothing(tmp_path: Path) -> None:
    ProcessRunner(tmp_path, tmp_path).poll("run-1")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_a_typed_error_and_leaves_the_old_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = RunFolder(tmp_path, "run-1")
    folder.path.mkdir()
    folder.write_result(Ended("run-1", error="first"))

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskFullError):
        folder.write_result(Ended("run-1", error="second"))
    assert folder.result() == Ended("run-1", error="first")
    assert [path.name for path in folder.path.iterdir()] == ["result.json"]


def test_a_state_folder_that_is_a_file_is_a_typed_error(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("not a folder")
    with pytest.raises(StateError):
        ProcessRunner(tmp_path, tmp_path).start(order("succeed", tmp_path))


def test_no_room_for_a_process_is_a_typed_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(subprocess, "Popen", refused)
    runner = ProcessRunner(tmp_path, tmp_path, EXECUTE)
    with pytest.raises(RunError, match="no worker process"):
        runner.start(order("succeed", tmp_path))
    assert runner.poll("run-1") == Ended("run-1", interrupted=True)
