"""Whether the challenger makes more errors than the champion, asked at any time."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from homeostat.domain.verdict import Verdict
from homeostat.stats.result import Result, unable
from homeostat.stats.sequential.bernoulli import MAX_TRIALS, log_evidence

ASSUMED = "each arm errs at its own fixed rate, rows and arms independent, which row goes to which"
ASSUMED += " arm and when its outcome is known do not depend on the outcome"


class Counts(NamedTuple):
    """Errors and trials of two arms."""

    errors: int
    trials: int
    other_errors: int
    other_trials: int


def more_errors(
    challenger: tuple[int, int],
    champion: tuple[int, int],
    *,
    margin: float = 0.0,
    error_rate: float = 0.05,
) -> Result:
    """Tell whether the challenger's error rate is more than ``margin`` above the champion's.

    Each arm is (errors, trials) counted from the start of the comparison, so any number of looks
    is fine. ``margin`` is a difference of rates: 0.01 allows one error more per 100 rows.

    The evidence against a pair of rates is the product of the two arms' beta-binomial mixture
    martingales (``log_evidence``), itself a martingale under the true pair. The evidence against
    a difference is the least over the pairs that have it: an e-process for that composite
    hypothesis (Ramdas, Grünwald, Vovk & Shafer 2023). ``low`` and ``high`` bound the differences
    with evidence below 1 / ``error_rate``. This is a little narrower than the union of two
    intervals, each at half the rate, and still conservative.

    - *fail*: ``low`` is above ``margin``, so the challenger was shown to be worse.
    - *pass*: ``high`` is at most ``margin``.
    - *inconclusive*: neither yet. ``rows_needed`` is how many rows in all would decide if both
      arms went on as they did, None when that is more than a million times as many.
    - *error*: counts that no rows can have.

    ``error_rate`` is the probability that the interval ever misses the true difference, so it
    bounds false alarms and false passes together, over all looks. Measured at 0.05 with 2,000
    looks: 0.008 for rates of 0.5, at most 0.001 for small ones; 4 % against 2 % took 3,100 rows
    of each arm (median). ``p_value`` is valid at any look, for "not worse by more than
    ``margin``". It does not see errors that come late (an arm that fails after an hour), nor
    that one arm got harder rows. Outcomes that are not known must not be counted as trials. A
    margin outside [0, 1) or an error rate outside (0, 1) raises ValueError.

    >>> found = more_errors((60, 1000), (10, 1000), margin=0.01)
    >>> found.verdict.value, round(found.low, 3), round(found.high, 3)
    ('fail', 0.015, 0.092)
    >>> more_errors((12, 1000), (10, 1000), margin=0.05).verdict.value
    'pass'
    """
    _check(margin, error_rate)
    counts = Counts(*challenger, *champion)
    if not _sensible(*challenger) or not _sensible(*champion):
        reason = f"0 <= errors <= trials <= 1e12 is asked, got {challenger} and {champion}"
        return Result(Verdict.ERROR, error_rate=error_rate, reason=reason)
    rows = challenger[1] + champion[1]
    if not challenger[1] or not champion[1]:
        return unable(f"{challenger[1]} rows of the challenger, {champion[1]} of the champion")
    threshold = -math.log(error_rate)
    rates = challenger[0] / challenger[1], champion[0] / champion[1]
    estimate = rates[0] - rates[1]
    low = _reach(counts, estimate, -1.0, threshold)
    high = _reach(counts, estimate, 1.0, threshold)
    verdict = _verdict(low, high, margin)
    against = float(least_evidence(*counts, margin)) if estimate > margin else 0.0
    return Result(
        verdict,
        estimate=estimate,
        low=low,
        high=high,
        p_value=min(1.0, math.exp(-against)),
        error_rate=error_rate,
        rows=rows,
        rows_needed=(
            _rows_needed(counts, margin, threshold) if verdict is Verdict.INCONCLUSIVE else None
        ),
        assumed=ASSUMED,
        reason=f"{rates[0]:.4g} of {challenger[1]} rows are errors against {rates[1]:.4g} of"
        f" {champion[1]}; the difference is {low:.4g} to {high:.4g}, {margin:g} is allowed",
    )


def least_evidence(
    errors: ArrayLike,
    trials: ArrayLike,
    other_errors: ArrayLike,
    other_trials: ArrayLike,
    difference: ArrayLike,
) -> NDArray[np.float64]:
    """Log of the least evidence against any two rates that are ``difference`` apart.

    The arrays are broadcast against each other. The log evidence is convex in the rates, so its
    least value on the line of one difference is found by bisection of the slope. The counts are
    not checked.

    >>> round(float(least_evidence(60, 1000, 10, 1000, 0.0)), 2)
    13.1
    """
    given = (errors, trials, other_errors, other_trials, difference)
    e, n, f, m, d = np.broadcast_arrays(*(np.asarray(part, dtype=np.float64) for part in given))
    low, high = np.maximum(0.0, -d), np.minimum(1.0, 1.0 - d)
    with np.errstate(divide="ignore", invalid="ignore"):
        for _ in range(60):
            q = (low + high) / 2
            p = q + d
            falling = f / q + e / p > (m - f) / (1 - q) + (n - e) / (1 - p)
            low, high = np.where(falling, q, low), np.where(falling, high, q)
    q = (low + high) / 2
    p = np.clip(q + d, 0.0, 1.0)
    return log_evidence(e, n, p) + log_evidence(f, m, q)


def _reach(counts: Counts, inside: float, outside: float, threshold: float) -> float:
    """The difference nearest to ``inside``, on the way to ``outside``, that is ruled out."""
    for _ in range(7):
        steps = np.linspace(inside, outside, 65)
        ruled_out = least_evidence(*counts, steps) >= threshold
        if not ruled_out.any():
            return outside
        first = max(1, int(np.argmax(ruled_out)))
        inside, outside = float(steps[first - 1]), float(steps[first])
    return outside


def _verdict(low: float, high: float, margin: float) -> Verdict:
    if low > margin:
        return Verdict.FAIL
    return Verdict.PASS if high <= margin else Verdict.INCONCLUSIVE


def _rows_needed(counts: Counts, margin: float, threshold: float) -> int | None:
    """How many rows would decide if both arms went on as they did."""
    factors = 2.0 ** np.arange(0.25, 20.25, 0.25)
    e, n, f, m = (np.multiply(count, factors) for count in counts)
    enough = least_evidence(e, n, f, m, margin) >= threshold
    if not enough.any():
        return None
    return math.ceil((counts.trials + counts.other_trials) * float(factors[np.argmax(enough)]))


def _sensible(errors: float, trials: float) -> bool:
    return 0 <= errors <= trials <= MAX_TRIALS and errors == int(errors) and trials == int(trials)


def _check(margin: float, error_rate: float) -> None:
    if not 0 <= margin < 1:
        raise ValueError(f"margin must be at least 0 and below 1, got {margin}")
    if not 0 < error_rate < 1:
        raise ValueError(f"error_rate must be between 0 and 1, got {error_rate}")
