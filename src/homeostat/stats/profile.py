"""Profiles: counts of a feature's values over fixed reference bins, which add up.

The bins are cut once, from the reference; after that a window of any length is a sum of small
arrays, whatever worker, machine or hour the rows came from. Adding is associative and the order
of rows does not matter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from homeostat.stats.drift.psi import psi

Kind = Literal["number", "category"]
Columns = Mapping[str, tuple[Kind, NDArray]]  # type: ignore[type-arg]
"""Kind and values of each feature, shape (rows,): float64 with NaN, or objects with None."""

FEW_EDGES = 30
"""Up to so many edges a comparison with each is faster than a search for the bin of each value."""
CUT_ROWS = 200_000
"""Edges are cut on so many rows at most, evenly spread."""
MAX_CATEGORIES = 50
"""The most frequent categories have bins of their own; the others share one."""


@dataclass(frozen=True, slots=True)
class Bins:
    """Where one feature's bins are cut.

    Numbers: ``edges`` e0 < e1 < ...; bins (-inf, e0], (e0, e1], ..., (ek, inf), then null.
    Categories: one bin for each of ``categories``, one for all others, then null.
    """

    name: str
    kind: Kind
    edges: tuple[float, ...] = ()
    categories: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Number of bins, null included."""
        return len(self.edges) + 2 if self.kind == "number" else len(self.categories) + 2


@dataclass(frozen=True, slots=True)
class Profile:
    """Counts over ``bins``: ``counts[i]`` has ``bins[i].size`` numbers, the last one nulls."""

    bins: tuple[Bins, ...]
    counts: tuple[tuple[int, ...], ...]
    rows: int

    def __add__(self, other: Profile) -> Profile:
        """Counts of both, over the same bins."""
        assert self.bins == other.bins, "profiles over different bins do not add up"
        added = (
            tuple(a + b for a, b in zip(one, two, strict=True))
            for one, two in zip(self.counts, other.counts, strict=True)
        )
        return Profile(self.bins, tuple(added), self.rows + other.rows)

    def psi(self, reference: Profile) -> dict[str, float | None]:
        """PSI of each feature against ``reference``; None where either side has no rows."""
        return {
            bins.name: psi(before, after)
            for bins, before, after in zip(self.bins, reference.counts, self.counts, strict=True)
        }

    def null_shares(self) -> dict[str, float | None]:
        """Share of nulls of each feature; None without rows."""
        return {
            bins.name: counts[-1] / self.rows if self.rows else None
            for bins, counts in zip(self.bins, self.counts, strict=True)
        }


def cut(columns: Columns, bins: int = 10) -> tuple[Bins, ...]:
    """Cut bins at the quantiles of the reference ``columns`` (of some of many rows), ties merged.

    The outermost bins lie below the least and above the largest value of the reference, so they
    are empty there, and whatever falls into them is new. A constant feature has one bin between
    them. A feature without any value has only the null bin and one more.
    """
    return tuple(_cut(name, kind, values, bins) for name, (kind, values) in columns.items())


def _cut(name: str, kind: Kind, values: NDArray, bins: int) -> Bins:  # type: ignore[type-arg]
    if kind == "category":
        counted = Counter(value for value in values.tolist() if value is not None)
        frequent = sorted(counted, key=lambda value: (-counted[value], value))[:MAX_CATEGORIES]
        return Bins(name, kind, categories=tuple(sorted(frequent)))
    known = values[np.isfinite(values)]
    if not known.size:
        return Bins(name, kind)
    some = known[:: max(known.size // CUT_ROWS, 1)]
    inner = np.quantile(some, np.linspace(0, 1, bins + 1)[1:-1], method="inverted_cdf")
    edges = np.unique([np.nextafter(known.min(), -np.inf), *inner, known.max()])
    return Bins(name, kind, tuple(float(edge) for edge in edges))


def count(bins: tuple[Bins, ...], columns: Columns) -> Profile:
    """Count ``columns`` over ``bins``. Infinities fall into the outer bins, NaN is null."""
    rows = {values.shape[0] for _, values in columns.values()}
    assert len(rows) <= 1, f"columns of different lengths: {sorted(rows)}"
    counted = tuple(_count(one, columns[one.name][1]) for one in bins)
    return Profile(bins, counted, rows.pop() if rows else 0)


def _count(bins: Bins, values: NDArray) -> tuple[int, ...]:  # type: ignore[type-arg]
    if bins.kind == "category":
        counted = Counter(values.tolist())
        null = counted.pop(None, 0)
        listed = [counted.pop(category, 0) for category in bins.categories]
        return (*listed, sum(counted.values()), null)
    nulls = int(np.count_nonzero(np.isnan(values)))
    if len(bins.edges) > FEW_EDGES:
        known = values[~np.isnan(values)] if nulls else values
        places = np.searchsorted(np.asarray(bins.edges), known, side="left")
        counts = np.bincount(places, minlength=len(bins.edges) + 1)
        return (*(int(n) for n in counts), nulls)
    up_to = [int(np.count_nonzero(values <= edge)) for edge in bins.edges]
    ends = [0, *up_to, values.size - nulls]
    return (*(high - low for low, high in pairwise(ends)), nulls)


def profile_of(columns: Columns, bins: int = 10) -> Profile:
    """The reference profile: bins cut from ``columns``, and their counts."""
    return count(cut(columns, bins), columns)
