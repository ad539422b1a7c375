"""One trial of a search: fit on the earlier rows, measure on the later ones, stop if hopeless."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from homeostat.pipeline.answer import answers_of, dense
from homeostat.pipeline.preprocess import fit_preprocess, inputs, takes_nan
from homeostat.pipeline.train import labels_for, make_estimator
from homeostat.spec.project import Project
from homeostat.spec.training import Parameter, Search
from homeostat.stats.metrics import measure

if TYPE_CHECKING:
    import polars as pl

VALIDATION_SHARE = 0.25
"""The latest quarter of the searched rows judges the trials."""
REPORT_EVERY = 20
"""Trees between two reports to the pruner."""


class Judge:
    """Fits and measures one trial; called by Optuna. Rows are in order of time.

    LightGBM reports while it boosts; estimators with ``warm_start`` and ``n_estimators`` grow
    tree by tree to the same model as in one fit. All others are fitted whole, without pruning.
    """

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
        self._project, self._folder, self._seed = project, folder, seed
        self._objectives, self._search = objectives, search
        self._early, self._late = latest.head(cut), inputs(project, latest.tail(-cut))
        self._labels, self._truth = labels_for(project, truth[:cut]), truth[cut:]
        self._matrices: dict[bool, tuple[Any, Any]] = {}
        self._prunes = search.pruner == "hyperband" and len(objectives) == 1

    def __call__(self, trial: Any) -> Any:
        """The objectives' values, in their order; one alone as a number."""
        import optuna

        try:
            return self._values(trial)
        except optuna.TrialPruned:
            raise
        except Exception as error:
            trial.set_user_attr("reason", f"{type(error).__name__}: {error}")
            raise

    def _values(self, trial: Any) -> Any:
        parameters = {name: suggest(trial, name, p) for name, p in self._search.space.items()}
        estimator = make_estimator(self._project, self._folder, parameters, self._seed)
        early, late = self._encoded(takes_nan(estimator))
        self._fit(trial, estimator, early, late)
        predicted = answers_of(estimator, late)
        values = [self._measured(name, predicted) for name in self._objectives]
        return values if len(values) > 1 else values[0]

    def _encoded(self, nan: bool) -> tuple[Any, Any]:
        """Both parts as matrices; encoded once, for the encoding does not go by parameters."""
        if nan not in self._matrices:
            encode = fit_preprocess(self._project, self._early, takes_nan=nan)
            early = encode.transform(inputs(self._project, self._early))
            self._matrices[nan] = dense(early), dense(encode.transform(self._late))
        return self._matrices[nan]

    def _fit(self, trial: Any, estimator: Any, early: Any, late: Any) -> None:
        if self._prunes and type(estimator).__module__.startswith("lightgbm"):
            estimator.fit(early, self._labels, callbacks=[self._reporter(trial, late)])
        elif self._prunes and grows(estimator):
            whole = estimator.get_params()["n_estimators"]
            for trees in range(REPORT_EVERY, whole, REPORT_EVERY):
                estimator.set_params(warm_start=True, n_estimators=trees)
                estimator.fit(early, self._labels)
                self._report(trial, answers_of(estimator, late), trees)
            estimator.set_params(n_estimators=whole).fit(early, self._labels)
        else:
            estimator.fit(early, self._labels)

    def _reporter(self, trial: Any, late: Any) -> Any:
        def report(state: Any) -> None:
            done = state.iteration + 1
            if done % REPORT_EVERY == 0 and done < state.end_iteration:
                # Without it, predicting sets the number of threads for all that comes after.
                threads = state.params.get("num_threads", 0)
                predicted = state.model.predict(late, num_threads=threads)
                self._report(trial, np.asarray(predicted), done)

        return report

    def _report(self, trial: Any, predicted: NDArray[np.float64], done: int) -> None:
        import optuna

        trial.report(self._measured(self._objectives[0], predicted), done)
        if trial.should_prune():
            raise optuna.TrialPruned

    def _measured(self, metric: str, predicted: NDArray[np.float64]) -> float:
        value = measure(metric, self._truth, predicted)
        if value is None:
            rows = self._truth.size
            raise ValueError(f"{metric} is undefined on the {rows:,} inner validation rows")
        return value


def grows(estimator: Any) -> bool:
    """Whether more trees can be added to a fitted estimator."""
    accepted = estimator.get_params() if hasattr(estimator, "get_params") else {}
    return "warm_start" in accepted and isinstance(accepted.get("n_estimators"), int)


def suggest(trial: Any, name: str, given: Parameter) -> Any:
    """One parameter's value for ``trial``."""
    if given.choices is not None:
        return trial.suggest_categorical(name, list(given.choices))
    assert given.low is not None
    assert given.high is not None
    if given.integer:
        return trial.suggest_int(name, int(given.low), int(given.high), log=given.log)
    return trial.suggest_float(name, given.low, given.high, log=given.log)
