"""Step *split*: which rows train, which evaluate, which are held out for ever."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from homeostat.errors import ColumnError, EmptyDataError
from homeostat.pipeline.holdout import in_holdout, place
from homeostat.spec.project import Project

if TYPE_CHECKING:
    import polars as pl

TRAIN, EVALUATION, HOLDOUT, UNUSED = range(4)


@dataclass(frozen=True, slots=True)
class Parts:
    """Row masks, each of shape (rows,): a row is in at most one of the three."""

    train: NDArray[np.bool_]
    evaluation: NDArray[np.bool_]
    holdout: NDArray[np.bool_]

    def to_codes(self) -> NDArray[np.uint8]:
        """One number per row: 0 train, 1 evaluation, 2 holdout, 3 none of them."""
        codes = np.full(self.train.shape, UNUSED, dtype=np.uint8)
        for code, mask in ((TRAIN, self.train), (EVALUATION, self.evaluation)):
            codes[mask] = code
        codes[self.holdout] = HOLDOUT
        return codes


def parts_of(codes: NDArray[np.uint8]) -> Parts:
    """The masks behind :meth:`Parts.to_codes`."""
    return Parts(codes == TRAIN, codes == EVALUATION, codes == HOLDOUT)


def split(project: Project, rows: pl.DataFrame, as_of: datetime) -> Parts:
    """Cut the holdout out by id, then split the rest by time, at random, or by group.

    ``time``: rows predicted in the last ``evaluate`` before ``as_of`` evaluate. ``random`` and
    ``group``: a share by seeded hash of the id or of the group, so that a row stays on its side
    from run to run and no champion has trained on what a challenger is evaluated on. Rows older
    than ``training.history`` are only ever held out. The holdout goes by id also with groups:
    it has rows of groups that train.

    ``rows`` has the id, the prediction time, and the group column. Raises ColumnError when the
    last is missing, EmptyDataError when fewer than ``training.min_rows`` rows are left to train.
    """
    declared = project.split
    holdout = in_holdout(rows[project.events.id], declared.holdout_share)
    times = rows[project.events.time]
    if declared.by == "time":
        late = (times >= as_of - declared.evaluate).to_numpy()
    else:
        column = declared.group if declared.by == "group" else project.events.id
        late = _drawn(rows, str(column), declared.share, project.training.seed)
    used = ~holdout
    if project.training.history is not None:
        used &= (times >= as_of - project.training.history).to_numpy()
    parts = Parts(used & ~late, used & late, holdout)
    _enough(project, parts)
    return parts


def _drawn(rows: pl.DataFrame, column: str, share: float, seed: int) -> NDArray[np.bool_]:
    if column not in rows.columns:
        raise ColumnError(
            f"there is no column '{column}' to split by",
            subject="homeostat.yaml: split.group",
            next_step="name the events' id or entity, or a feature",
        )
    return place(f"{seed}/{value}" for value in rows[column].to_list()) < share


def _enough(project: Project, parts: Parts) -> None:
    training, asked = int(parts.train.sum()), project.training.min_rows
    if training < asked:
        raise EmptyDataError(
            f"{training:,} rows to train on, {asked:,} are asked ({int(parts.evaluation.sum()):,} "
            f"evaluate, {int(parts.holdout.sum()):,} are held out)",
            subject="split",
            next_step="wait for more labelled rows, or lower training.min_rows or split.evaluate",
        )
