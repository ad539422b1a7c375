"""When an estimate without labels is not to be trusted: rows unlike the reference, or too few."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from homeostat.domain.verdict import Verdict
from homeostat.stats.profile import Bins, Columns, Kind, Profile
from homeostat.stats.result import Result

ANY = "any feature"
"""Name of the share of rows that are outside in one feature or more."""
MAX_OUTSIDE = 0.05
MIN_ROWS = 100
CHANCE = 0.05
"""Probability of a share above 0 in any feature of a profile that has not changed, at most."""


@dataclass(frozen=True, slots=True)
class Outside:
    """Share of a window's rows that lie where the reference had none, or too few, in ``name``."""

    name: str
    share: float
    rows: int


def outside_columns(reference: Columns, window: Columns) -> tuple[Outside, ...]:
    """Share of the window's rows outside of the reference, per feature and in any of them.

    Columns are kind and values of shape (rows,), as in ``profile``. A number is outside below
    the least or above the largest finite value of the reference, and when it is infinite; a
    category when the reference does not have it; a null when the reference has none. It is
    exact, and so has no error rate; but n reference rows leave out about ``2 / n`` of unchanged
    rows by chance in each number. It does not see a gap within the range, nor an unheard-of
    combination of common values. Without window rows the answer is empty; without reference
    rows all rows are outside. ValueError when a feature is missing or of another kind.

    >>> age = ("number", np.array([20.0, 30.0])), ("number", np.array([10.0, 25.0]))
    >>> outside_columns({"age": age[0]}, {"age": age[1]})[0]
    Outside(name='age', share=0.5, rows=2)
    """
    found: list[Outside] = []
    anywhere: NDArray[np.bool_] | None = None
    for name, (kind, before) in reference.items():
        if name not in window or window[name][0] != kind:
            raise ValueError(f"the window has no {kind} feature {name!r}")
        mask = _beyond(kind, before, window[name][1])
        if anywhere is not None and anywhere.shape != mask.shape:
            raise ValueError(f"{mask.size:,} rows of {name!r}, {anywhere.size:,} of the others")
        if mask.size:
            found.append(Outside(name, float(mask.mean()), mask.size))
        anywhere = mask if anywhere is None else anywhere | mask
    if anywhere is not None and anywhere.size:
        found.append(Outside(ANY, float(anywhere.mean()), anywhere.size))
    return tuple(found)


def outside_profile(reference: Profile, window: Profile) -> tuple[Outside, ...]:
    """At least how large a share of the window is outside, from counts over reference bins.

    Per feature, over the bins at the edge of what is known (below the first edge, above the last,
    other categories, and null where the reference has no nulls): by how much the share of the
    window exceeds that of the reference, where that is beyond chance. Chance is a two-proportion z
    test of each bin, all bins of all features together at most ``CHANCE`` wrong (Bonferroni, for
    counts that are not tiny). Of a bin that the reference left empty, as those beyond the range of
    numbers are when :func:`homeostat.stats.profile.cut` made them, chance is that further rows of
    the same kind fall there: k of m rows with probability at most ``prod (m - i) / (m + n - i)``
    for i < k, after n rows without one. Over 12 unchanged features any share was above 0 in at
    most 0.05 of 300 windows of 200 and of 2,000 rows. Without rows on either side the answer is
    empty. ValueError when the bins are not the same.

    >>> bins = (Bins("age", "number", (20.0, 60.0)),)
    >>> before, after = Profile(bins, ((0, 90, 0, 0),), 90), Profile(bins, ((0, 45, 45, 0),), 90)
    >>> outside_profile(before, after)
    (Outside(name='age', share=0.5, rows=90),)
    """
    from scipy.special import ndtri

    if reference.bins != window.bins:
        raise ValueError("the profiles are over different bins")
    if not reference.rows or not window.rows:
        return ()
    tested = sum(len(_edges(bins)) for bins in reference.bins)
    level = CHANCE / tested if tested else 1.0
    cut = -float(ndtri(level)) if tested else 0.0
    found = []
    for bins, before, after in zip(reference.bins, reference.counts, window.counts, strict=True):
        moved = [
            _excess(before[place], reference.rows, after[place], window.rows, cut, level)
            for place in _edges(bins)
            if place < bins.size - 1 or not before[place]
        ]
        found.append(Outside(bins.name, math.fsum(moved), window.rows))
    return tuple(found)


