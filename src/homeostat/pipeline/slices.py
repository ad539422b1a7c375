"""Parts of the evaluation rows on which candidate and champion are compared.

Slices are the values of a feature, segments are declared conditions, and found slices are
leaves of a small tree that is grown where the candidate loses most. The tree sees one half of
the blocks of rows and its leaves are judged on the other half, so that the search does not spoil
their p values (data splitting, Cox 1975).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from homeostat.errors import ColumnError
from homeostat.features.segments import segment_rows
from homeostat.spec.gates import Discovered
from homeostat.spec.project import Project
from homeostat.stats.metrics import Array

if TYPE_CHECKING:
    import polars as pl

MAX_SLICES = 50
"""Values of one slice feature that are measured, the most frequent first."""
MAX_VALUES = 20
"""Values of one category that the tree may ask about, the most frequent first."""
Mask = NDArray[np.bool_]


def declared_slices(project: Project, rows: pl.DataFrame) -> Iterator[tuple[str, Mask]]:
    """Name and rows of each slice: every value of each slice feature, null among them.

    Raises ColumnError for a slice that is no feature.
    """
    for column in project.metrics.slices:
        if column not in rows.columns:
            raise ColumnError(
                f"there is no feature '{column}' to slice by",
                subject="homeostat.yaml: metrics.slices",
                next_step=f"name some of {', '.join(project.features.names)}",
            )
        values = rows[column].cast(str)
        counted = values.value_counts(sort=False, name="rows")
        frequent = counted.sort("rows", column, descending=[True, False]).head(MAX_SLICES)
        for value in frequent[column].sort().to_list():
            mask = values.is_null() if value is None else (values == value).fill_null(value=False)
            shown = "null" if value is None else value
            yield f"slice:{column}={shown}", mask.to_numpy()


def segments(project: Project, rows: pl.DataFrame) -> Iterator[tuple[str, Mask]]:
    """Name and rows of each declared segment; a condition that is null leaves the row out."""
    for name, text in project.metrics.segments.items():
        yield f"segment:{name}", segment_rows(rows, name, text)


def found_slices(
    project: Project,
    rows: pl.DataFrame,
    loss: Array,
    blocks: NDArray[np.int64],
    asked: Discovered,
    seed: int,
) -> list[tuple[str, Mask]]:
    """Leaves of a regression tree on ``loss``, worst first: name, and their rows to judge by.

    ``loss`` of shape (rows,) is the candidate's loss less the champion's; only leaves in which it
    is positive on the tree's half are given. The rows of a leaf are those of the other half.
    Nulls of numbers count as the median. Nothing is found with too few rows in either half.
    """
    from sklearn.tree import DecisionTreeRegressor

    _, codes = np.unique(blocks, return_inverse=True)
    chosen = np.random.default_rng(seed).permutation(int(codes.max(initial=-1)) + 1) % 2 == 0
    grown = chosen[codes] if codes.size else np.zeros(0, dtype=bool)
    if min(grown.sum(), (~grown).sum()) < 2 * asked.min_rows:
        return []
    names = [name for name in project.features.names if name in rows.columns]
    matrix, questions = _questions(rows, names, set(project.features.categorical))
    tree = DecisionTreeRegressor(
        max_leaf_nodes=asked.leaves, min_samples_leaf=asked.min_rows, random_state=seed
    ).fit(matrix[grown], loss[grown])
    leaf_of = tree.apply(matrix)
    found = []
    for leaf, path in _paths(tree.tree_, questions):
        inside = leaf_of == leaf
        mean = float(loss[inside & grown].mean()) if (inside & grown).any() else 0.0
        if path and mean > 0 and int((inside & ~grown).sum()) >= asked.min_rows:
            found.append((mean, f"slice:found:{' and '.join(path)}", inside & ~grown))
    found.sort(key=lambda one: (-one[0], one[1]))
    return [(name, mask) for _, name, mask in found]


Question = tuple[str, "str | None"]
"""A column of the tree's matrix: a number by name, or a category and one of its values."""


def _questions(
    rows: pl.DataFrame, names: list[str], categorical: set[str]
) -> tuple[Array, list[Question]]:
    columns: list[Array] = []
    questions: list[Question] = []
    for name in names:
        series = rows[name]
        if name not in categorical and series.dtype.is_numeric():
            values = series.cast(float).to_numpy().astype(np.float64)
            known = values[np.isfinite(values)]
            centre = float(np.median(known)) if known.size else 0.0
            columns.append(np.where(np.isfinite(values), values, centre))
            questions.append((name, None))
            continue
        texts = series.cast(str).fill_null("null")
        counted = texts.value_counts(sort=False, name="rows")
        for value in counted.sort("rows", name, descending=[True, False])[name].head(MAX_VALUES):
            columns.append((texts == value).to_numpy().astype(np.float64))
            questions.append((name, value))
    return np.column_stack(columns), questions


def _paths(tree: Any, questions: list[Question]) -> Iterator[tuple[int, list[str]]]:
    """Each leaf with the conditions that lead to it; of several on one number the last stands."""
    waiting: list[tuple[int, dict[tuple[str, str], str]]] = [(0, {})]
    while waiting:
        node, path = waiting.pop()
        if tree.children_left[node] == -1:
            yield node, list(path.values())
            continue
        name, value = questions[tree.feature[node]]
        limit = f"{float(tree.threshold[node]):.4g}"
        if value is None:
            left, right = f"{name} <= {limit}", f"{name} > {limit}"
        else:
            left, right = f"{name} != {value}", f"{name} = {value}"
        side = value or ""
        waiting.append((tree.children_right[node], {**path, (name, f"{side}>"): right}))
        waiting.append((tree.children_left[node], {**path, (name, f"{side}<"): left}))
