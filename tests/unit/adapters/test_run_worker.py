from __future__ import annotations

import os
import shutil
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from homeostat.adapters.local.file_blobs import FileBlobs
from homeostat.adapters.local.process_runner import ProcessRunner
from homeostat.adapters.local.run_folder import RunFolder
from homeostat.domain.event import Ended
from homeostat.domain.run import Candidate, RunRequest
from homeostat.pipeline.scorer import load_scorer
from homeostat.testing.runner_conformance import PATIENCE_S
from tests.unit.pipeline.tiny_project import Tiny, declaration, tiny

HELD_UP = """
import time
from pathlib import Path

from lightgbm import LGBMClassifier


class Held(LGBMClassifier):
    def fit(self, *arguments, **options):
        while (Path(__file__).parent / "hold").exists():
            time.sleep(0.01)
        return super().fit(*arguments, **options)


def make(**parameters):
    return Held(**parameters)
"""


@pytest.fixture
def made(tmp_path: Path) -> Tiny:
    """A project whose training waits as long as there is a file ``hold``."""
    made = tiny(tmp_path / "project")
    declared = declaration()
    declared["training"]["estimator"] = "model:make"
    (made.folder / "model.py").write_text(HELD_UP)
    (made.folder / "homeostat.yaml").write_text(yaml.safe_dump(declared))
    blobs = FileBlobs(tmp_path / "state" / "blobs")
    for name in (made.request.snapshot, *(str(part.digest) for part in made.deliveries)):
        blobs.put(made.blobs.get(name))
    return made


def ended(runner: ProcessRunner, request: RunRequest) -> Ended:
    deadline = time.monotonic() + PATIENCE_S
    while (found := runner.poll(request.id)) is None:
        assert time.monotonic() < deadline, "the run does not end"
        time.sleep(0.02)
    return found


def candidate(found: Ended) -> Candidate:
    assert found.candidate is not None, found.error
    return found.candidate


def test_a_run_killed_while_it_trains_goes_on_from_its_finished_steps(
    made: Tiny, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    (made.folder / "hold").touch()
    runner = ProcessRunner(made.folder, state)
    runner.start(made.request)
    deadline = time.monotonic() + PATIENCE_S
    while (told := runner.progress(made.request.id)) is None or told.step != "train":
        assert time.monotonic() < deadline, "training does not begin"
        time.sleep(0.02)
    pid = RunFolder(state / "runs", made.request.id).signed()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert ended(runner, made.request) == Ended(made.request.id, interrupted=True)

    (made.folder / "hold").unlink()
    again = ProcessRunner(made.folder, state)
    again.start(made.request)
    found = candidate(ended(again, made.request))
    cached = {step.name: step.cached for step in found.steps}
    assert cached["features"]
    assert not any(cached[name] for name in ("train", "evaluate", "explain", "package"))
    package = FileBlobs(state / "blobs").get_tree(found.package_digest)
    load_scorer(package, trusted_digest=found.model_digest).self_test()

    once_more = replace(made.request, id="run-2")
    again.start(once_more)
    repeated = candidate(ended(again, once_more))
    assert [step.name for step in repeated.steps if not step.cached] == []
    assert repeated.model_digest == found.model_digest


def test_a_project_that_is_gone_is_the_answer_not_an_interruption(
    made: Tiny, tmp_path: Path
) -> None:
    shutil.rmtree(made.folder)
    runner = ProcessRunner(made.folder, tmp_path / "state")
    runner.start(made.request)
    found = ended(runner, made.request)
    assert not found.interrupted
    assert found.error.startswith("[H1")
