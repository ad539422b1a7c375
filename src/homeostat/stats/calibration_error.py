"""Whether predicted probabilities mean what they say: three looks at calibration."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from homeostat.domain.verdict import Verdict
from homeostat.stats.result import Result, unable

MIN_ROWS = 30
"""With fewer rows nothing is said."""
MIN_ROWS_PER_BIN = 10
"""With fewer rows a bin no expected calibration error is given."""
MIN_EVENTS = 10
"""The slope needs so many rows of each class."""
CLIP = 1e-6
"""Probabilities are kept so far from 0 and 1 before their logarithm is taken."""
ASSUMED = "independent rows, normal errors of the means"
Array = NDArray[np.float64]


def calibration_error(
    truth: ArrayLike,
    probability: ArrayLike,
    *,
    limit: float,
    confidence: float = 0.95,
    bins: int = 10,
) -> Result:
    """Expected calibration error over ``bins`` bins of about equally many rows.

    ``truth`` (0 or 1) and ``probability`` (0 to 1) have shape (rows,). The error is the mean over
    rows of |mean probability - mean truth| of the row's bin (Naeini et al. 2015; Nguyen &
    O'Connor 2015 for bins of equal mass). Equal probabilities share a bin.

    The error as computed is too high by chance, even of a perfect model. ``estimate`` is less the
    bias that a folded normal error gives each bin (Kumar et al. 2019, section 5, in closed form);
    that takes away about half of it near 0, and nearly all when the error is large. The interval
    is for the error of these bins. Every sum of ``±`` gaps is at most the computed error, so
    ``high`` = computed + z * standard error holds for any gaps; ``low`` = computed less the
    upper quantile of the sum of absolute errors (triangle inequality). Standard errors are those
    of Agresti & Coull (1998), so that a bin of one class is not held to be certain.

    *fail* when ``low > limit``, *pass* when ``high <= limit``. ``error_rate`` is
    ``1 - confidence``: at 0.95 the interval missed 0 to 3.4 % of the time (simulated, 100 to
    10000 rows). It does not see errors that cancel within a bin, so the true error may be larger.
    Values that are not finite are left out and counted in ``skipped``; fewer than 10 rows per
    bin are *inconclusive*; a truth or probability out of range is *error*.

    >>> random = np.random.default_rng(1)
    >>> said = random.random(5000)
    >>> happened = random.random(5000) < said ** 2
    >>> found = calibration_error(happened, said, limit=0.05)
    >>> found.verdict.value, round(found.estimate, 3), round(found.low, 3), round(found.high, 3)
    ('fail', 0.178, 0.159, 0.188)
    """
    _check(limit, confidence)
    if bins < 1:
        raise ValueError(f"at least one bin is asked, got {bins}")
    actual, said, skipped = _finite(truth, probability)
    rows = int(actual.size)
    refused = _refuse(actual, said, skipped, max(MIN_ROWS, MIN_ROWS_PER_BIN * bins))
    if refused is not None:
        return refused
    edges = np.unique(np.quantile(said, np.arange(1, bins) / bins))
    _, codes = np.unique(np.searchsorted(edges, said, side="right"), return_inverse=True)
    counts = np.bincount(codes).astype(np.float64)
    positive = np.bincount(codes, weights=actual)
    gaps = np.abs(np.bincount(codes, weights=said) - positive) / counts
    shrunk = (positive + 2) / (counts + 4)
    errors, weights = np.sqrt(shrunk * (1 - shrunk) / counts), counts / rows
    computed, z = float(weights @ gaps), _z(confidence)
    estimate = max(0.0, computed - float(weights @ (_folded_mean(gaps, errors) - gaps)))
    spread = float(np.linalg.norm(weights * errors))
    by_chance = float(weights @ errors) * math.sqrt(2 / math.pi)
    low = max(0.0, computed - by_chance - z * spread * math.sqrt(1 - 2 / math.pi))
    low, high = min(low, estimate), min(1.0, computed + z * spread)
    reason = f"probabilities are off by {estimate:.3g} on average ({low:.3g} to {high:.3g}), "
    reason += f"limit {limit:g}"
    result = Result(_verdict(low, high, 0.0, limit), estimate, low, high, None, 1 - confidence)
    return replace(result, rows=rows, skipped=skipped, assumed=ASSUMED, reason=reason)


def calibration_in_the_large(
    truth: ArrayLike, probability: ArrayLike, *, limit: float, confidence: float = 0.95
) -> Result:
    """Mean probability less mean truth: whether a model says too much or too little over all.

    ``truth`` (0 or 1) and ``probability`` (0 to 1) have shape (rows,). A z interval of the mean
    of ``probability - truth``, its variance as if two further errors of size 1 had been seen
    in four further rows, so that rows of one class alone do not look certain (after Agresti &
    Coull 1998). *fail* when the whole interval is outside ``-limit`` to ``limit``, *pass* when
    all of it is inside. ``p_value`` is that of a true mean of 0, two-sided.

    ``error_rate`` is ``1 - confidence``, for the interval: at 0.95 it missed 4.7 to 4.8 % of the
    time, and ``p_value < 0.05`` came 5 % of the time (6.4 % with 6 positive rows expected of 300;
    all simulated). Assumes independent rows. It does not see errors that cancel between rows.
    Values that are not finite are left out and counted in ``skipped``; fewer than 30 rows are
    *inconclusive*; a truth or probability out of range is *error*.

    >>> found = calibration_in_the_large([0, 1] * 200, [0.6] * 400, limit=0.2)
    >>> found.verdict.value, round(found.estimate, 3), round(found.low, 3), round(found.high, 3)
    ('pass', 0.1, 0.051, 0.149)
    """
    _check(limit, confidence)
    actual, said, skipped = _finite(truth, probability)
    refused = _refuse(actual, said, skipped, MIN_ROWS)
    if refused is not None:
        return refused
    rows, excess = int(actual.size), said - actual
    error = math.sqrt((rows * float(excess.var()) + 2) / (rows + 4) / rows)
    mean = float(excess.mean())
    name = "mean probability less mean truth"
    return _wald(name, mean, error, 0.0, limit, confidence, rows, skipped)


@dataclass(frozen=True, slots=True)
class Recalibration:
    """Cox's two numbers; of a calibrated model ``intercept`` is 0 and ``slope`` 1."""

    intercept: Result
    slope: Result