def trusted(
    result: Result,
    outside: Sequence[Outside],
    *,
    limit: float = MAX_OUTSIDE,
    minimum: int = MIN_ROWS,
) -> Result:
    """``result``, or the same as *inconclusive* with the reason why it is not to be trusted.

    That is when it is from fewer than ``minimum`` rows, or when the largest share in ``outside``
    is above ``limit`` (0..1): an estimate knows nothing of rows unlike the reference. The
    numbers stay as they were. A verdict of *error* stays too. Empty ``outside`` speaks neither
    for nor against. It does not see concept drift, and nor does anything else without labels.
    ValueError for a limit outside 0..1 or a negative minimum.

    >>> from homeostat.stats.result import Result
    >>> sure = Result(Verdict.PASS, estimate=0.9, rows=1000)
    >>> trusted(sure, [Outside("age", 0.01, 1000)]).verdict
    <Verdict.PASS: 'pass'>
    >>> trusted(sure, [Outside("age", 0.2, 1000)]).reason
    '20.0 % of rows are outside of the reference in age, and at most 5.0 % may be'
    """
    if not 0 <= limit <= 1:
        raise ValueError(f"the limit lies in 0..1, got {limit}")
    if minimum < 0:
        raise ValueError(f"a number of rows is at least 0, got {minimum}")
    if result.verdict is Verdict.ERROR:
        return result
    reasons = [result.reason] if result.verdict is Verdict.INCONCLUSIVE and result.reason else []
    few = result.rows < minimum
    if few:
        reasons.append(f"{result.rows:,} rows are too few to trust, {minimum:,} are asked")
    most = max(outside, key=lambda one: one.share, default=None)
    far = most is not None and most.share > limit
    if most is not None and far:
        share = f"{most.share:.1%}".replace("%", " %")
        allowed = f"{limit:.1%}".replace("%", " %")
        reasons.append(
            f"{share} of rows are outside of the reference in {most.name},"
            f" and at most {allowed} may be"
        )
    if not few and not far:
        return result
    needed = minimum if few else result.rows_needed
    return replace(
        result, verdict=Verdict.INCONCLUSIVE, rows_needed=needed, reason="; ".join(reasons)
    )


def _beyond(kind: Kind, before: NDArray, values: NDArray) -> NDArray[np.bool_]:  # type: ignore[type-arg]
    """Whether each value lies where the reference has none."""
    if kind == "category":
        seen = set(before.tolist())
        return np.fromiter((value not in seen for value in values.tolist()), bool, values.size)
    finite = before[np.isfinite(before)]
    null = np.isnan(values)
    unseen = null & (not np.isnan(before).any())
    if not finite.size:
        return np.asarray(unseen | ~null)
    return np.asarray(unseen | (values < finite.min()) | (values > finite.max()))


def _edges(bins: Bins) -> tuple[int, ...]:
    """Places of the bins at the edge of what is known, null last."""
    outer = {0, bins.size - 2} if bins.kind == "number" else {bins.size - 2}
    return (*sorted(outer), bins.size - 1)


def _excess(
    before: int, rows_before: int, after: int, rows_after: int, cut: float, level: float
) -> float:
    """By how much the share of a bin has grown; 0 where that may be chance."""
    grown = after / rows_after - before / rows_before
    if not before:
        chance = math.prod(
            (rows_after - row) / (rows_after + rows_before - row) for row in range(min(after, 60))
        )
        return grown if chance <= level else 0.0
    pooled = (before + after) / (rows_before + rows_after)
    error = math.sqrt(pooled * (1 - pooled) * (1 / rows_before + 1 / rows_after))
    return grown if grown > cut * error else 0.0
