"""Step *package*, the part that monitoring will need: how the rows and answers were at training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from homeostat.domain.version import Version
from homeostat.features.profile_columns import columns_of
from homeostat.features.references import PREDICTION, LossModel, References
from homeostat.pipeline.answer import dense, predictions
from homeostat.pipeline.labels import TARGET
from homeostat.pipeline.preprocess import inputs
from homeostat.pipeline.scorer import load_scorer
from homeostat.ports.blobs import Blobs
from homeostat.spec.project import Project
from homeostat.stats.drift.reference import Reference, losses_by_bin, reference_of
from homeostat.stats.estimate.calibrate import Calibration
from homeostat.stats.estimate.calibration_sd import CalibrationSd
from homeostat.stats.metrics import Array, row_loss

if TYPE_CHECKING:
    import polars as pl

STRETCHES = (timedelta(days=1), timedelta(hours=6), timedelta(hours=1))
"""Lengths of the stretches of time that a reference is counted in, the longest first."""
MIN_STRETCHES = 28
"""The longest is taken of which the rows span so many, and that is no longer than the window."""
MIN_ROWS = 100
"""With fewer evaluation rows nothing is foretold from them."""
FOLDS = 5
PAIRS = 5_000


def references_of(
    project: Project,
    training: pl.DataFrame,
    evaluation: pl.DataFrame,
    holdout: pl.DataFrame,
    model: Any,
    seed: int,
) -> References:
    """Counts of the training rows, and what the rows that were not trained on say of the answers.

    All frames hold features, event columns and ``__target``. Answers are counted on evaluation
    and holdout rows, which together reach as far back as the training rows; losses and the
    calibration are those of the evaluation rows, the latest.
    """
    import polars as pl

    shown = inputs(project, training)
    features = reference_of(
        columns_of(shown, shown.columns),
        _seconds(project, training),
        block_s=_stretch_s(project, training),
        bins=project.monitors.psi_bins,
    )
    if not evaluation.height:
        return References(features)
    given, truth = inputs(project, evaluation), evaluation[TARGET].to_numpy().astype(np.float64)
    answers = predictions(model, given)
    losses = losses_by_bin(
        features.profile.bins,
        columns_of(given, given.columns),
        row_loss(project.task, truth, answers),
    )
    unseen = pl.concat([evaluation, holdout]).unique(project.events.id, keep="first")
    found = References(replace(features, losses=losses), _answered(project, unseen, model))
    if evaluation.height < MIN_ROWS:
        return found
    if project.task == "binary":
        return _calibrated(found, answers, truth)
    return replace(found, loss_model=_loss_model(model, given, answers, truth, seed))


def _answered(project: Project, rows: pl.DataFrame, model: Any) -> Reference:
    return reference_of(
        {PREDICTION: ("number", predictions(model, inputs(project, rows)))},
        _seconds(project, rows),
        block_s=_stretch_s(project, rows),
        bins=project.monitors.psi_bins,
    )


def _calibrated(found: References, answers: Array, truth: Array) -> References:
    calibration = Calibration.fit(answers, truth)
    sd = CalibrationSd.of(answers, calibration.apply(answers))
    return replace(found, calibration=calibration, calibration_sd=sd)


def _loss_model(
    model: Any, given: pl.DataFrame, answers: Array, truth: Array, seed: int
) -> LossModel:
    """Direct loss estimation: a small boosted model of the absolute error."""
    from lightgbm import LGBMRegressor

    matrix = loss_inputs(model[0], given, answers)
    actual = np.abs(truth - answers)
    folds = np.random.default_rng(seed).permutation(actual.size) % FOLDS

    def fitted(rows: Any) -> Any:
        return LGBMRegressor(
            n_estimators=60, num_leaves=15, min_child_samples=20, learning_rate=0.1,
            random_state=seed, deterministic=True, force_row_wise=True, num_threads=1, verbosity=-1,
        ).fit(matrix[rows], actual[rows])  # fmt: skip

    predicted = np.empty(actual.size)
    for fold in range(FOLDS):
        out = folds == fold
        predicted[out] = fitted(~out).booster_.predict(matrix[out], num_threads=1)
    chosen = slice(None, None, max(actual.size // PAIRS, 1))
    whole = fitted(slice(None))
    return LossModel(
        whole.booster_.model_to_string(),
        tuple(predicted[chosen].tolist()),
        tuple(actual[chosen].tolist()),
    )


def loss_inputs(preprocess: Any, given: pl.DataFrame, answers: Array) -> Array:
    """What a loss model reads: encoded features, then the prediction; shape (rows, columns)."""
    return np.column_stack([np.asarray(dense(preprocess.transform(given))), answers])


def loss_reader(blobs: Blobs, version: Version) -> Callable[[pl.DataFrame, Array], Array]:
    """What the loss model of ``version`` reads, from logged inputs and predictions.

    Raises BlobMissingError when the package is gone, ModelLoadError when it cannot be loaded.
    """
    package = blobs.get_tree(version.candidate.package_digest)
    scorer = load_scorer(package, trusted_digest=version.digest)

    def read(rows: pl.DataFrame, answers: Array) -> Array:
        return loss_inputs(scorer.model[0], scorer.schema.conform(rows), answers)

    return read


def _seconds(project: Project, rows: pl.DataFrame) -> Array:
    return np.asarray(
        rows[project.events.time].dt.timestamp("us").to_numpy() / 1e6, dtype=np.float64
    )


def _stretch_s(project: Project, rows: pl.DataFrame) -> float:
    times = _seconds(project, rows)
    span_s = float(times.max() - times.min()) if times.size else 0.0
    fitting = [
        length.total_seconds()
        for length in STRETCHES
        if length <= project.monitors.window and span_s >= MIN_STRETCHES * length.total_seconds()
    ]
    return fitting[0] if fitting else STRETCHES[-1].total_seconds()
