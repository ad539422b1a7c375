"""Rows for any method: groups of columns of some kinds, and what may befall them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Column = NDArray[Any]
Groups = tuple[tuple[Column, ...], ...]
"""Columns of one group have one length; groups (two samples, say) are independent."""
Kinds = tuple[tuple[str, ...], ...]
"""A key of ``KINDS`` for each column of each group."""
Random = np.random.Generator

FEATURES = np.array([1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.8])
"""Some of these are too close to order, so that an answer can hang on them."""

KINDS: dict[str, Callable[[Random, int], Column]] = {
    "number": lambda random, rows: random.normal(5.0, 2.0, rows),
    "loss": lambda random, rows: random.exponential(1.0, rows),
    "share": lambda random, rows: random.random(rows),
    "label": lambda random, rows: (random.random(rows) < 0.4).astype(np.float64),
    "count": lambda random, rows: random.integers(5, 200, rows).astype(np.float64),
    "time": lambda random, rows: 100.0 * np.arange(rows) + random.random(rows),
    "block": lambda _, rows: np.arange(rows) * 40 // max(rows, 1),
    "name": lambda random, rows: random.choice(np.array(["a", "b", "c"], dtype=object), rows),
    "classes": lambda random, rows: random.dirichlet(np.ones(3), rows).reshape(rows, 3),
    "features": lambda random, rows: random.exponential(1.0, (rows, FEATURES.size)) * FEATURES,
}
FIXED = ("time", "block", "name")
"""Kinds that say which row it is; they are what they are in every case."""
CASES: dict[str, Callable[[Random, int], Column]] = {
    "constant": lambda _, rows: np.full(rows, 0.5),
    "zeros": lambda _, rows: np.zeros(rows),
    "ones": lambda _, rows: np.ones(rows),
    "ties": lambda random, rows: random.choice([0.25, 0.75], rows),
    "huge": lambda random, rows: random.uniform(0.5, 1.0, rows) * 1e308,
    "huge of both signs": lambda random, rows: random.choice([-1.5e308, 1.5e308], rows),
    "tiny": lambda random, rows: random.random(rows) * 1e-307,
    "signs": lambda random, rows: random.choice([-1.0, 1.0], rows) * 1e-3,
    "one far out": lambda random, rows: np.where(np.arange(rows) == 0, 1e300, random.random(rows)),
    "no width": lambda random, rows: 1.0 + random.choice([0.0, 2.0**-52], rows),
}


def made(kinds: Kinds, rows: int | tuple[int, ...], seed: int) -> Groups:
    """Usual rows, ``rows`` in each group."""
    random = np.random.default_rng(seed)
    sizes = (rows,) * len(kinds) if isinstance(rows, int) else rows
    return tuple(
        tuple(KINDS[kind](random, size) for kind in group)
        for group, size in zip(kinds, sizes, strict=True)
    )


def befallen(kinds: Kinds, groups: Groups, case: str, only: int | None, seed: int) -> Groups:
    """Columns as in ``case``, in all groups or in the one with the number ``only``."""
    random = np.random.default_rng(seed)

    def column(kind: str, usual: Column) -> Column:
        if kind in FIXED:
            return usual
        flat = CASES[case](random, usual.size)
        return flat.reshape(usual.shape)

    return tuple(
        tuple(map(column, names, group)) if only in (None, place) else group
        for place, (names, group) in enumerate(zip(kinds, groups, strict=True))
    )


def with_strange(
    kinds: Kinds,
    groups: Groups,
    strange: tuple[float, ...],
    seed: int,
    *,
    added: int = 7,
    whole: bool = False,
) -> Groups:
    """As many more rows in each group, anywhere, in each of which one number is ``strange``.

    The first group has more of them than the others, and ``whole`` makes all numbers of the row
    strange.
    """
    random = np.random.default_rng(seed)
    answer = []
    for place, (names, group) in enumerate(zip(kinds, groups, strict=True)):
        more = added if place == 0 else max(1, added - 3)
        extra = [KINDS[kind](random, more) for kind in names]
        numbers = [column for kind, column in zip(names, extra, strict=True) if kind not in FIXED]
        for row in range(more):
            value = strange[row % len(strange)]
            for column in numbers if whole else [numbers[row % len(numbers)]]:
                if column.ndim == 1 or whole:
                    column[row] = value
                else:
                    column[row, row % column.shape[1]] = value
        places = np.sort(random.integers(0, group[0].shape[0] + 1, more))
        answer.append(
            tuple(
                np.insert(old, places, new, axis=0) for old, new in zip(group, extra, strict=True)
            )
        )
    return tuple(answer)


def reordered(groups: Groups, place: int, seed: int) -> Groups:
    """The rows of one group in another order."""
    rows = groups[place][0].shape[0]
    order = np.random.default_rng(seed).permutation(rows)
    return tuple(
        tuple(column[order] for column in group) if at == place else group
        for at, group in enumerate(groups)
    )


def copied(groups: Groups) -> Groups:
    return tuple(tuple(column.copy() for column in group) for group in groups)


def same(one: Any, other: Any, *, tolerance: float = 0.0) -> bool:
    """Whether two answers (numbers, None, arrays, sequences) are equal; NaN equals NaN."""
    if one is None or other is None:
        return one is None and other is None
    if isinstance(one, float | int) and isinstance(other, float | int):
        if math.isnan(one) or math.isnan(other):
            return math.isnan(one) and math.isnan(other)
        return math.isclose(one, other, rel_tol=tolerance, abs_tol=tolerance)
    if isinstance(one, tuple | list | np.ndarray):
        return len(one) == len(other) and all(
            same(a, b, tolerance=tolerance) for a, b in zip(one, other, strict=True)
        )
    return bool(one == other)
