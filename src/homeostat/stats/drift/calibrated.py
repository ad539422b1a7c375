"""How large a distance is by chance: measured on the reference itself, not taken from a table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from homeostat.stats.drift.distances import countable, over_windows, shares
from homeostat.stats.metrics import Array

DRAWS = 300
"""Windows that are drawn from the reference."""
FEW_WINDOWS = 8.0
"""With so many windows the degrees of freedom that they show are halved."""
MIN_WINDOWS = 3.0
"""The reference must hold so many windows; with fewer nothing is known of its ups and downs."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """How a distance of a healthy window varies: ``mean`` times an F distribution.

    ``degrees`` are its degrees of freedom, ``windows`` how many windows the reference holds:
    few of them make large values less surprising.
    """

    mean: float
    degrees: float
    windows: float
    power: int = 1
    """2 for distances that grow with the root of a divergence, so that their squares do."""

    def p_value(self, distance: float) -> float:
        """Probability that a healthy window is at least so far away."""
        from scipy.stats import f

        if self.mean <= 0:
            return 1.0 if distance <= 0 else 0.0
        rest = max(self.degrees * self.windows, 1.0)
        return float(f.sf(distance**self.power / self.mean, self.degrees, rest))


ROOTS = frozenset(
    {"kolmogorov_smirnov", "jensen_shannon", "hellinger", "l_infinity", "total_variation",
     "chi_square"}
)  # fmt: skip
"""Distances that shrink with the root of the number of rows; the others shrink with it."""

LARGEST = frozenset({"kolmogorov_smirnov", "l_infinity"})
"""Distances that are a maximum: their square varies more than a sum over bins does."""
MAX_DEGREES = 3.0


def calibrate(
    name: str, blocks: ArrayLike, *, rows: int, length: int, seed: int, draws: int = DRAWS
) -> Calibration | None:
    """How distance ``name`` varies between healthy windows of ``length`` blocks and ``rows`` rows.

    ``blocks`` of shape (blocks, bins) counts the reference in equal stretches of time, in order.
    Windows of consecutive blocks are drawn from it (the circular block bootstrap of Politis &
    Romano 1992), so that what changes from day to day counts as chance, and each is compared
    with the blocks that are not in it. When these have more rows than the window they are thinned
    to its noise; when they have fewer, what so few rows show by chance is taken off again.

    The draws' mean and variance are matched by a scaled chi-square (Satterthwaite 1946); as the
    mean itself was measured on few windows, the ratio follows an F distribution with as many
    more degrees of freedom as the reference holds windows. That tail, and not an empirical
    quantile, lets a window be judged at the small levels that many features and looks ask for.

    The mean is raised by one part in the number of windows, for what a window shares with the
    blocks beside it. The degrees of freedom of m windows are multiplied by m / (m + 8), because
    the variance of few values with heavy tails comes out too small, most of all when days differ
    in one way only (about one degree of freedom).

    Measured in 1,000 data sets each, windows of 7 days of 200 rows, day effects of 0.3 standard
    deviations: with 60 independent days p was at most 0.05 in 0.029 and at most 0.0025 in 0.001;
    with 60 days that carry over by 0.6 in 0.042 and 0.004; with 28 such days in 0.032 and 0.000;
    without day effects in 0.009 and 0.000.

    Assumes that the blocks are stationary: a season longer than the reference is drift, and a
    trend inside of it makes the answer careful. None when the reference holds fewer than 3
    windows, or no rows: then nothing is known, and no window is healthy by default. See
    ``benchmarks/error_rates.py`` for measured rates.

    >>> random = np.random.default_rng(1)
    >>> blocks = random.multinomial(1000, np.full(10, 0.1), size=60)
    >>> found = calibrate("psi", blocks, rows=7000, length=7, seed=1)
    >>> round(found.p_value(0.0015), 2), found.p_value(0.1) < 1e-6
    (0.41, True)
    """
    counts = np.asarray(blocks, dtype=np.float64)
    if counts.ndim != 2 or length < 1 or rows < 1:
        raise ValueError(f"counts by block are asked, got {counts.shape}, {length}, {rows}")
    held = counts.shape[0] / length
    if held < MIN_WINDOWS or not np.isfinite(counts).all() or counts.sum() <= 0:
        return None
    random = np.random.default_rng(seed)
    windows, others = _drawn(counts, length, draws, random)
    usable = countable(windows) & countable(others)
    if not usable.any():
        return None
    windows, others = windows[usable], others[usable]
    fewer = float(windows.sum(axis=1).mean()) < rows
    measured = _powers(name, others, windows if fewer else _thinned(windows, rows, random))
    if not measured.size:
        return None
    mean, spread = float(measured.mean()), float(measured.var())
    most = MAX_DEGREES if name in LARGEST else max(counts.shape[1] - 1.0, 1.0)
    degrees = min(2 * mean**2 / spread, most) if spread > 0 else most
    degrees = max(degrees * held / (held + FEW_WINDOWS), 0.5)
    mean *= 1 + 1 / held
    if fewer:
        mean = _with_more_rows(name, mean, mean * (2 / (degrees * held)) ** 0.5, windows,
                               others, rows, random)  # fmt: skip
    return Calibration(mean, degrees, held, 2 if name in ROOTS else 1)


def _powers(name: str, expected: ArrayLike, windows: ArrayLike) -> Array:
    """Distances, squared where their squares add up; those that are undefined left out."""
    found = over_windows(name, expected, windows)
    return np.asarray(found[np.isfinite(found)] ** (2 if name in ROOTS else 1))


def _with_more_rows(
    name: str,
    mean: float,
    error: float,
    windows: Array,
    others: Array,
    rows: int,
    random: np.random.Generator,
) -> float:
    """The mean distance of windows of more ``rows`` than the reference's have.

    What rows drawn at random from the whole reference show, at either size, is known by drawing
    them; what the reference's windows show beyond that are its ups and downs, which more rows
    do not take away. They are raised by their standard error.
    """
    pooled = shares(others.sum(axis=0)[None] + windows.sum(axis=0)[None])[0]
    size, rest = int(windows.sum(axis=1).mean()), int(others.sum(axis=1).mean())
    few, many = (
        _powers(
            name,
            random.multinomial(before, pooled, size=DRAWS),
            random.multinomial(drawn, pooled, size=DRAWS),
        )
        for before, drawn in ((rest, max(size, 1)), (rest + size, rows))
    )
    if not few.size or not many.size:
        return mean + error
    return float(many.mean() + max(mean - few.mean(), 0.0) + error)


def _drawn(
    counts: Array, length: int, draws: int, random: np.random.Generator
) -> tuple[Array, Array]:
    """Counts of windows of consecutive blocks, and of all blocks outside of each."""
    total = counts.shape[0]
    every = min(draws, total)
    starts = random.permutation(total)[:every]
    places = (starts[:, None] + np.arange(length)[None, :]) % total
    windows = counts[places].sum(axis=1)
    return windows, counts.sum(axis=0)[None, :] - windows


def _thinned(windows: Array, rows: int, random: np.random.Generator) -> Array:
    """Counts with the noise of ``rows`` rows, where the drawn windows have more than that."""
    sizes = windows.sum(axis=1)
    part = shares(windows)
    found = part * rows
    for place in np.flatnonzero(sizes > rows):
        missing = max(int(1 / (1 / rows - 1 / sizes[place])), 1)
        found[place] = random.multinomial(missing, part[place]) / missing * rows
    return np.asarray(found)
