"""Step *tune*: search the parameters on the training part, with an inner time split.

Optuna does the search: TPE (Bergstra et al. 2011), random, or NSGA-II (Deb et al. 2002), with
Hyperband pruning (Li et al. 2018) where the estimator can report on the way (LightGBM).
The evaluation and holdout rows are not touched. Seeded: the same rows give the same trials.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from homeostat.errors import HomeostatError, StepError
from homeostat.pipeline.answer import predictions
from homeostat.pipeline.preprocess import inputs
from homeostat.pipeline.train import make_estimator, train
from homeostat.spec.project import Project
from homeostat.spec.training import Parameter, Search
from homeostat.stats.metrics import LOSSES, measure

if TYPE_CHECKING:
    import polars as pl

VALIDATION_SHARE = 0.25
"""The latest quarter of the searched rows judges the trials."""
REPORT_EVERY = 20
"""Boosting rounds between two reports to the pruner."""


@dataclass(frozen=True, slots=True)
class Found:
    """The best parameters, and every trial: number, parameters, values, state."""

    parameters: dict[str, Any]
    trials: list[dict[str, Any]]


def tune(
    project: Project,
    folder: Path,
    rows: pl.DataFrame,
    target: NDArray[np.float64],
    seed: int,
    progress: Callable[[float], None] = lambda _: None,
) -> Found:
    """Search ``training.search``; with several objectives the best is best in the first.

    ``rows`` (in order of time) and ``target`` of shape (rows,) are the training part. A trial
    whose estimator refuses its parameters counts as failed. Raises StepError when all fail.
    """
    import optuna

    search = project.training.search
    assert search is not None
    objectives = search.objectives or (project.metrics.primary,)
    judge = _Judge(project, folder, rows, target, seed, objectives, search)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        directions=["minimize" if name in LOSSES else "maximize" for name in objectives],
        sampler=_sampler(search, seed),
        pruner=optuna.pruners.HyperbandPruner(min_resource=REPORT_EVERY, max_resource="auto")
        if search.pruner == "hyperband" and len(objectives) == 1
        else optuna.pruners.NopPruner(),
    )
    study.optimize(
        judge,
        n_trials=search.trials,
        catch=(HomeostatError, ValueError, TypeError),
        callbacks=[lambda _, trial: progress((trial.number + 1) / search.trials)],
    )
    trials = [_shown(trial, objectives) for trial in study.trials]
    complete = [trial for trial in trials if trial["state"] == "complete"]
    if not complete:
        raise StepError(
            f"all {len(trials)} trials failed or were pruned",
            subject="tune",
            next_step="check training.search.space against the estimator's parameters",
        )
    first = objectives[0]
    sign = 1.0 if first in LOSSES else -1.0
    best = min(complete, key=lambda trial: (sign * trial["values"][first], trial["number"]))
    return Found(best["parameters"], trials)


def _sampler(search: Search, seed: int) -> Any:
    import optuna

    if search.sampler == "tpe":
        return optuna.samplers.TPESampler(seed=seed)
    if search.sampler == "nsga2":
        return optuna.samplers.NSGAIISampler(seed=seed)
    return optuna.samplers.RandomSampler(seed=seed)


def _shown(trial: Any, objectives: tuple[str, ...]) -> dict[str, Any]:
    values = trial.values or []
    return {
        "number": trial.number,
        "parameters": dict(trial.params),
        "values": dict(zip(objectives, values, strict=False)),
        "state": trial.state.name.lower(),
    }


def suggest(trial: Any, name: str, given: Parameter) -> Any:
    """One parameter's value for ``trial``."""
    if given.choices is not None:
        return trial.suggest_categorical(name, list(given.choices))
    assert given.low is not None
    assert given.high is not None
    if given.integer:
        return trial.suggest_int(name, int(given.low), int(given.high), log=given.log)
    return trial.suggest_float(name, given.low, given.high, log=given.log)


class _Judge:
    """Fits one trial on the earlier rows and measures it on the later ones."""

    def __init__(
        self,
        project: Project,
        folder: Path,
        rows: pl.DataFrame,
        target: NDArray[np.float64],
        seed: int,
        objectives: tuple[str, ...],
        search: Search,
    ) -> None:
        latest, truth = rows.tail(search.sample_rows), target[-search.sample_rows :]
        cut = int(latest.height * (1 - VALIDATION_SHARE))
        self.project, self.folder, self.seed = project, folder, seed
        self.objectives, self.search = objectives, search
        self.early, self.early_target = latest.head(cut), truth[:cut]
        self.late, self.late_target = latest.tail(latest.height - cut), truth[cut:]

    def __call__(self, trial: Any) -> Any:
        parameters = {name: suggest(trial, name, p) for name, p in self.search.space.items()}
        if self._reports():
            predicted = self._boosted(trial, parameters)
        else:
            model = train(
                self.project, self.folder, self.early, self.early_target, parameters, self.seed
            )
            predicted = predictions(model, inputs(self.project, self.late))
        values = [self._measured(name, predicted) for name in self.objectives]
        return values if len(values) > 1 else values[0]

    def _measured(self, metric: str, predicted: NDArray[np.float64]) -> float:
        value = measure(metric, self.late_target, predicted)
        if value is None:
            raise ValueError(f"{metric} is undefined on the inner validation rows")
        return value

    def _reports(self) -> bool:
        declared = self.project.training.estimator
        return (
            declared.startswith("lightgbm:LGBM")
            and self.search.pruner == "hyperband"
            and len(self.objectives) == 1
        )

    def _boosted(self, trial: Any, parameters: dict[str, Any]) -> NDArray[np.float64]:
        """Fit LightGBM round by round, and let the pruner stop it on the way."""
        import optuna
        from sklearn.pipeline import Pipeline

        from homeostat.pipeline.preprocess import preprocessor, takes_nan

        estimator = make_estimator(self.project, self.folder, parameters, self.seed)
        encode = preprocessor(self.project, takes_nan(estimator))
        labels = self.early_target
        labels = labels.astype(np.int64) if self.project.task == "binary" else labels
        matrix = encode.fit_transform(inputs(self.project, self.early))
        later = encode.transform(inputs(self.project, self.late))

        def report(state: Any) -> None:
            done = state.iteration + 1
            if done % REPORT_EVERY or done >= state.end_iteration:
                return
            seen = self._measured(self.objectives[0], np.asarray(state.model.predict(later)))
            trial.report(seen, done)
            if trial.should_prune():
                raise optuna.TrialPruned

        estimator.fit(matrix, labels, callbacks=[report])
        model = Pipeline([("preprocess", encode), ("estimator", estimator)])
        return predictions(model, inputs(self.project, self.late))
