"""The mean loss of a probability before the labels are there, in closed form."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from homeostat.stats.estimate.calibration_sd import CalibrationSd
from homeostat.stats.metrics import CLIP

Array = NDArray[np.float64]
LOSSES = ("brier", "log_loss")


def expected_loss(
    metric: str, x: Array, p: Array, confidence: float, calibration_sd: CalibrationSd
) -> tuple[float, float, float]:
    """Mean loss of these rows, and the interval of the mean that the labels will show.

    ``x`` is the stated and ``p`` the calibrated probability, both in 0..1 and of shape (rows,),
    at least one. A row's loss is a positive one's with probability p and a negative one's
    otherwise, so the mean has the variance ``sum(p * (1 - p) * (difference / rows) ** 2)``, and
    one more term for each band of ``calibration_sd``. The interval is normal with the
    Cornish-Fisher term for skewness (1938), cut at the least and the largest possible mean. It is
    too narrow where less than about five labels of either kind are expected.

    >>> expected_loss("brier", np.ones(4), np.ones(4), 0.95, CalibrationSd((), (0.0,)))
    (0.0, 0.0, 0.0)
    """
    from scipy.special import ndtri

    if metric == "brier":
        positive, negative = (1 - x) ** 2, x**2
    else:
        cut = np.clip(x, CLIP, 1 - CLIP)
        positive, negative = -np.log(cut), -np.log1p(-cut)
    mean = float((p * positive + (1 - p) * negative).mean())
    weight = (positive - negative) / x.size
    spread = p * (1 - p) * weight**2
    sd = np.asarray(calibration_sd.sd)
    common = np.bincount(calibration_sd.band(x), weights=weight, minlength=sd.size) * sd
    variance = float(spread.sum() + (common**2).sum())
    if variance <= 0:
        return mean, mean, mean
    deviation = math.sqrt(variance)
    skewness = float((spread / variance * (weight / deviation) * (1 - 2 * p)).sum())
    z = float(ndtri(0.5 + confidence / 2))
    tilt = float(np.clip(skewness, -1, 1)) * (z * z - 1) / 6
    low, high = (mean + (side + tilt) * deviation for side in (-z, z))
    least, most = np.minimum(positive, negative).mean(), np.maximum(positive, negative).mean()
    return mean, max(low, float(least)), min(high, float(most))
