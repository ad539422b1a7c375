"""Labels as known at an instant, joined to events by id."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from homeostat.errors import ColumnError, DuplicateIdError, TargetError
from homeostat.features.columns import column_of
from homeostat.spec.project import Project

if TYPE_CHECKING:
    import polars as pl

    from homeostat.features.frames import Frames

TARGET = "__target"
"""Name of the label column, as a number, behind the features."""


def labels_of(project: Project, frames: Frames, as_of: datetime) -> pl.DataFrame:
    """Ids and targets (``__target``, Float64) of all labels known before ``as_of``.

    Of several labels of one id the one that became known last counts. A null, NaN or infinite
    label is no label. Raises ColumnError when a column is missing or the target is not a number
    or boolean, TargetError when there are labels and all of them are null.
    """
    import polars as pl

    column, identity = project.labels.column, project.events.id
    where = f"source {project.labels.source}"
    rows = frames.frame(project.labels.source, None, as_of)
    if not rows.height:
        return pl.DataFrame(schema={identity: pl.String, TARGET: pl.Float64})
    column_of(rows, identity, where)
    target = column_of(rows, column, where)
    if not (target.dtype.is_numeric() or target.dtype in (pl.Boolean, pl.Null)):
        raise ColumnError(
            f"the target has type {target.dtype}, a number or boolean is asked",
            subject=f"{where}, column {column}",
            next_step="turn it into 0 and 1, or into a number, in the source",
        )
    numbers = target.cast(pl.Float64)
    known = rows.select(identity, numbers.alias(TARGET)).filter(
        numbers.is_finite().fill_null(value=False)
    )
    if not known.height:
        raise TargetError(
            f"all {rows.height:,} labels are null",
            subject=f"{where}, column {column}",
            next_step="check how the source fills the column",
        )
    return known.drop_nulls(identity).unique(identity, keep="last", maintain_order=True)


def joinable(labels: pl.DataFrame, ids: pl.Series) -> pl.DataFrame:
    """``labels`` with their id column in the type of the events' ``ids``.

    Whole numbers of any width go together, and so do all kinds of text. Raises ColumnError for
    two types that would never be equal, such as 7 and "7": no row would find its label.
    """
    import polars as pl

    ours, theirs = ids.dtype, labels[ids.name].dtype
    text = (pl.String, pl.Categorical, pl.Enum)
    same_kind = (ours.is_integer() and theirs.is_integer()) or (
        isinstance(ours, text) and isinstance(theirs, text)
    )
    if ours == theirs or not labels.height or same_kind:
        return labels.with_columns(pl.col(ids.name).cast(ours, strict=False)).drop_nulls(ids.name)
    raise ColumnError(
        f"'{ids.name}' is {ours} in the events and {theirs} in the labels",
        subject="homeostat.yaml: labels.source",
        next_step="deliver the id with one type in both sources",
    )


def unique_ids(events: pl.DataFrame, identity: str, where: str) -> None:
    """Raise DuplicateIdError when an id stands in more than one row."""
    ids = events[identity]
    if ids.n_unique() == ids.len():
        return
    twice = ids.filter(ids.is_duplicated()).unique().sort()
    raise DuplicateIdError(
        f"{twice.len():,} ids stand in more than one row, such as {twice[0]!r}",
        subject=f"{where}, column {identity}",
        next_step=f"declare '{identity}: {{unique: true}}' in its checks, and mend the source",
    )
