"""Step *train*: build the estimator and fit the whole pipeline on the training part."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from homeostat.errors import ProjectCodeError, StepError
from homeostat.pipeline.preprocess import inputs, preprocessor, takes_nan
from homeostat.spec.code import load_function
from homeostat.spec.project import Project

if TYPE_CHECKING:
    import polars as pl


def make_estimator(project: Project, folder: Path, parameters: Mapping[str, Any], seed: int) -> Any:
    """An unfitted estimator with the declared parameters, those given, and the seed.

    The seed is passed as ``random_state`` if it takes one.
    Raises ProjectCodeError.
    """
    reference = project.training.estimator
    given = {**project.training.parameters, **parameters}
    maker = load_function(folder, reference)
    try:
        estimator = maker(**given)
        accepted = estimator.get_params()
    except (TypeError, ValueError, AttributeError) as error:
        raise ProjectCodeError(
            f"'{reference}' cannot be made with {given}: {error}",
            subject="homeostat.yaml: training.estimator",
            next_step="check training.parameters and training.search.space",
        ) from error
    if "random_state" in accepted and "random_state" not in given:
        estimator.set_params(random_state=seed)
    return estimator


def train(
    project: Project,
    folder: Path,
    rows: pl.DataFrame,
    target: NDArray[np.float64],
    parameters: Mapping[str, Any],
    seed: int,
) -> Any:
    """A fitted ``Pipeline`` of ``preprocess`` and ``estimator``.

    ``rows`` holds at least the feature columns; ``target`` has shape (rows,). The same
    arguments give the same model. Raises StepError when the estimator cannot be fitted.
    """
    from sklearn.pipeline import Pipeline

    estimator = make_estimator(project, folder, parameters, seed)
    model = Pipeline([
        ("preprocess", preprocessor(project, takes_nan(estimator))),
        ("estimator", estimator),
    ])  # fmt: skip
    labels = target.astype(np.int64) if project.task == "binary" else target
    try:
        return model.fit(inputs(project, rows), labels)
    except (ValueError, TypeError, ArithmeticError) as error:
        raise StepError(
            f"'{project.training.estimator}' could not be fitted: {error}",
            subject="train",
            next_step="check that it accepts the features; `homeostat run` tries again",
        ) from error
