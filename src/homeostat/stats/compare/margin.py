"""How surprising a difference would be if the challenger were in truth not worse by the margin."""

from __future__ import annotations


def worse_p(difference: float, error: float, blocks: int, margin: float) -> float:
    """One-sided p value of "not worse by more than ``margin``", small when it is worse.

    ``difference`` (positive: the challenger is better) has the standard error ``error`` from
    ``blocks`` independent blocks of rows; t distribution with blocks - 1 degrees of freedom. With
    an error of 0 the answer is 0 or 1. Assumes what the interval behind the error assumes.

    >>> round(worse_p(-0.03, 0.01, 100, 0.01), 3)
    0.024
    >>> worse_p(0.0, 0.0, 100, 0.01)
    1.0
    """
    if blocks < 2 or error < 0 or margin < 0:
        raise ValueError(f"{blocks} blocks, an error of {error} and a margin of {margin} are asked")
    distance = difference + margin
    if error == 0:
        return 0.0 if distance < 0 else 1.0
    from scipy.stats import t

    return float(t.cdf(distance / error, blocks - 1))