def recalibration(
    truth: ArrayLike,
    probability: ArrayLike,
    *,
    intercept_limit: float,
    slope_limit: float,
    confidence: float = 0.95,
) -> Recalibration:
    """Intercept and slope of logistic recalibration, ``logit P(truth) = a + b logit p`` (Cox 1958).

    ``truth`` (0 or 1) and ``probability`` (0 to 1, kept ``CLIP`` away from both) have shape
    (rows,). A slope below 1 says that the probabilities are too extreme (too sure), above 1 that
    they are too timid; a negative intercept, that they are too high where p is 0.5. Fitted by
    Newton's method; Wald intervals from the Fisher information, each at ``confidence`` on its
    own. *fail* when the whole interval is further than its limit from 0 (intercept) or 1
    (slope), *pass* when all of it is within. ``p_value`` is that of a true 0 or 1, two-sided.

    ``error_rate`` is ``1 - confidence``: at 0.95 the intervals missed 4.7 to 5.4 % of the time
    (simulated, 100 and 1000 rows). It assumes independent rows and that the model of Cox is
    right, and does not see a miscalibration of another shape. Values
    that are not finite are left out and counted in ``skipped``. *inconclusive*: fewer than 30
    rows, fewer than 10 of a class, one probability only, or classes that the probabilities tell
    apart without a mistake, where no finite slope exists (Albert & Anderson 1984). A truth or
    probability out of range is *error*.

    >>> random = np.random.default_rng(1)
    >>> said = random.random(4000)
    >>> happened = random.random(4000) < 0.5 + (said - 0.5) / 2
    >>> found = recalibration(happened, said, intercept_limit=0.2, slope_limit=0.2)
    >>> found.intercept.verdict.value, found.slope.verdict.value, round(found.slope.estimate, 1)
    ('pass', 'fail', 0.3)
    """
    _check(slope_limit, confidence)
    _check(intercept_limit, confidence)
    actual, said, skipped = _finite(truth, probability)
    rows = int(actual.size)
    refused = _refuse(actual, said, skipped, MIN_ROWS)
    if refused is not None:
        return Recalibration(refused, refused)
    yes, no = said[actual == 1], said[actual == 0]
    few = f"{min(yes.size, no.size)} rows of the rarer class, {MIN_EVENTS} asked"
    if min(yes.size, no.size) < MIN_EVENTS:
        return Recalibration(*[unable(few, rows=rows, skipped=skipped)] * 2)
    clipped = np.clip(said, CLIP, 1 - CLIP)
    score = np.log(clipped) - np.log1p(-clipped)
    yes, no = score[actual == 1], score[actual == 0]
    if yes.min() >= no.max() or no.min() >= yes.max():
        apart = "no finite slope: one probability only, or the classes do not overlap"
        return Recalibration(*[unable(apart, rows=rows, skipped=skipped)] * 2)
    fit = _newton(score, actual)
    if fit is None:
        vague = "the classes overlap too little for a slope"
        return Recalibration(*[unable(vague, rows=rows, skipped=skipped)] * 2)
    (intercept, slope), (first, second) = fit
    return Recalibration(
        _wald("intercept", intercept, first, 0.0, intercept_limit, confidence, rows, skipped),
        _wald("slope", slope, second, 1.0, slope_limit, confidence, rows, skipped),
    )


