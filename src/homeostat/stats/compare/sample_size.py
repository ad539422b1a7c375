"""How many rows a comparison would have needed, seen from its own standard error."""

from __future__ import annotations

import math


def rows_needed(
    rows: int, error: float, distance: float, *, confidence: float, power: float = 0.8
) -> int | None:
    """Rows at which the lower end of an interval would probably clear its limit.

    ``error`` is the standard error on ``rows`` rows, ``distance`` how far the estimate lies above
    the limit, ``confidence`` that of the two-sided interval. The error shrinks with the root of
    the rows, so ``rows * ((z + z_power) * error / distance)^2`` rows clear the limit with
    probability ``power`` if the estimate is the truth (Julious 2004, eq. 9). A rough number, as
    the estimate is one: for planning, never for a verdict. None when the estimate is not above
    the limit (more rows are then not expected to help) or nothing was measured. Assumes that
    further rows are as dependent as these.

    >>> rows_needed(1000, 0.01, 0.01, confidence=0.95)
    7849
    """
    from scipy.stats import norm

    if rows <= 0 or not math.isfinite(error) or not math.isfinite(distance) or distance <= 0:
        return None
    reach = float(norm.ppf(0.5 + confidence / 2) + norm.ppf(power))
    return max(rows, math.ceil(rows * (reach * error / distance) ** 2))
