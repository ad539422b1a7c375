from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import cast

import pytest

from homeostat.adapters.mlflow.payload import RUN, TRIAL, VERSION, metrics_of
from homeostat.adapters.mlflow.tracker import MlflowTracker, NullTracker
from homeostat.errors import StateError
from homeostat.ports.tracker import Tracker
from homeostat.testing.tracker import MemoryTracker
from homeostat.testing.tracker_conformance import (
    AS_OF,
    TrackerConformance,
    example_candidate,
    example_request,
    example_trials,
)


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with MLflow's tables: creating them takes seconds, copying does not."""
    folder = tmp_path_factory.mktemp("mlflow")
    MlflowTracker.local(folder, "other").aliases()
    return folder / "mlflow.db"


def copied(database: Path, folder: Path) -> MlflowTracker:
    folder.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(database) as source, sqlite3.connect(folder / "mlflow.db") as target:
        source.backup(target)
    return MlflowTracker.local(folder, "churn")


class TestMemoryTracker(TrackerConformance):
    def make(self) -> Tracker:
        return MemoryTracker()

    def reopen(self, tracker: Tracker) -> Tracker:
        return tracker

    def shown_trials(self, tracker: Tracker) -> dict[str, int]:
        return {run: len(trials) for run, trials in cast("MemoryTracker", tracker).trials.items()}

    def shown_versions(self, tracker: Tracker) -> dict[int, str]:
        return cast("MemoryTracker", tracker).versions


class TestLocalMlflow(TrackerConformance):
    @pytest.fixture(autouse=True)
    def _store(self, migrated: Path, tmp_path: Path) -> None:
        self.database = migrated
        self.folder = tmp_path / "store"

    def make(self) -> Tracker:
        return copied(self.database, self.folder)

    def reopen(self, tracker: Tracker) -> Tracker:
        return MlflowTracker.local(self.folder, "churn")

    def shown_trials(self, tracker: Tracker) -> dict[str, int]:
        client, experiment = _opened(self.folder)
        runs = client.search_runs([experiment])
        parents = {run.info.run_id: run.data.tags[RUN] for run in runs if RUN in run.data.tags}
        counted = dict.fromkeys(parents.values(), 0)
        for run in runs:
            if TRIAL in run.data.tags:
                counted[parents[run.data.tags["mlflow.parentRunId"]]] += 1
        return counted

    def shown_versions(self, tracker: Tracker) -> dict[int, str]:
        client, _ = _opened(self.folder)
        return {
            int(version.tags[VERSION]): client.get_run(version.run_id).data.tags[RUN]
            for version in client.search_model_versions("name = 'churn'")
        }


def _opened(folder: Path):  # type: ignore[no-untyped-def]
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    return client, client.get_experiment_by_name("churn").experiment_id


def test_a_run_carries_parameters_metrics_by_slice_and_tags(migrated: Path, tmp_path: Path) -> None:
    run_id = copied(migrated, tmp_path).log_run(
        example_request(), example_candidate(), example_trials()
    )
    client, experiment = _opened(tmp_path)
    run = client.get_run(run_id)
    assert run.data.params == {
        "num_leaves": "31",
        "learning_rate": "0.1",
        "objective": "binary",
        "extra": "null",
        "seed": "7",
    }
    assert run.data.metrics == metrics_of(example_candidate())
    assert run.data.metrics["auc"] == 0.75
    assert run.data.metrics["auc/evaluation/difference_low"] == 0.01
    slices = [name for name in run.data.metrics if name.startswith("auc/slice:carrier/9E")]
    assert [run.data.metrics[name] for name in slices] == [0.6]
    assert run.data.tags["homeostat.model_digest"] == "d" * 64
    assert run.data.tags["mlflow.note.content"] == "a new week"
    assert run.info.status == "FINISHED"
    assert run.info.start_time == AS_OF.timestamp() * 1000
    assert run.info.end_time == run.info.start_time + 1500
    artifacts = {path.path for path in client.list_artifacts(run_id)}
    assert artifacts == {"candidate.json", "importances.json"}
    trials = client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{run_id}'")
    statuses = {trial.data.tags[TRIAL]: trial.info.status for trial in trials}
    assert statuses == {"0": "FINISHED", "1": "FINISHED", "2": "FAILED"}
    assert {trial.data.metrics.get("value") for trial in trials} == {0.7, 0.72, None}


