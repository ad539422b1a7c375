"""What the champion's metrics in a window probably are, before the labels of its rows are known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from homeostat.domain.verdict import Verdict
from homeostat.domain.version import Version
from homeostat.features.references import References
from homeostat.monitoring.drift import features_of
from homeostat.monitoring.prediction_log import PredictionLog
from homeostat.spec.foretold import FORETOLD
from homeostat.stats.estimate.cbpe import estimate_binary
from homeostat.stats.estimate.direct_loss import estimate_loss
from homeostat.stats.estimate.trust import outside_profile, trusted
from homeostat.stats.metrics import Array
from homeostat.stats.profile import Profile
from homeostat.stats.result import Result, unable

if TYPE_CHECKING:
    import polars as pl

ReadLoss = Callable[["pl.DataFrame", Array], Array]
"""From inputs and predictions to what a model of errors reads, shape (rows, columns)."""
DRAWS, FEW_DRAWS = 1000, 50
"""Windows of labels that are drawn for an interval; few where only the estimate is wanted."""
MAX_ROWS = 200_000
"""Of more rows an evenly spread part is taken."""


def foretold(
    task: str,
    names: tuple[str, ...],
    references: References,
    rows: pl.DataFrame,
    seen: Profile,
    read: ReadLoss | None,
    seed: int,
    draws: int = DRAWS,
) -> dict[str, Result]:
    """An estimate for each metric of ``names`` that can be foretold.

    ``rows`` are the window's, with ``prediction`` and ``inputs``; ``seen`` their counts; ``read``
    makes what the model of errors reads of inputs and predictions. Inconclusive without a
    reference, and when too many rows lie outside of the training rows. Fewer ``draws`` make a
    rougher interval, at 80 % instead of 95 %; the estimate is the same.
    """
    possible = {name: FORETOLD[task][name] for name in names if name in FORETOLD[task]}
    rows = rows.gather_every(max(rows.height // MAX_ROWS, 1))
    outside = outside_profile(references.features.profile, features_of(seen))
    score = rows["prediction"].to_numpy().astype(np.float64)
    if task == "binary":
        found = _binary(possible, references, score, seed, draws)
    else:
        found = _regression(possible, references, rows, score, read)
    return {name: trusted(result, outside) for name, result in found.items()}


def _binary(
    possible: Mapping[str, str], references: References, score: Array, seed: int, draws: int
) -> dict[str, Result]:
    if references.calibration is None or references.calibration_sd is None:
        return {name: unable("the version has no calibration to foretell by") for name in possible}
    probability = references.calibration.apply(score)
    return {
        name: estimate_binary(
            metric,
            score,
            probability,
            confidence=0.95 if draws >= DRAWS else 0.8,
            calibration_sd=references.calibration_sd,
            draws=draws,
            seed=seed,
        )
        for name, metric in possible.items()
    }


def _regression(
    possible: Mapping[str, str],
    references: References,
    rows: pl.DataFrame,
    score: Array,
    read: ReadLoss | None,
) -> dict[str, Result]:
    model = references.loss_model
    if model is None or read is None or not rows.height:
        return {name: unable("the version has no model of its errors") for name in possible}
    import lightgbm

    booster = lightgbm.Booster(model_str=model.booster)
    matrix = read(rows["inputs"].struct.unnest(), score)
    absolute = np.maximum(np.asarray(booster.predict(matrix, num_threads=1)), 0.0)
    actual = np.asarray(model.actual)
    found = {}
    for name, metric in possible.items():
        power = 1 if metric == "mae" else 2
        scale = 1.0 if power == 1 else _second_moment(model.predicted, actual)
        found[name] = estimate_loss(
            metric,
            scale * absolute**power,
            scale * np.asarray(model.predicted) ** power,
            actual**power,
        )
    return found


def _second_moment(predicted: ArrayLike, actual: Array) -> float:
    """How the mean square of an error goes with the square of its foretold size."""
    below = float((np.asarray(predicted) ** 2).mean())
    return float((actual**2).mean()) / below if below > 0 else 1.0


def window_rows(
    log: PredictionLog, version: Version, since: datetime, until: datetime
) -> pl.DataFrame:
    """The rows that ``version`` scored in [since, until), an event once: prediction and inputs."""
    rows = log.read(since, until, ("event", "version", "prediction", "inputs"))
    mine = rows.filter(rows["version"] == version.number)
    return mine.unique("event", keep="last", maintain_order=True).drop_nulls("prediction")


def known(result: Result) -> bool:
    """Whether an estimate is to be relied on."""
    return result.verdict is Verdict.PASS and result.estimate is not None
