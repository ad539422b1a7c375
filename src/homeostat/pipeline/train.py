"""Step *train*: build the estimator and fit it on the training part."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from homeostat.errors import HomeostatError, ProjectCodeError, StepError
from homeostat.pipeline.answer import dense
from homeostat.pipeline.preprocess import fit_preprocess, inputs, takes_nan
from homeostat.spec.code import load_function
from homeostat.spec.project import Project

if TYPE_CHECKING:
    import polars as pl


def make_estimator(project: Project, folder: Path, parameters: Mapping[str, Any], seed: int) -> Any:
    """An unfitted estimator with the declared parameters, those given, and the seed.

    The seed is passed as ``random_state`` if the estimator takes one and none is declared.
    Raises ProjectCodeError when the class or function is missing, raises, or gives something
    that is not an estimator.
    """
    reference = project.training.estimator
    given = {**project.training.parameters, **parameters}
    maker = load_function(folder, reference)
    try:
        estimator = maker(**given)
    except HomeostatError:
        raise
    except Exception as error:
        raise _unmade(reference, given, f"{type(error).__name__}: {error}") from error
    if not (hasattr(estimator, "fit") and hasattr(estimator, "predict")):
        kind = type(estimator).__name__
        raise _unmade(reference, given, f"it gives {kind}, which has no 'fit' and 'predict'")
    accepted = estimator.get_params() if hasattr(estimator, "get_params") else {}
    if "random_state" in accepted and "random_state" not in given:
        estimator.set_params(random_state=seed)
    return estimator


def _unmade(reference: str, given: Mapping[str, Any], problem: str) -> ProjectCodeError:
    shown = ", ".join(f"{name}={value!r}" for name, value in given.items())
    return ProjectCodeError(
        f"'{reference}' cannot be made with {shown or 'no parameters'}: {problem}",
        subject="homeostat.yaml: training.estimator",
        next_step="check training.parameters and training.search.space",
    )


def train(
    project: Project,
    folder: Path,
    rows: pl.DataFrame,
    target: NDArray[np.float64],
    parameters: Mapping[str, Any],
    seed: int,
) -> Any:
    """Steps *preprocess* and *train* at once: a fitted ``Pipeline`` of the two.

    ``rows`` holds at least the feature columns; ``target`` has shape (rows,). The same
    arguments give the same model, as far as the estimator is deterministic. Raises
    ProjectCodeError, and StepError when the estimator cannot be fitted.
    """
    estimator = make_estimator(project, folder, parameters, seed)
    preprocess = fit_preprocess(project, rows, takes_nan=takes_nan(estimator))
    return fit_estimator(project, estimator, preprocess, rows, target)


def fit_estimator(
    project: Project,
    estimator: Any,
    preprocess: Any,
    rows: pl.DataFrame,
    target: NDArray[np.float64],
) -> Any:
    """A ``Pipeline`` of the fitted ``preprocess`` and of ``estimator``, fitted here."""
    from sklearn.pipeline import Pipeline

    matrix = dense(preprocess.transform(inputs(project, rows)))
    try:
        estimator.fit(matrix, labels_for(project, target))
    except Exception as error:
        raise StepError(
            f"'{project.training.estimator}' could not be fitted on {rows.height:,} rows: "
            f"{type(error).__name__}: {error}",
            subject="train",
            next_step="check that it accepts the features; the next run tries again",
        ) from error
    return Pipeline([("preprocess", preprocess), ("estimator", estimator)])


def labels_for(project: Project, target: NDArray[np.float64]) -> NDArray[Any]:
    """The target as estimators take it: whole numbers for classes."""
    return target.astype(np.int64) if project.task == "binary" else target