def _newton(score: Array, actual: Array) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """Line of a logistic fit to rows of shape (rows,) and its standard errors; None: not found."""
    design = np.column_stack([np.ones_like(score), score])
    found = np.array([0.0, 1.0])

    def likelihood(line: Array) -> float:
        return float(actual @ (design @ line) - np.logaddexp(0.0, design @ line).sum())

    best = likelihood(found)
    for _ in range(100):
        fitted = 0.5 * (1 + np.tanh(design @ found / 2))
        information = (design * (fitted * (1 - fitted))[:, None]).T @ design
        if not np.linalg.cond(information) < 1e12:
            return None
        gradient = design.T @ (actual - fitted)
        step = np.linalg.solve(information, gradient)
        if gradient @ step < 1e-12:  # a millionth of a standard error
            first, second = np.sqrt(np.diag(np.linalg.inv(information)))
            return (float(found[0]), float(found[1])), (float(first), float(second))
        slack = 1e-12 * score.size  # of rounding
        while (reached := likelihood(found + step)) < best - slack:
            step /= 2
        found, best = found + step, reached
    return None


def _folded_mean(centre: Array, error: Array) -> Array:
    """E|X| for X normal with this mean and standard deviation, elementwise."""
    from scipy.special import erf

    at = centre / error
    density = error * math.sqrt(2 / math.pi) * np.exp(-at * at / 2)
    mean: Array = density + centre * erf(at / math.sqrt(2))
    return mean


def _wald(
    name: str,
    estimate: float,
    error: float,
    ideal: float,
    limit: float,
    confidence: float,
    rows: int,
    skipped: int,
) -> Result:
    """A z interval, and the verdict on the distance from ``ideal``."""
    reach = _z(confidence) * error
    low, high = estimate - reach, estimate + reach
    p_value = math.erfc(abs(estimate - ideal) / error / math.sqrt(2))
    reason = f"{name} {estimate:.3g} ({low:.3g} to {high:.3g}), {ideal:g} ± {limit:g} is fine"
    verdict = _verdict(low, high, ideal, limit)
    result = Result(verdict, estimate, low, high, p_value, 1 - confidence)
    return replace(result, rows=rows, skipped=skipped, assumed=ASSUMED, reason=reason)


def _verdict(low: float, high: float, ideal: float, limit: float) -> Verdict:
    """Fail when all of the interval is beyond the limit, pass when all of it is within."""
    if low > ideal + limit or high < ideal - limit:
        return Verdict.FAIL
    within = ideal - limit <= low and high <= ideal + limit
    return Verdict.PASS if within else Verdict.INCONCLUSIVE


def _z(confidence: float) -> float:
    """The two-sided normal quantile."""
    from scipy.special import ndtri

    return float(ndtri(0.5 + confidence / 2))


def _finite(truth: ArrayLike, probability: ArrayLike) -> tuple[Array, Array, int]:
    """Rows that are finite in both, and how many are not."""
    actual = np.asarray(truth, dtype=np.float64)
    said = np.asarray(probability, dtype=np.float64)
    if actual.shape != said.shape or actual.ndim != 1:
        raise ValueError(f"one probability per truth is asked, got {actual.shape}, {said.shape}")
    kept = np.isfinite(actual) & np.isfinite(said)
    return actual[kept], said[kept], int((~kept).sum())


def _refuse(actual: Array, said: Array, skipped: int, least: int) -> Result | None:
    """Why nothing can be said: values that make no sense, or fewer than ``least`` rows."""
    rows = int(actual.size)
    if not np.isin(actual, (0.0, 1.0)).all() or ((said < 0) | (said > 1)).any():
        reason = "a truth is neither 0 nor 1, or a probability is outside 0..1"
        return Result(Verdict.ERROR, rows=rows, skipped=skipped, reason=reason)
    if rows < least:
        return unable(f"{rows} rows, {least} asked", rows=rows, skipped=skipped)
    return None


def _check(limit: float, confidence: float) -> None:
    """Raise ValueError for parameters that make no sense."""
    if not (math.isfinite(limit) and limit >= 0 and 0 < confidence < 1):
        raise ValueError(f"limit >= 0, confidence in (0, 1): got {limit}, {confidence}")
