"""Shows runs, trials, versions and aliases in MLflow: a local SQLite file or any server."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from homeostat.adapters.mlflow.connection import connect, is_absent, talking_to
from homeostat.adapters.mlflow.null_tracker import NullTracker
from homeostat.adapters.mlflow.payload import (
    RUN,
    TRIAL,
    VERSION,
    metrics_of,
    milliseconds,
    parameters_of,
    tags_of,
    trial_of,
)
from homeostat.domain.codec import to_builtins
from homeostat.domain.run import Candidate, RunRequest
from homeostat.errors import StateError

__all__ = ["MlflowTracker", "NullTracker"]

_PARENT = "mlflow.parentRunId"


class MlflowTracker:
    """The tracker port on MLflow; one experiment and one registered model per project.

    Everything is found again by its ``homeostat.*`` tags, never by a number that MLflow chose,
    so each call may be made twice and goes on where a killed one stopped. MLflow is imported at
    the first call. Times shown are those of the loop's clock. Raises StateError when the
    server or the database does not answer.
    """

    def __init__(self, uri: str, model: str, artifacts: str | None = None) -> None:
        self._uri = uri
        self._model = model
        self._artifacts = artifacts
        self._connected: Any = None
        self._experiment_id = ""

    @classmethod
    def local(cls, folder: Path, model: str) -> MlflowTracker:
        """MLflow on a SQLite file below ``folder``, artifacts beside it, no server.

        ``mlflow ui --backend-store-uri sqlite:///<folder>/mlflow.db`` shows it.
        """
        where = folder.absolute()
        return cls(f"sqlite:///{where / 'mlflow.db'}", model, (where / "artifacts").as_uri())

    def log_run(
        self, request: RunRequest, candidate: Candidate, trials: list[dict[str, Any]]
    ) -> str:
        """Show a finished run, its numbers, its importances and its trials; MLflow's run id."""
        client = self._client()
        with talking_to(self._uri):
            found = self._run(request.id)
            if found is not None and found.info.status == "FINISHED":
                return str(found.info.run_id)
            began = milliseconds(request.as_of)
            if found is None:
                found = client.create_run(
                    self._experiment_id,
                    start_time=began,
                    tags=tags_of(request, candidate),
                    run_name=request.id,
                )
            run_id = str(found.info.run_id)
            took = sum((step.duration_s for step in candidate.steps), 0.0)
            parameters = parameters_of(candidate.parameters, candidate.seed)
            self._log(run_id, parameters, metrics_of(candidate), began)
            client.log_dict(run_id, to_builtins(candidate), "candidate.json")
            client.log_dict(run_id, dict(candidate.importances), "importances.json")
            self._log_trials(run_id, trials, began)
            ended = milliseconds(request.as_of + timedelta(seconds=took))
            client.set_terminated(run_id, "FINISHED", end_time=ended)
            return run_id

    def log_version(self, number: int, run_id: str, package: Path, tags: Mapping[str, str]) -> None:
        """Register a version of the run ``run_id`` (ours), with a copy of its package."""
        client = self._client()
        with talking_to(self._uri):
            if self._mlflow_version(number) is not None:
                return
            run = self._run(run_id)
            if run is None:
                raise StateError(
                    f"MLflow does not show the run of version {number} yet",
                    subject=run_id,
                    next_step="the next pass shows the run first, then the version",
                )
            client.log_artifacts(run.info.run_id, str(package), "package")
            self._ensure_registered_model()
            client.create_model_version(
                self._model,
                source=f"{run.info.artifact_uri}/package/mlflow",
                run_id=run.info.run_id,
                tags={**tags, VERSION: str(number)},
                description=f"Version {number} of {self._model}, from run {run_id}",
            )

    def set_alias(self, alias: str, number: int | None) -> None:
        """Point an alias at our version ``number``, or at none."""
        client = self._client()
        with talking_to(self._uri):
            if number is None:
                if alias in self._raw_aliases():
                    client.delete_registered_model_alias(self._model, alias)
                return
            version = self._mlflow_version(number)
            if version is None:
                raise StateError(
                    f"MLflow does not show version {number} yet",
                    subject=f"{self._model}@{alias}",
                    next_step="the next pass shows the version first, then the alias",
                )
            client.set_registered_model_alias(self._model, alias, version.version)

    def aliases(self) -> dict[str, int]:
        """Our version numbers by alias; 0 for an alias on a version that is not ours."""
        client = self._client()
        with talking_to(self._uri):
            found = {}
            for alias, version in self._raw_aliases().items():
                tags = client.get_model_version(self._model, str(version)).tags
                found[alias] = int(tags.get(VERSION, 0))
            return found

    # -- how things are found and written ------------------------------------------------

    def _client(self) -> Any:
        """The connection, made and given its experiment at the first call."""
        if self._connected is None:
            if self._artifacts is not None:
                Path(self._uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
            client = connect(self._uri)
            with talking_to(self._uri):
                self._experiment_id = self._ensure_experiment(client)
            self._connected = client
        return self._connected

    def _ensure_experiment(self, client: Any) -> str:
        found = client.get_experiment_by_name(self._model)
        if found is None:
            return str(client.create_experiment(self._model, artifact_location=self._artifacts))
        if found.lifecycle_stage == "deleted":
            client.restore_experiment(found.experiment_id)
        return str(found.experiment_id)

    def _ensure_registered_model(self) -> None:
        from mlflow.exceptions import MlflowException

        try:
            self._connected.get_registered_model(self._model)
        except MlflowException as error:
            if not is_absent(error):
                raise
            self._connected.create_registered_model(self._model)

    def _raw_aliases(self) -> dict[str, Any]:
        """MLflow's version numbers by alias; none when the model is not registered yet."""
        from mlflow.exceptions import MlflowException

        try:
            return dict(self._connected.get_registered_model(self._model).aliases)
        except MlflowException as error:
            if is_absent(error):
                return {}
            raise

    def _run(self, run_id: str) -> Any | None:
        quoted = run_id.replace("'", "")
        found = self._connected.search_runs(
            [self._experiment_id], f"tags.`{RUN}` = '{quoted}'", max_results=1
        )
        return found[0] if found else None

    def _mlflow_version(self, number: int) -> Any | None:
        page = None
        while True:
            found = self._connected.search_model_versions(
                f"name = '{self._model}'", max_results=200, page_token=page
            )
            for version in found:
                if version.tags.get(VERSION) == str(number):
                    return version
            page = found.token
            if not page:
                return None

    def _log(
        self, run_id: str, parameters: dict[str, str], metrics: dict[str, float], at_ms: int
    ) -> None:
        """Write parameters and metrics in as few calls as MLflow's limits (100, 1000) allow."""
        from mlflow.entities import Metric, Param

        given = [Param(key, value) for key, value in parameters.items()]
        numbers = [Metric(key, value, at_ms, 0) for key, value in metrics.items()]
        self._connected.log_batch(run_id, metrics=numbers[:900], params=given[:100])
        for first in range(900, len(numbers), 900):
            self._connected.log_batch(run_id, metrics=numbers[first : first + 900])
        for first in range(100, len(given), 100):
            self._connected.log_batch(run_id, params=given[first : first + 100])

    def _log_trials(self, parent: str, trials: list[dict[str, Any]], at_ms: int) -> None:
        if not trials:
            return
        client = self._connected
        shown = client.search_runs(
            [self._experiment_id], f"tags.`{_PARENT}` = '{parent}'", max_results=5_000
        )
        known = {run.data.tags.get(TRIAL): run for run in shown}
        for position, trial in enumerate(trials):
            number = str(trial.get("number", position))
            run = known.get(number)
            if run is not None and run.info.status != "RUNNING":
                continue
            if run is None:
                tags = {_PARENT: parent, TRIAL: number}
                run = client.create_run(
                    self._experiment_id, start_time=at_ms, tags=tags, run_name=f"trial {number}"
                )
            parameters, numbers = trial_of(trial)
            self._log(run.info.run_id, parameters, numbers, at_ms)
            failed = str(trial.get("state", "")).lower() in ("fail", "failed")
            client.set_terminated(
                run.info.run_id, "FAILED" if failed else "FINISHED", end_time=at_ms
            )
