"""The process beside the loop: it answers, it fails with a reason, it dies, it is ended."""

import os
import signal
from datetime import UTC, datetime

import pytest

from homeostat.errors import HomeostatError, RunError
from homeostat.simulation.baselines import First, Job
from homeostat.simulation.beside import LOG, Beside
from tests.unit.simulation.projects import tiny_project


@pytest.fixture
def job(tmp_path):
    return Job(
        folder=tiny_project(tmp_path / "tiny"),
        data_since=datetime(2024, 1, 1, tzinfo=UTC),
        until=datetime(2024, 2, 20, tzinfo=UTC),
        ways=("never",),
    )


@pytest.fixture
def first(tmp_path):
    since = datetime(2024, 1, 15, tzinfo=UTC)
    return First(since, tmp_path / "no-package", "0" * 64, {}, 7)


@pytest.fixture
def state(tmp_path):
    folder = tmp_path / "state"
    folder.mkdir()
    return folder


def wait(beside: Beside) -> None:
    for _ in range(600):
        if beside.poll(0.1):
            return
    raise AssertionError("no answer")


def test_what_stops_it_comes_back_as_the_typed_error_that_it_is(job, first, state):
    beside = Beside.start(job, state)
    beside.go_on(first)
    wait(beside)
    with pytest.raises(HomeostatError, match="no-package") as caught:
        beside.result()
    assert caught.value.next_step
    assert beside.process.returncode == 0


def test_a_process_that_is_killed_is_told_with_its_log(job, first, state):
    beside = Beside.start(job, state)
    os.kill(beside.process.pid, signal.SIGKILL)
    beside.process.wait(10)
    beside.go_on(first)
    wait(beside)
    with pytest.raises(RunError, match="died") as caught:
        beside.result()
    assert caught.value.subject == str(state / LOG)


def test_closing_ends_it_while_it_waits_for_a_champion(job, state):
    beside = Beside.start(job, state)
    assert not beside.poll(0.2)
    beside.close()
    assert beside.process.returncode is not None


def test_an_error_in_the_project_comes_back_too(job, state):
    (job.folder / "data.py").write_text("raise ValueError('broken')")
    beside = Beside.start(job, state)
    wait(beside)
    with pytest.raises(HomeostatError, match="broken"):
        beside.result()
