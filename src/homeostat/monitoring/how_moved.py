"""In what way a feature moved: its mean, its spread, its nulls, its categories."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from homeostat.domain.verdict import Verdict
from homeostat.stats.drift.moments import Moments, mean_shift, spread_shift
from homeostat.stats.drift.shares import share_shift
from homeostat.stats.drift.two_sample import homogeneity_test, kolmogorov_smirnov_test
from homeostat.stats.drift.wasserstein import wasserstein
from homeostat.stats.metrics import Array

if TYPE_CHECKING:
    import polars as pl

NEW, GONE = 3, 3
"""So many categories are named."""


def how_moved(before: pl.Series, now: pl.Series) -> str:
    """One sentence on what differs beyond chance; empty when nothing of it does.

    Means by Welch's test, spreads by Brown and Forsythe's, shapes by Kolmogorov and Smirnov's,
    categories by chi-square, shares by Newcombe's interval, each at 5 % and for independent
    rows: it describes a drift that was found, and finds none.
    """
    parts = [_nulls(before, now)]
    if before.dtype.is_numeric():
        parts += _numbers(*(_values(series) for series in (before, now)))
    else:
        parts += _categories(before, now)
    said = [part for part in parts if part]
    return f"{'; '.join(said)}." if said else ""


def _values(series: pl.Series) -> Array:
    import polars as pl

    values = series.cast(pl.Float64, strict=False).drop_nulls().to_numpy()
    return np.asarray(values[np.isfinite(values)], dtype=np.float64)


def _numbers(before: Array, now: Array) -> list[str]:
    if not before.size or not now.size:
        return []
    parts = []
    mean = mean_shift(Moments.of(before), Moments.of(now))
    if mean.verdict is Verdict.FAIL:
        parts.append(f"mean {before.mean():.4g}, now {now.mean():.4g}")
    spread = spread_shift(before, now)
    if spread.verdict is Verdict.FAIL:
        parts.append(f"standard deviation {before.std():.4g}, now {now.std():.4g}")
    shape = kolmogorov_smirnov_test(before, now)
    if shape.verdict is Verdict.FAIL and shape.estimate is not None:
        parts.append(_shape(shape.estimate, wasserstein(before, now)))
    low, high = float(before.min()), float(before.max())
    outside = float(((now < low) | (now > high)).mean())
    if outside > 0.001:
        parts.append(f"{outside:.1%} below {low:.4g} or above {high:.4g}, where nothing was")
    return parts


def _shape(apart: float, moved: float | None) -> str:
    """Kolmogorov-Smirnov's and Wasserstein's distances of the raw values."""
    said = f"distributions {apart:.2f} apart (Kolmogorov-Smirnov)"
    return said if moved is None else f"{said}, values moved by {moved:.4g} on average"


def _nulls(before: pl.Series, now: pl.Series) -> str:
    if not before.len() or not now.len():
        return ""
    counts = (before.null_count(), before.len()), (now.null_count(), now.len())
    if share_shift(*counts).verdict is not Verdict.FAIL:
        return ""
    shares = [count / rows for count, rows in counts]
    return f"nulls {shares[0]:.1%}, now {shares[1]:.1%}"


def _categories(before: pl.Series, now: pl.Series) -> list[str]:
    import polars as pl

    known, seen = (
        dict(series.drop_nulls().cast(pl.String).value_counts().iter_rows())
        for series in (before, now)
    )
    rows = max(sum(seen.values()), 1)
    both = sorted({*known, *seen})
    counts = [[side.get(name, 0) for name in both] for side in (known, seen)]
    found = homogeneity_test(*counts) if both else None
    new = sorted((one for one in seen if one not in known), key=lambda one: (-seen[one], one))
    gone = sorted((one for one in known if one not in seen), key=lambda one: (-known[one], one))
    parts = []
    if found is not None and found.verdict is Verdict.FAIL:
        before_rows = max(sum(known.values()), 1)
        moved = max(
            both, key=lambda name: abs(seen.get(name, 0) / rows - known.get(name, 0) / before_rows)
        )
        parts.append(
            f"most of all {moved}: {known.get(moved, 0) / before_rows:.1%}, "
            f"now {seen.get(moved, 0) / rows:.1%}"
        )
    if new:
        share = sum(seen[one] for one in new) / rows
        parts.append(f"{share:.1%} in {len(new)} new categories ({', '.join(new[:NEW])})")
    if gone and known[gone[0]] / max(sum(known.values()), 1) > 0.01:
        parts.append(f"gone: {', '.join(gone[:GONE])}")
    return parts
