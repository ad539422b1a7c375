"""The whole run: snapshot, features, split, tune, preprocess, train, evaluate, explain, package.

Each step is keyed by the part of the project file and the results that it depends on, and
cached; see ``steps.py``. Deliveries were validated when they were fetched: a snapshot holds
accepted ones only. Registering a version is not done here: the loop decides on the
:class:`Candidate` that comes out.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from homeostat.domain.codec import canonical, digest_of, from_builtins
from homeostat.domain.evidence import Comparison, Finding
from homeostat.domain.run import Candidate, RunRequest
from homeostat.features.own_metrics import own_metrics
from homeostat.pipeline.cost import costs_of
from homeostat.pipeline.deliver import to_parquet
from homeostat.pipeline.depends import spec_of
from homeostat.pipeline.environment import code_commit, environment_digest
from homeostat.pipeline.evaluate import compare, metrics_of
from homeostat.pipeline.explain import explain
from homeostat.pipeline.faults import tampered
from homeostat.pipeline.features import check_target, labelled_features
from homeostat.pipeline.labels import TARGET
from homeostat.pipeline.model import model_from_bytes, model_to_bytes
from homeostat.pipeline.own_gates import findings_of
from homeostat.pipeline.package import PackageResult, package_model
from homeostat.pipeline.preprocess import fit_preprocess, inputs, takes_nan
from homeostat.pipeline.references import references_of
from homeostat.pipeline.score import scored
from homeostat.pipeline.snapshot import check_whole, frames_of, load_snapshot
from homeostat.pipeline.split import Parts, parts_of, split
from homeostat.pipeline.steps import Steps
from homeostat.pipeline.train import fit_estimator, make_estimator
from homeostat.pipeline.tune import tune
from homeostat.ports.blobs import Blobs
from homeostat.ports.clock import Clock
from homeostat.ports.step_cache import StepCache
from homeostat.spec.code import code_digest
from homeostat.spec.project import Project

if TYPE_CHECKING:
    import polars as pl

STEPS = (
    "snapshot", "features", "split", "tune", "preprocess", "train", "evaluate", "explain",
    "package",
)  # fmt: skip
"""All steps in order; *tune* is left out when there is nothing to search."""


def run_pipeline(
    request: RunRequest,
    project: Project,
    folder: Path,
    blobs: Blobs,
    cache: StepCache,
    clock: Clock,
    progress: Callable[[str, float], None],
) -> Candidate:
    """Everything that ``request`` asks for; the same request gives the same model bytes.

    Raises StepError naming the step that failed; steps that had finished are not run again by
    the next call. ``progress`` is told (step, share done).
    """
    code, environment = code_digest(folder), environment_digest()
    steps = Steps(blobs, cache, clock, (code, environment), progress)
    run = _Run(request, project, folder, blobs, steps)
    made = run.model()
    evaluated = run.evaluate(made)
    importances = run.explain(made)
    package = run.package(made, evaluated)
    times = made.rows[project.events.time].filter(made.parts.train)
    return Candidate(
        run_id=request.id,
        model_digest=package.model_digest,
        package_digest=package.package_digest,
        snapshot=request.snapshot,
        trained_rows=int(made.parts.train.sum()),
        trained_from=times.min(),  # type: ignore[arg-type]
        trained_until=times.max(),  # type: ignore[arg-type]
        evaluated_rows=int(made.parts.evaluation.sum()),
        parameters=made.parameters,
        seed=request.seed,
        metrics=evaluated["metrics"],
        comparisons=tuple(from_builtins(c, Comparison) for c in evaluated["comparisons"]),
        findings=tuple(from_builtins(f, Finding) for f in evaluated["findings"]),
        champion_version=request.champion_version,
        code_digest=code,
        code_commit=code_commit(folder),
        environment_digest=environment,
        onnx=package.onnx,
        onnx_note=package.onnx_note,
        importances=importances,
        profile_digest=package.profile_digest,
        trials_digest=made.trials_digest,
        costs=run.cost(package),
        steps=tuple(steps.records),
        faults=request.faults,
    )


@dataclass(frozen=True, slots=True)
class _Made:
    """A trained model, and the rows behind it. ``inputs`` are the digests it depends on."""

    rows: pl.DataFrame
    parts: Parts
    parameters: dict[str, Any]
    trials_digest: str | None
    model: Any
    inputs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Run:
    """One run under way: what it was asked for, and where it keeps its steps."""

    request: RunRequest
    project: Project
    folder: Path
    blobs: Blobs
    steps: Steps

    def model(self) -> _Made:
        """From the snapshot to a trained model."""
        self._snapshot()
        features, rows = self._features()
        cut, parts = self._split(features, rows)
        given = (features, cut)
        training = rows.filter(parts.train)
        trials_digest, parameters = self._tune(given, training)
        encoded, preprocess = self._preprocess(given, training, parameters)
        trained, model = self._train((*given, encoded), training, preprocess, parameters)
        return _Made(rows, parts, parameters, trials_digest, model, (*given, trained))

    def _snapshot(self) -> None:
        def make() -> bytes:
            snapshot = load_snapshot(self.request.snapshot, self.blobs)
            return canonical(check_whole(snapshot, self.blobs))

        self.steps.run("snapshot", self.request.snapshot, make)

    def _features(self) -> tuple[str, pl.DataFrame]:
        import polars as pl

        as_of = self.request.as_of

        def make() -> bytes:
            snapshot = load_snapshot(self.request.snapshot, self.blobs)
            frames = frames_of(snapshot, self.blobs, self.project)
            return to_parquet(labelled_features(self.project, self.folder, frames, as_of))

        given = [self.request.snapshot, as_of, spec_of(self.project, "features")]
        digest, content = self.steps.run("features", given, make)
        return digest, pl.read_parquet(io.BytesIO(content))

    def _split(self, features: str, rows: pl.DataFrame) -> tuple[str, Parts]:
        import polars as pl

        def make() -> bytes:
            parts = split(self.project, rows, self.request.as_of)
            check_target(self.project, rows[TARGET].filter(parts.train))
            return to_parquet(pl.DataFrame({"part": parts.to_codes()}))

        given = [features, self.request.as_of, spec_of(self.project, "split")]
        digest, content = self.steps.run("split", given, make)
        return digest, parts_of(pl.read_parquet(io.BytesIO(content))["part"].to_numpy())

    def _tune(
        self, given: tuple[str, ...], training: pl.DataFrame
    ) -> tuple[str | None, dict[str, Any]]:
        if self.request.parameters is not None:
            return None, dict(self.request.parameters)
        if self.project.training.search is None:
            return None, {}

        def make() -> bytes:
            target = training[TARGET].to_numpy()
            found = tune(
                self.project, self.folder, training, target, self.request.seed,
                lambda share: self.steps.progress("tune", share),
            )  # fmt: skip
            return canonical({"parameters": found.parameters, "trials": found.trials})

        depends = [given, self.request.seed, spec_of(self.project, "tune")]
        _, content = self.steps.run("tune", depends, make)
        found = json.loads(content)
        return self.blobs.put(canonical(found["trials"])), found["parameters"]

    def _preprocess(
        self, given: tuple[str, ...], training: pl.DataFrame, parameters: dict[str, Any]
    ) -> tuple[str, Any]:
        def make() -> bytes:
            estimator = make_estimator(self.project, self.folder, parameters, self.request.seed)
            nan = takes_nan(estimator)
            return model_to_bytes(fit_preprocess(self.project, training, takes_nan=nan))

        depends = [given, parameters, self.request.seed, spec_of(self.project, "preprocess")]
        digest, content = self.steps.run("preprocess", depends, make)
        return digest, model_from_bytes(content)

    def _train(
        self,
        given: tuple[str, ...],
        training: pl.DataFrame,
        preprocess: Any,
        parameters: dict[str, Any],
    ) -> tuple[str, Any]:
        request = self.request

        def make() -> bytes:
            truth = tampered(training[TARGET].to_numpy(), request.faults, request.seed)
            estimator = make_estimator(self.project, self.folder, parameters, request.seed)
            return model_to_bytes(
                fit_estimator(self.project, estimator, preprocess, training, truth)
            )

        depends = [given, parameters, request.seed, request.faults, spec_of(self.project, "train")]
        digest, content = self.steps.run("train", depends, make)
        return digest, model_from_bytes(content)

    def evaluate(self, made: _Made) -> dict[str, Any]:
        """``metrics``, ``comparisons`` and ``findings``, as JSON values."""
        request = self.request

        def make() -> bytes:
            evaluation, holdout = scored(request, self.project, self.blobs, made.model, [
                made.rows.filter(mask)
                for mask in (made.parts.evaluation, made.parts.holdout)
            ])  # fmt: skip
            own = own_metrics(self.project, self.folder)
            return canonical({
                "metrics": metrics_of(self.project, evaluation, holdout, own),
                "comparisons": compare(self.project, evaluation, holdout, request.seed, own),
                "findings": findings_of(
                    self.project, evaluation.rows, evaluation.truth, evaluation.challenger
                ),
            })  # fmt: skip

        champion = [request.champion_package, request.champion_digest]
        depends = [made.inputs, champion, request.seed, spec_of(self.project, "evaluate")]
        _, content = self.steps.run("evaluate", depends, make)
        found: dict[str, Any] = json.loads(content)
        return found

    def explain(self, made: _Made) -> dict[str, float]:
        """Importance of each feature."""

        def make() -> bytes:
            shown = inputs(self.project, made.rows.filter(made.parts.train))
            return canonical(explain(made.model, shown, self.request.seed))

        _, content = self.steps.run("explain", [made.inputs, self.request.seed], make)
        found: dict[str, float] = json.loads(content)
        return found

    def package(self, made: _Made, evaluated: dict[str, Any]) -> PackageResult:
        """The candidate's folder, in the blob store."""
        facts = self._facts(made, evaluated)

        def make() -> bytes:
            fitted = inputs(self.project, made.rows.filter(made.parts.train))
            references = references_of(
                self.project,
                made.rows.filter(made.parts.train),
                made.rows.filter(made.parts.evaluation),
                made.rows.filter(made.parts.holdout),
                made.model,
                self.request.seed,
            )
            return canonical(package_model(
                made.model,
                task=self.project.task,
                rows=fitted,
                categorical=self.project.features.categorical,
                evaluation=inputs(self.project, made.rows.filter(made.parts.evaluation)),
                facts=facts,
                blobs=self.blobs,
                as_of=self.request.as_of,
                seed=self.request.seed,
                compile_to_onnx=self.project.training.onnx,
                profile=references.to_json(),
            ))  # fmt: skip

        depends = [made.inputs, digest_of(facts), self.request.as_of, self.request.seed,
                   spec_of(self.project, "package")]  # fmt: skip
        _, content = self.steps.run("package", depends, make, whole=self._is_there)
        return _packaged(content)

    def cost(self, package: PackageResult) -> dict[str, float]:
        """Latency and size, when the project file limits them: a clock is never the same twice."""
        asked = self.project.gates.cost
        if asked.latency_p95_ms is None and asked.size_mb is None:
            return {}

        def make() -> bytes:
            folder = self.blobs.get_tree(package.package_digest)
            return canonical(costs_of(folder, package.model_digest))

        _, content = self.steps.run("cost", package.package_digest, make)
        found: dict[str, float] = json.loads(content)
        return found

    def _is_there(self, content: bytes) -> bool:
        found = _packaged(content)
        named = [found.package_digest, *([found.profile_digest] if found.profile_digest else [])]
        return all(self.blobs.has(digest) for digest in named)

    def _facts(self, made: _Made, evaluated: dict[str, Any]) -> dict[str, Any]:
        """What the card says. Which run made the package is in the ledger: two may make one."""
        return {
            "model": self.project.model,
            "owner": self.project.owner,
            "description": self.project.description,
            "snapshot": self.request.snapshot,
            "as_of": self.request.as_of.isoformat(),
            "parameters": made.parameters,
            "metrics": evaluated["metrics"],
            "faults": list(self.request.faults),
        }


def _packaged(content: bytes) -> PackageResult:
    return from_builtins(json.loads(content), PackageResult)
