"""How wrong a calibrated probability may be: one standard deviation per band of scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
FLOOR = 1.0
"""Added to each band's variance of its number of positive rows: where none was seen, one may
be expected. Without it a band of rare positives is far too sure."""
MOST = 0.5
"""The largest standard deviation of a number within 0..1."""


@dataclass(frozen=True, slots=True)
class CalibrationSd:
    """Bands of scores (-inf, e0], (e0, e1], ..., (ek, inf) and the error of each.

    The probabilities of all rows of one band are taken to be wrong by the same unknown amount,
    normal with mean 0 and standard deviation ``sd`` of the band, independent of other bands.
    """

    edges: tuple[float, ...]
    sd: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.sd) != len(self.edges) + 1:
            raise ValueError(f"{len(self.edges)} edges make {len(self.edges) + 1} bands")
        if list(self.edges) != sorted(set(self.edges)):
            raise ValueError("the edges of bands rise strictly")
        if not all(0 <= one < float("inf") for one in self.sd):
            raise ValueError("a standard deviation is a finite number of at least 0")

    @classmethod
    def of(cls, score: ArrayLike, probability: ArrayLike, bands: int = 10) -> CalibrationSd:
        """Of probabilities that were calibrated on these very rows, both of shape (rows,).

        Bands hold equally many reference rows, ties merged. The mean outcome of a band of n
        rows has variance ``sum(p * (1 - p)) / n**2``, and a calibration that is right on
        average over the band inherits it; ``FLOOR`` is added to the sum. That of isotonic
        regression is right on average but for its ends, which lie too close to 0 and 1: with
        about three positives in the lowest band, its error is a fifth more than stated here.

        Assumes independent labels. It does not see a wrong shape within a band, nor anything
        about other rows than these. Rows that are not finite are left out; without any row
        there is one band, whose standard deviation is 0.5. ValueError for other shapes, a
        probability outside 0..1 or fewer than one band.

        >>> CalibrationSd.of([0.2] * 12, [0.5] * 12)
        CalibrationSd(edges=(), sd=(0.16666666666666666,))
        """
        x = np.asarray(score, dtype=np.float64)
        p = np.asarray(probability, dtype=np.float64)
        if x.ndim != 1 or x.shape != p.shape:
            raise ValueError(f"one score and probability per row are asked, got {x.shape, p.shape}")
        if bands < 1:
            raise ValueError(f"at least one band is asked, got {bands}")
        kept = np.isfinite(x) & np.isfinite(p)
        x, p = x[kept], p[kept]
        if (p < 0).any() or (p > 1).any():
            raise ValueError("a probability lies in 0..1")
        if not x.size:
            return cls((), (0.5,))
        inner = np.linspace(0, 1, bands + 1)[1:-1]
        edges = np.unique(np.quantile(x, inner, method="inverted_cdf"))
        edges = edges[edges < x.max()]
        places = np.searchsorted(edges, x, side="left")
        variance = np.bincount(places, weights=p * (1 - p), minlength=edges.size + 1) + FLOOR
        rows = np.bincount(places, minlength=edges.size + 1)
        return cls(
            tuple(edges.tolist()), tuple(np.minimum(np.sqrt(variance) / rows, MOST).tolist())
        )

    def band(self, score: Array) -> NDArray[np.int64]:
        """Number of the band of each score, shape (rows,), from 0.

        >>> CalibrationSd((0.5,), (0.1, 0.2)).band(np.array([0.1, 0.5, 0.6])).tolist()
        [0, 0, 1]
        """
        return np.asarray(np.searchsorted(np.asarray(self.edges), score, side="left"))


CERTAIN = CalibrationSd((), (0.0,))
"""Probabilities taken as exact."""
