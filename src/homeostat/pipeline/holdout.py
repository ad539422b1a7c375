"""The fixed long-term holdout: rows that no version ever trains on."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import polars as pl

_SPAN = float(2**64)


def in_holdout(ids: pl.Series, share: float) -> NDArray[np.bool_]:
    """Which ids are held out: those whose SHA-256 falls in the first ``share`` of its range.

    Depends on nothing but the id and the share, so that a row held out once is held out for
    ever, in every run and by every version. A larger share holds out a superset.
    """
    if share <= 0:
        return np.zeros(ids.len(), dtype=np.bool_)
    limit = int(share * _SPAN)
    digests = (hashlib.sha256(str(value).encode()).digest() for value in ids.to_list())
    first = np.fromiter((int.from_bytes(d[:8], "big") for d in digests), dtype=np.uint64)
    return first < np.uint64(limit)
