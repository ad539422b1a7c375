"""Whether a value has stayed above its limit for long enough to count."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from homeostat.domain.verdict import Verdict
from homeostat.stats.result import Result, unable

ASSUMED = "each sample stands until the next one, and for at most max_gap_s"


def sustained_above(
    times_s: ArrayLike,
    values: ArrayLike,
    *,
    now_s: float,
    limit: float,
    hold_s: float,
    max_gap_s: float,
) -> Result:
    """Whether the value has been above ``limit`` without a break for ``hold_s`` up to ``now_s``.

    ``times_s`` (seconds on any one clock, in any order) and ``values`` (in the unit of
    ``limit``) have shape (rows,). For latency, errors and use of CPU or memory: one high sample
    is no alarm, a high level that lasts is. A value equal to the limit is not above it.
    ``estimate`` is the number of seconds that the value has been above the limit, up to now.

    - *fail*: it has been above for ``hold_s`` or more.
    - *pass*: it was at or below the limit at some time in the last ``hold_s``. One such sample
      settles it, whatever gaps there are beside it.
    - *inconclusive*: no sample at all, none in the last ``max_gap_s``, or every sample was above
      but a gap longer than ``max_gap_s``, or the start of the samples, lies within ``hold_s``.

    The rule is exact for the samples given and has no error rate. It assumes that each sample
    stands until the next, for at most ``max_gap_s``. It does not see a dip between two samples,
    nor a value that goes up and down across the limit; keep ``max_gap_s`` well below
    ``hold_s``, or one sample alone can fail. Samples that are not finite, or later than
    ``now_s``, are left out and counted in ``skipped``: they leave a gap. Parameters that are not
    finite, a negative ``hold_s`` or a ``max_gap_s`` that is not positive raise ValueError.

    >>> times = np.arange(0.0, 601.0, 60.0)
    >>> use = np.where(times < 200, 0.5, 0.9)
    >>> found = sustained_above(times, use, now_s=600.0, limit=0.85, hold_s=300.0, max_gap_s=90.0)
    >>> found.verdict.value, found.estimate
    ('fail', 360.0)
    >>> print(found.reason)
    above 0.85 for the last 360 s (300 s asked), now 0.9
    """
    _check(now_s, limit, hold_s, max_gap_s)
    times, levels, skipped = _samples(times_s, values, now_s)
    if not times.size:
        return unable(f"no sample up to now ({skipped} left out)", skipped=skipped)
    rows, latest = int(times.size), float(levels[-1])
    with np.errstate(over="ignore"):
        silence_s = now_s - float(times[-1])
        gaps_s = np.diff(times)
    if silence_s > max_gap_s:
        reason = f"no sample for {silence_s:g} s, longer than {max_gap_s:g} s"
        return unable(reason, rows=rows, skipped=skipped)
    low = levels <= limit
    breaks = np.flatnonzero(low[:-1] | (gaps_s > max_gap_s))
    first = int(breaks[-1]) + 1 if breaks.size else 0
    held_s = 0.0 if low[-1] else now_s - float(times[first])
    if held_s >= hold_s and not low[-1]:
        verdict = Verdict.FAIL
        reason = f"above {limit:g} for the last {held_s:g} s ({hold_s:g} s asked), now {latest:g}"
    elif low[-1]:
        verdict, reason = Verdict.PASS, f"now {latest:g}, not above {limit:g}"
    elif (low & (times >= now_s - hold_s)).any() or (
        first > 0 and low[first - 1] and gaps_s[first - 1] <= max_gap_s
    ):
        verdict = Verdict.PASS
        reason = f"above {limit:g} for only {held_s:g} s of {hold_s:g} s, now {latest:g}"
    else:
        verdict = Verdict.INCONCLUSIVE
        why = f"before that nothing for {gaps_s[first - 1]:g} s" if first else "the first sample"
        reason = f"above {limit:g} for {held_s:g} s of {hold_s:g} s, {why}, now {latest:g}"
    return Result(verdict, held_s, rows=rows, skipped=skipped, assumed=ASSUMED, reason=reason)


def _check(now_s: float, limit: float, hold_s: float, max_gap_s: float) -> None:
    """Raise ValueError for parameters that make no sense."""
    if not all(math.isfinite(each) for each in (now_s, limit, hold_s, max_gap_s)):
        raise ValueError("now_s, limit, hold_s and max_gap_s are finite numbers")
    if hold_s < 0 or max_gap_s <= 0:
        raise ValueError(f"hold_s >= 0 and max_gap_s > 0 are asked, got {hold_s}, {max_gap_s}")


def _samples(
    times_s: ArrayLike, values: ArrayLike, now_s: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """Usable samples in order of time, and how many were left out."""
    times = np.asarray(times_s, dtype=np.float64)
    levels = np.asarray(values, dtype=np.float64)
    if times.shape != levels.shape or times.ndim != 1:
        raise ValueError(f"one value per time is asked, got {times.shape}, {levels.shape}")
    kept = np.isfinite(times) & np.isfinite(levels) & (times <= now_s)
    order = np.argsort(times[kept], kind="stable")
    return times[kept][order], levels[kept][order], int((~kept).sum())
