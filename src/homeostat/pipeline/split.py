"""Step *split*: which rows train, which evaluate, which are held out for ever."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from homeostat.errors import ColumnError, EmptyDataError
from homeostat.pipeline.holdout import in_holdout
from homeostat.spec.project import Project

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class Parts:
    """Row masks, each of shape (rows,): a row is in exactly one of the three."""

    train: NDArray[np.bool_]
    evaluation: NDArray[np.bool_]
    holdout: NDArray[np.bool_]


def split(project: Project, rows: pl.DataFrame, as_of: datetime) -> Parts:
    """Cut the holdout out by id, then split the rest by time, at random, or by group.

    ``time``: rows predicted in the last ``evaluate`` before ``as_of`` evaluate. ``random`` and
    ``group``: a share by seeded hash of the id or of the group, so that a row stays on its side
    from run to run and no champion has trained on what a challenger is evaluated on.
    Raises EmptyDataError when fewer than ``training.min_rows`` rows are left to train on.
    """
    declared = project.split
    holdout = in_holdout(rows[project.events.id], declared.holdout_share)
    if declared.by == "time":
        edge = as_of - declared.evaluate
        late = (rows[project.events.time] >= edge).to_numpy()
    else:
        column = declared.group if declared.by == "group" else project.events.id
        late = _hashed(rows, str(column), declared.share, project.training.seed)
    evaluation = late & ~holdout
    train = ~late & ~holdout
    if int(train.sum()) < project.training.min_rows:
        raise EmptyDataError(
            f"{int(train.sum()):,} rows to train on, {project.training.min_rows:,} are asked",
            subject="split",
            next_step="wait for more labelled rows, or lower training.min_rows or split.evaluate",
        )
    return Parts(train, evaluation, holdout)


def _hashed(rows: pl.DataFrame, column: str, share: float, seed: int) -> NDArray[np.bool_]:
    if column not in rows.columns:
        raise ColumnError(
            f"there is no column '{column}' to split by",
            subject="homeostat.yaml: split.group",
            next_step="name the id, the entity or a feature",
        )
    values = rows[column].cast(str).fill_null("").to_list()
    digests = (hashlib.sha256(f"{seed}/{value}".encode()).digest() for value in values)
    first = np.fromiter((int.from_bytes(d[:8], "big") for d in digests), dtype=np.uint64)
    return first < np.uint64(int(share * 2.0**64))