def test_a_run_whose_showing_was_killed_is_finished_by_the_next_call(
    migrated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker = copied(migrated, tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(tracker, "_log_trials", _killed)
        with pytest.raises(StateError):
            tracker.log_run(example_request(), example_candidate(), example_trials())
    client, experiment = _opened(tmp_path)
    (half,) = client.search_runs([experiment])
    assert half.info.status == "RUNNING"
    again = MlflowTracker.local(tmp_path, "churn")
    run_id = again.log_run(example_request(), example_candidate(), example_trials())
    assert run_id == half.info.run_id
    assert client.get_run(run_id).info.status == "FINISHED"
    assert len(client.search_runs([experiment])) == 4


def _killed(*_: object) -> None:
    raise ConnectionError("gone in the middle")


def test_a_version_holds_the_package_and_is_found_by_our_number(
    migrated: Path, tmp_path: Path
) -> None:
    tracker = copied(migrated, tmp_path / "store")
    tracker.log_run(example_request(), example_candidate(), [])
    package = tmp_path / "package"
    (package / "mlflow").mkdir(parents=True)
    (package / "mlflow" / "MLmodel").write_text("flavors: {}\n")
    tracker.log_version(7, "run-1", package, {"homeostat.digest": "d" * 64})
    tracker.set_alias("champion", 7)
    client, _ = _opened(tmp_path / "store")
    version = client.get_model_version_by_alias("churn", "champion")
    assert version.tags == {"homeostat.digest": "d" * 64, "homeostat.version": "7"}
    artifacts = {one.path for one in client.list_artifacts(version.run_id, "package/mlflow")}
    assert artifacts == {"package/mlflow/MLmodel"}
    assert tracker.aliases() == {"champion": 7}


def test_an_alias_that_somebody_put_on_a_foreign_version_shows_as_zero(
    migrated: Path, tmp_path: Path
) -> None:
    tracker = copied(migrated, tmp_path)
    run_id = tracker.log_run(example_request(), example_candidate(), [])
    client, _ = _opened(tmp_path)
    client.create_registered_model("churn")
    source = client.get_run(run_id).info.artifact_uri
    foreign = client.create_model_version("churn", source, run_id)
    client.set_registered_model_alias("churn", "champion", foreign.version)
    assert tracker.aliases() == {"champion": 0}


def test_what_is_not_shown_yet_is_an_error_to_try_again(migrated: Path, tmp_path: Path) -> None:
    tracker = copied(migrated, tmp_path)
    with pytest.raises(StateError, match="does not show version 3 yet"):
        tracker.set_alias("champion", 3)
    with pytest.raises(StateError, match="does not show the run of version 3"):
        tracker.log_version(3, "run-9", tmp_path, {})


def test_a_server_that_is_away_is_a_state_error_with_a_next_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    tracker = MlflowTracker(f"http://me:secret@127.0.0.1:{port}", "churn")
    with pytest.raises(StateError) as caught:
        tracker.aliases()
    assert caught.value.subject == f"http://127.0.0.1:{port}"
    assert "the loop goes on" in caught.value.next_step


def test_a_damaged_database_is_a_state_error(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_bytes(b"this is no database, at all" * 100)
    with pytest.raises(StateError):
        MlflowTracker.local(tmp_path, "churn").aliases()


def test_a_project_without_a_tracker_shows_nothing() -> None:
    tracker: Tracker = NullTracker()
    assert tracker.log_run(example_request(), example_candidate(), []) == "run-1"
    tracker.set_alias("champion", 1)
    assert tracker.aliases() == {}


def test_tracking_prints_nothing_and_switches_telemetry_off(migrated: Path, tmp_path: Path) -> None:
    copied(migrated, tmp_path)
    script = (
        "import os\n"
        "from pathlib import Path\n"
        "from homeostat.adapters.mlflow.tracker import MlflowTracker\n"
        "from homeostat.testing.tracker_conformance import *\n"
        f"tracker = MlflowTracker.local(Path({str(tmp_path)!r}), 'churn')\n"
        "tracker.log_run(example_request(), example_candidate(), example_trials())\n"
        "assert os.environ['MLFLOW_DISABLE_TELEMETRY'] == 'true'\n"
        "from mlflow.telemetry.utils import is_telemetry_disabled\n"
        "assert is_telemetry_disabled()\n"
    )
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW")}
    told = subprocess.run(
        [sys.executable, "-c", script],
        env={**clean, "PATH": "/nowhere"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (told.returncode, told.stdout, told.stderr) == (0, "", "")


def test_making_a_tracker_does_not_import_mlflow(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from homeostat.adapters.mlflow.tracker import MlflowTracker\n"
        f"MlflowTracker.local(Path({str(tmp_path)!r}), 'churn')\n"
        "print('mlflow' in sys.modules)\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == "False"
