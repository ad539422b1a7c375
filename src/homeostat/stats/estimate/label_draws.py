"""Labels drawn from their probabilities many times, at a cost that does not grow with rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from homeostat.stats.estimate.calibration_sd import CERTAIN, CalibrationSd

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Cells:
    """Rows in order of score, taken together where their scores are equal or close.

    Each array has shape (cells,), lowest scores first: number of ``rows``, sum of their
    probabilities in ``positive``, sum of the squares of those in ``squares``, whether they lie
    ``above`` the threshold, and the ``band`` of the calibration's error.
    """

    rows: NDArray[np.int64]
    positive: Array
    squares: Array
    above: NDArray[np.bool_]
    band: NDArray[np.int64]


def cells(
    score: Array,
    probability: Array,
    threshold: float,
    at_most: int | None = None,
    calibration_sd: CalibrationSd = CERTAIN,
) -> Cells:
    """Cells of the rows, one for each distinct score, or about ``at_most`` of equal size.

    ``score`` and ``probability`` are finite and have shape (rows,), at least one. Rows with one
    score share a cell always; a row is above when its score is at least ``threshold``; the
    threshold and the edges of bands are borders of cells too.

    >>> cells(np.array([0.1, 0.9, 0.1]), np.array([0.2, 0.8, 0.2]), 0.5).positive.tolist()
    [0.4, 0.8]
    """
    order = np.argsort(score, kind="stable")
    x, p = score[order], probability[order]
    starts = np.flatnonzero(np.append(True, x[1:] != x[:-1]))
    if at_most is not None and starts.size > at_most:
        wanted = np.linspace(0, x.size, at_most, endpoint=False).astype(np.int64)
        cuts = starts[np.searchsorted(starts, wanted, side="right") - 1]
        borders = np.searchsorted(x, np.asarray(calibration_sd.edges), side="right")
        border = np.searchsorted(x, threshold, side="left")
        starts = np.unique(np.concatenate([cuts, borders, [border]]))
        starts = starts[starts < x.size]
    first = x[starts]
    return Cells(
        np.diff(np.append(starts, x.size)),
        np.add.reduceat(p, starts),
        np.add.reduceat(p * p, starts),
        first >= threshold,
        calibration_sd.band(first),
    )


def drawn(
    of: Cells, draws: int, random: np.random.Generator, calibration_sd: CalibrationSd = CERTAIN
) -> Array:
    """Number of positive rows per cell in each of ``draws`` windows, shape (draws, cells).

    Binomial with the mean probability of the cell. Rows of one cell with unlike probabilities
    vary less than that, so that the distance from the mean is scaled to their true variance
    (the counts are then no whole numbers). With a calibration error, each draw first shifts the
    probabilities of every band by one normal number, cut at 0 and 1.

    >>> one = cells(np.array([0.1, 0.9]), np.array([0.0, 1.0]), 0.5)
    >>> drawn(one, 2, np.random.default_rng(1)).tolist()
    [[0.0, 1.0], [0.0, 1.0]]
    """
    mean = np.clip(of.positive / of.rows, 0.0, 1.0)
    sd = np.asarray(calibration_sd.sd)
    if sd.any():
        shift = random.normal(size=(draws, sd.size)) * sd
        mean = np.clip(mean + shift[:, of.band], 0.0, 1.0)
    found = random.binomial(of.rows, mean, size=(draws, of.rows.size)).astype(np.float64)
    alike = of.positive * (1 - of.positive / of.rows)
    share = (of.positive - of.squares) / np.where(alike > 0, alike, 1.0)
    unlike = (alike > 0) & (share < 1 - 1e-9)
    if unlike.any():
        centre = np.broadcast_to(of.rows * mean, found.shape)[:, unlike]
        scale = np.sqrt(np.maximum(share[unlike], 0.0))
        found[:, unlike] = centre + (found[:, unlike] - centre) * scale
    return found
