"""Step *tune*: search the parameters on the training part, with an inner time split.

Optuna does the search: TPE (Bergstra et al. 2011), random, or NSGA-II (Deb et al. 2002), with
Hyperband pruning (Li et al. 2018) where the estimator can report on the way. The evaluation and
holdout rows are not touched. Seeded: the same rows give the same trials.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from homeostat.errors import StepError
from homeostat.pipeline.trial import REPORT_EVERY, Judge
from homeostat.spec.project import Project
from homeostat.spec.training import Search
from homeostat.stats.metrics import LOSSES

if TYPE_CHECKING:
    import polars as pl

STUDY = "tune"
"""Hyperband draws a trial's bracket from the study's name, which is random if not given."""


@dataclass(frozen=True, slots=True)
class Found:
    """The best parameters, and every trial.

    A trial has ``number``, ``parameters``, ``values`` by objective, ``state`` (``complete``,
    ``pruned``, ``fail``), ``trees`` at which it was last measured on the way (or None) and
    ``reason`` when it failed. No duration: the same search gives the same record.
    """

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

    ``rows`` (in order of time) and ``target`` of shape (rows,) are the training part; the
    latest ``sample_rows`` are used. ``progress`` is told the share of trials done. A trial
    whose estimator refuses its parameters or data counts as failed. Raises StepError when no
    trial completes.
    """
    import optuna

    search = project.training.search
    assert search is not None
    objectives = search.objectives or (project.metrics.primary,)
    judge = Judge(project, folder, rows, target, seed, objectives, search)
    with _quiet():
        study = optuna.create_study(
            study_name=STUDY,
            directions=["minimize" if name in LOSSES else "maximize" for name in objectives],
            sampler=_sampler(search, seed),
            pruner=_pruner(search, objectives),
        )
        study.optimize(
            judge,
            n_trials=search.trials,
            catch=(Exception,),
            callbacks=[lambda _, trial: progress((trial.number + 1) / search.trials)],
        )
    trials = [_shown(trial, objectives) for trial in study.trials]
    return Found(_best(trials, objectives[0])["parameters"], trials)


def _best(trials: list[dict[str, Any]], objective: str) -> dict[str, Any]:
    complete = [trial for trial in trials if trial["state"] == "complete"]
    if not complete:
        reasons = [trial["reason"] for trial in trials if trial["reason"]]
        raise StepError(
            f"none of {len(trials)} trials completed"
            + (f"; the first failed with {reasons[0]}" if reasons else ""),
            subject="tune",
            next_step="check training.search.space against the estimator's parameters",
        )
    sign = 1.0 if objective in LOSSES else -1.0
    return min(complete, key=lambda trial: (sign * trial["values"][objective], trial["number"]))


def _sampler(search: Search, seed: int) -> Any:
    import optuna

    if search.sampler == "tpe":
        return optuna.samplers.TPESampler(seed=seed)
    if search.sampler == "nsga2":
        # Optuna's 50 per generation would make most searches one random generation.
        population = max(2, min(50, search.trials // 4))
        return optuna.samplers.NSGAIISampler(seed=seed, population_size=population)
    return optuna.samplers.RandomSampler(seed=seed)


def _pruner(search: Search, objectives: tuple[str, ...]) -> Any:
    import optuna

    if search.pruner == "hyperband" and len(objectives) == 1:
        return optuna.pruners.HyperbandPruner(min_resource=REPORT_EVERY, max_resource="auto")
    return optuna.pruners.NopPruner()


@contextmanager
def _quiet() -> Iterator[None]:
    """Failed trials are in the record; Optuna need not print them as well."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)


def _shown(trial: Any, objectives: tuple[str, ...]) -> dict[str, Any]:
    complete = trial.state.name == "COMPLETE"
    return {
        "number": trial.number,
        "parameters": dict(trial.params),
        "values": dict(zip(objectives, trial.values, strict=True)) if complete else {},
        "state": trial.state.name.lower(),
        "trees": trial.last_step,
        "reason": trial.user_attrs.get("reason", ""),
    }
