"""The whole run: snapshot, features, split, preprocess, tune, train, evaluate, explain, package.

Each step is keyed by what it depends on and cached; see ``steps.py``. What registers a version
is not here: the loop decides on the :class:`Candidate` that comes out.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from homeostat.domain.codec import canonical, digest_of, from_builtins
from homeostat.domain.evidence import Comparison
from homeostat.domain.run import Candidate, RunRequest
from homeostat.features.profile_columns import columns_of
from homeostat.pipeline.deliver import to_parquet
from homeostat.pipeline.environment import code_commit, environment_digest
from homeostat.pipeline.evaluate import Scored, compare, metrics_of
from homeostat.pipeline.explain import explain
from homeostat.pipeline.faults import tampered
from homeostat.pipeline.features import TARGET, check_target, labelled_features
from homeostat.pipeline.model_file import ModelBytes, from_bytes, to_bytes
from homeostat.pipeline.package import PackageResult, package_model
from homeostat.pipeline.preprocess import inputs
from homeostat.pipeline.scorer import load_scorer
from homeostat.pipeline.snapshot import frames_of, load_snapshot
from homeostat.pipeline.split import Parts, split
from homeostat.pipeline.steps import Steps
from homeostat.pipeline.train import train
from homeostat.pipeline.tune import tune
from homeostat.ports.blobs import Blobs
from homeostat.ports.clock import Clock
from homeostat.ports.step_cache import StepCache
from homeostat.spec.code import code_digest
from homeostat.spec.project import Project
from homeostat.stats.profile import profile_of

if TYPE_CHECKING:
    import polars as pl

STEPS = ("features", "split", "tune", "train", "evaluate", "explain", "package")
"""The cached steps, in order. ``preprocess`` is fitted inside ``train`` and is part of its model."""


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
    spec = digest_of(project.model_dump(mode="json"))
    steps = Steps(blobs, cache, clock, (code, environment, spec), progress)
    return _Run(request, project, folder, blobs, steps, code, environment).execute()


@dataclass(frozen=True, slots=True)
class _Run:
    """One run under way: what it was asked for, and where it keeps its steps."""

    request: RunRequest
    project: Project
    folder: Path
    blobs: Blobs
    steps: Steps
    code: str
    environment: str

    def execute(self) -> Candidate:
        """All steps in order, then the candidate."""
        features, rows = self._features()
        parts = split(self.project, rows, self.request.as_of)
        trials_digest, parameters = self._tune(features, rows, parts)
        trained, model = self._train(features, rows, parts, parameters)
        evaluated = self._evaluate(features, trained, model, rows, parts)
        importances = self._explain(trained, model, rows, parts)
        package = self._package(trained, model, rows, parts, evaluated)
        times = rows[self.project.events.time].filter(parts.train)
        first, last = times.min(), times.max()
        return Candidate(
            run_id=self.request.id,
            model_digest=package.model_digest,
            package_digest=package.package_digest,
            snapshot=self.request.snapshot,
            trained_rows=int(parts.train.sum()),
            trained_from=first,  # type: ignore[arg-type]
            trained_until=last,  # type: ignore[arg-type]
            evaluated_rows=int(parts.evaluation.sum()),
            parameters=parameters,
            seed=self.request.seed,
            metrics=evaluated["metrics"],
            comparisons=tuple(from_builtins(c, Comparison) for c in evaluated["comparisons"]),
            champion_version=self.request.champion_version,
            code_digest=self.code,
            code_commit=code_commit(self.folder),
            environment_digest=self.environment,
            onnx=package.onnx,
            onnx_note=package.onnx_note,
            importances=importances,
            profile_digest=package.profile_digest,
            trials_digest=trials_digest,
            steps=tuple(self.steps.records),
            faults=self.request.faults,
        )

    def _features(self) -> tuple[str, pl.DataFrame]:
        import polars as pl

        def make() -> bytes:
            snapshot = load_snapshot(self.request.snapshot, self.blobs)
            frames = frames_of(snapshot, self.blobs, self.project)
            return to_parquet(
                labelled_features(self.project, self.folder, frames, self.request.as_of)
            )

        given = [self.request.snapshot, self.request.as_of]
        digest, content = self.steps.run("features", given, make)
        return digest, pl.read_parquet(io.BytesIO(content))

    def _tune(
        self, features: str, rows: pl.DataFrame, parts: Parts
    ) -> tuple[str | None, dict[str, Any]]:
        if self.request.parameters is not None:
            return None, dict(self.request.parameters)
        if self.project.training.search is None:
            return None, {}

        def make() -> bytes:
            found = tune(
                self.project,
                self.folder,
                rows.filter(parts.train),
                rows[TARGET].filter(parts.train).to_numpy(),
                self.request.seed,
                lambda share: self.steps.progress("tune", share),
            )
            return canonical({"parameters": found.parameters, "trials": found.trials})

        _, content = self.steps.run("tune", [features, self.request.seed], make)
        found = json.loads(content)
        return self.blobs.put(canonical(found["trials"])), found["parameters"]

    def _train(
        self, features: str, rows: pl.DataFrame, parts: Parts, parameters: dict[str, Any]
    ) -> tuple[str, Any]:
        request = self.request
        kept: list[ModelBytes] = []

        def make() -> bytes:
            target = rows[TARGET].filter(parts.train)
            check_target(self.project, target)
            truth = tampered(target.to_numpy(), request.faults, request.seed)
            fitted = train(
                self.project,
                self.folder,
                rows.filter(parts.train),
                truth,
                parameters,
                request.seed,
            )
            kept.append(to_bytes(fitted))
            return kept[0].file_name.encode() + b"\n" + kept[0].content

        given = [features, parameters, request.seed, request.faults]
        digest, content = self.steps.run("train", given, make)
        name, _, model = content.partition(b"\n")
        return digest, from_bytes(model, name.decode(), digest_of_bytes(model))

    def _evaluate(
        self, features: str, trained: str, model: Any, rows: pl.DataFrame, parts: Parts
    ) -> dict[str, Any]:
        def make() -> bytes:
            evaluation, holdout = (
                self._scored(model, rows.filter(mask)) for mask in (parts.evaluation, parts.holdout)
            )
            comparisons = compare(self.project, evaluation, holdout, self.request.seed)
            return canonical(
                {
                    "metrics": metrics_of(self.project, evaluation, holdout),
                    "comparisons": comparisons,
                }
            )

        given = [features, trained, self.request.champion_digest, self.request.seed]
        _, content = self.steps.run("evaluate", given, make)
        found: dict[str, Any] = json.loads(content)
        return found

    def _scored(self, model: Any, rows: pl.DataFrame) -> Scored:
        from homeostat.pipeline.answer import predictions

        champion = None
        if self.request.champion_package is not None:
            package = self.blobs.get_tree(self.request.champion_package)
            scorer = load_scorer(package, trusted_digest=self.request.champion_digest)
            champion = scorer.score(inputs(self.project, rows))
        ours = predictions(model, inputs(self.project, rows))
        return Scored(rows, rows[TARGET].to_numpy(), np.asarray(ours), champion)

    def _explain(
        self, trained: str, model: Any, rows: pl.DataFrame, parts: Parts
    ) -> dict[str, float]:
        def make() -> bytes:
            shown = rows.filter(parts.train)
            return canonical(explain(model, inputs(self.project, shown), self.request.seed))

        _, content = self.steps.run("explain", [trained, self.request.seed], make)
        found: dict[str, float] = json.loads(content)
        return found

    def _package(
        self, trained: str, model: Any, rows: pl.DataFrame, parts: Parts, evaluated: dict[str, Any]
    ) -> PackageResult:
        def make() -> bytes:
            fitted = inputs(self.project, rows.filter(parts.train))
            columns = columns_of(fitted, fitted.columns)
            profile = profile_of(columns, self.project.monitors.psi_bins)
            packaged = package_model(
                model,
                task=self.project.task,
                rows=fitted,
                categorical=self.project.features.categorical,
                evaluation=inputs(self.project, rows.filter(parts.evaluation)),
                facts=self._facts(evaluated),
                blobs=self.blobs,
                as_of=self.request.as_of,
                seed=self.request.seed,
                compile_to_onnx=self.project.training.onnx,
                profile=profile.to_json(),
            )
            return canonical(packaged)

        given = [trained, evaluated, self.request.snapshot, self.request.as_of]
        _, content = self.steps.run("package", given, make)
        return from_builtins(json.loads(content), PackageResult)

    def _facts(self, evaluated: dict[str, Any]) -> dict[str, Any]:
        return {
            "model": self.project.model,
            "owner": self.project.owner,
            "description": self.project.description,
            "run": self.request.id,
            "reason": self.request.reason,
            "snapshot": self.request.snapshot,
            "as_of": self.request.as_of.isoformat(),
            "metrics": evaluated["metrics"],
            "faults": list(self.request.faults),
        }


def digest_of_bytes(content: bytes) -> str:
    """Digest of a model that this run has just made: trusted because the cache holds it."""
    from homeostat.domain.codec import digest

    return digest(content)
