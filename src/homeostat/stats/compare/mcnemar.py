"""Two models' hits on the same rows: are the shares of hits different, and by how much."""

from __future__ import annotations

import math


def exact_p(won: int, lost: int) -> float:
    """Two-sided exact p value of McNemar's test (McNemar 1947): binomial(won + lost, 1/2).

    ``won`` counts rows that only the challenger has right, ``lost`` those that only the champion
    has. Without such rows 1. Equals ``scipy.stats.binomtest(won, won + lost).pvalue``. Assumes
    independent rows; the error rate is at most the level, and below it for few discordant rows.

    >>> round(exact_p(9, 1), 4)
    0.0215
    """
    _counted(won, lost, won + lost)
    from scipy.stats import binomtest

    return float(binomtest(won, won + lost).pvalue) if won + lost else 1.0


def score_interval(won: int, lost: int, rows: int, confidence: float) -> tuple[float, float]:
    """Score interval for the difference of two paired shares (Tango 1998, Stat Med 17:891).

    All differences that the score test does not reject: ``(won - lost - rows * d)^2`` at most
    ``z^2 * rows * (2 q + d - d^2)``, with ``q`` the share of lost rows that is most likely under
    ``d``. It holds its confidence also for few or no discordant rows, where the usual interval
    has width zero. Assumes independent rows; without any it is (-1, 1).

    >>> low, high = score_interval(0, 0, 100, 0.95)
    >>> round(low, 4), round(high, 4)
    (-0.037, 0.037)
    """
    _counted(won, lost, rows)
    if not rows:
        return -1.0, 1.0
    from scipy.optimize import brentq
    from scipy.stats import norm

    z = float(norm.ppf(0.5 + confidence / 2))
    centre = (won - lost) / rows

    def beyond(d: float) -> float:
        return abs(_score(won, lost, rows, d)) - z

    low = -1.0 if beyond(-1.0) <= 0 else brentq(beyond, -1.0, centre, xtol=1e-12)
    high = 1.0 if beyond(1.0) <= 0 else brentq(beyond, centre, 1.0, xtol=1e-12)
    return float(low), float(high)


def _score(won: int, lost: int, rows: int, d: float) -> float:
    """Standardised distance of the counts from a true difference ``d``."""
    distance = won - lost - rows * d
    b = -won - lost + (2 * rows - won + lost) * d
    c = -lost * d * (1 - d)
    q = (math.sqrt(max(b * b - 8 * rows * c, 0.0)) - b) / (4 * rows)
    spread = rows * max(2 * q + d * (1 - d), 0.0)
    if spread <= 0:
        return 0.0 if distance == 0 else math.copysign(math.inf, distance)
    return distance / math.sqrt(spread)


def _counted(won: int, lost: int, rows: int) -> None:
    if won < 0 or lost < 0 or rows < won + lost:
        raise ValueError(f"{won} won and {lost} lost of {rows} rows is no count")
