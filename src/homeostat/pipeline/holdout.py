"""The fixed long-term holdout: rows that no version ever trains on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import polars as pl


def in_holdout(ids: pl.Series, share: float) -> NDArray[np.bool_]:
    """Which ids are held out, shape (rows,): those whose hash falls in the first ``share``.

    Depends on nothing but the id's text and the share, so that a row held out once is held out
    for ever, in every run and by every version. A larger share holds out a superset.
    """
    if share <= 0:
        return np.zeros(ids.len(), dtype=np.bool_)
    return place(map(str, ids.to_list())) < share


def place(names: Iterable[str]) -> NDArray[np.float64]:
    """A stable place in [0, 1) for each name: the first 53 bits of its SHA-256.

    >>> place(["a", "b"]).round(3).tolist()
    [0.791, 0.243]
    """
    digests = (hashlib.sha256(name.encode()).digest() for name in names)
    first = (int.from_bytes(digest[:8], "big") >> 11 for digest in digests)
    return np.fromiter(first, dtype=np.float64) / 2.0**53
