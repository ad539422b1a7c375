"""What live windows are compared with: counts of the reference, whole and by stretch of time."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from homeostat.stats.metrics import Array
from homeostat.stats.profile import Bins, Columns, Profile, count, cut

MAX_BLOCKS = 400
"""More stretches of time than this are joined, neighbour with neighbour."""


@dataclass(frozen=True, slots=True)
class Reference:
    """Counts over fixed bins: ``profile`` of all rows, ``blocks`` of equal stretches of time.

    ``blocks[f][b]`` counts feature ``f`` in the stretch ``b``, each ``block_s`` seconds long, in
    order of time; without any the reference has no times. ``losses[f][i]``, where known, is the
    mean loss of the model on evaluation rows whose feature ``f`` lies in bin ``i``; None where
    no row does.
    """

    profile: Profile
    block_s: float = 0.0
    blocks: tuple[tuple[tuple[int, ...], ...], ...] = ()
    losses: tuple[tuple[float | None, ...], ...] = ()

    def of(self, feature: int) -> Array:
        """Counts by stretch of time of one feature, shape (blocks, bins)."""
        size = self.profile.bins[feature].size
        if not self.blocks:
            return np.empty((0, size))
        return np.asarray(self.blocks[feature], dtype=np.float64).reshape(-1, size)

    def without(self, left_out: Collection[str]) -> Reference:
        """The reference without some features."""
        kept = [n for n, bins in enumerate(self.profile.bins) if bins.name not in left_out]
        profile = Profile(
            tuple(self.profile.bins[n] for n in kept),
            tuple(self.profile.counts[n] for n in kept),
            self.profile.rows,
        )
        return Reference(
            profile,
            self.block_s,
            tuple(self.blocks[n] for n in kept) if self.blocks else (),
            tuple(self.losses[n] for n in kept) if self.losses else (),
        )


def reference_of(
    columns: Columns, at_s: NDArray[np.float64] | None, *, block_s: float, bins: int = 10
) -> Reference:
    """Bins cut from ``columns``, and counts over them, whole and by stretches of ``block_s``.

    ``at_s`` of shape (rows,) is each row's time in seconds; None, or times that are not all
    numbers, give a reference without times. Stretches begin at multiples of ``block_s``; one
    without rows counts as nothing. The first and last, which are seldom whole, are left out when
    others remain, and so are rows whose time lies far from all others (a clock that was wrong):
    they count in the whole only.
    """
    cuts = cut(columns, bins)
    whole = count(cuts, columns)
    if at_s is None or not at_s.size or not np.isfinite(at_s).all():
        return Reference(whole)
    timed = _credible(at_s, block_s)
    codes = np.floor(at_s[timed] / block_s).astype(np.int64)
    codes -= codes.min()
    while codes.max() >= MAX_BLOCKS:
        codes //= 2
        block_s *= 2
    order = np.flatnonzero(timed)[np.argsort(codes, kind="stable")]
    codes = np.sort(codes)
    sorted_columns = {name: (kind, values[order]) for name, (kind, values) in columns.items()}
    ends = np.searchsorted(codes, np.arange(int(codes.max()) + 2))
    parts = [
        count(cuts, {name: (kind, values[begin:end])
                     for name, (kind, values) in sorted_columns.items()})
        for begin, end in pairwise(ends)
    ]  # fmt: skip
    inner = parts[1:-1] if len(parts) > 2 else parts
    blocks = tuple(tuple(part.counts[n] for part in inner) for n in range(len(cuts)))
    return Reference(whole, block_s, blocks)


def _credible(at_s: Array, block_s: float) -> NDArray[np.bool_]:
    """Times within the inner 99.8 % of all, and half as much again on either side."""
    low, high = np.quantile(at_s, [0.001, 0.999])
    reach = (high - low) / 2 + block_s
    return np.asarray((at_s >= low - reach) & (at_s <= high + reach))


def losses_by_bin(
    bins: Sequence[Bins], columns: Columns, losses: Array
) -> tuple[tuple[float | None, ...], ...]:
    """Mean of ``losses`` (rows,) in each bin of each feature; None for a bin without rows."""
    found = []
    for one in bins:
        places = places_in(one, columns[one.name][1])
        sizes = np.bincount(places, minlength=one.size)
        sums = np.bincount(places, weights=losses, minlength=one.size)
        found.append(
            tuple(float(total / n) if n else None for total, n in zip(sums, sizes, strict=True))
        )
    return tuple(found)


def places_in(bins: Bins, values: NDArray) -> NDArray[np.intp]:  # type: ignore[type-arg]
    """The bin of each value, shape (rows,), as :func:`homeostat.stats.profile.count` counts them.

    >>> places_in(Bins("x", "number", (0.0, 1.0)), np.array([-1.0, 0.5, 7.0, np.nan]))
    array([0, 1, 2, 3])
    """
    if bins.kind == "category":
        known = {category: place for place, category in enumerate(bins.categories)}
        known[None] = bins.size - 1  # type: ignore[index]
        return np.array([known.get(value, bins.size - 2) for value in values.tolist()], dtype=int)
    places = np.searchsorted(np.asarray(bins.edges), values, side="left")
    return np.where(np.isnan(values), bins.size - 1, places)
