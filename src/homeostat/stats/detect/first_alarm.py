"""Where in a series of values a stream first says fail."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
from numpy.typing import ArrayLike, NDArray

from homeostat.domain.verdict import Verdict
from homeostat.stats.stream import Stream

CHUNK = 4096
"""So many values are read at once; on an alarm the place within them is found by halving."""


def first_alarm(stream: Stream, values: ArrayLike) -> int | None:
    """Index, from 0, of the value at which ``stream`` first says *fail*; None when it never does.

    ``values`` has shape (rows,) and is read in order by a copy: ``stream`` itself stays as it
    is. Values that are not finite take part in the count of the index. A stream that says *fail*
    already gives 0, and None when there are no values. Relies on a verdict of *fail* that stays,
    which the form of a stream promises; the error rate is that of the stream.

    >>> from homeostat.stats.detect.adwin import Adwin
    >>> errors = np.random.default_rng(1).random(2000) < np.repeat([0.1, 0.5], 1000)
    >>> first_alarm(Adwin(), errors)
    1055
    """
    array: NDArray[np.float64] = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"an array of one dimension is asked, got shape {array.shape}")
    now, start, size = deepcopy(stream), 0, CHUNK
    while start < array.size:
        then = deepcopy(now)
        then.update_many(array[start : start + size])
        if then.result.verdict is not Verdict.FAIL:
            now, start = then, start + size
        elif size == 1:
            return start
        else:
            size //= 2
    return None
