"""Step *features*: every labelled event as known at its prediction time, with its label."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from homeostat.errors import ColumnError, DuplicateIdError, EmptyDataError, TargetError
from homeostat.features.build import build_features
from homeostat.spec.project import Project

if TYPE_CHECKING:
    import polars as pl

    from homeostat.features.frames import Frames

TARGET = "__target"
"""Name of the label column, as a number, behind the features."""


def labelled_features(
    project: Project, folder: Path, frames: Frames, as_of: datetime
) -> pl.DataFrame:
    """Events whose label was known at ``as_of``, in order of prediction time and id.

    Columns: id, time, entity if declared, the features, ``__target`` (Float64). Events without
    a label are left out. Raises EmptyDataError, DuplicateIdError, TargetError, ColumnError.
    """
    labels = labels_of(project, frames, as_of)
    events = frames.frame(project.events.source, _since(project, as_of), as_of)
    identity, time = project.events.id, project.events.time
    if not events.height:
        raise EmptyDataError(
            f"source '{project.events.source}' has no accepted rows up to {as_of:%Y-%m-%d}",
            subject="features",
            next_step="check the source, and `homeostat status` for quarantined deliveries",
        )
    _unique(events, identity, project.events.source)
    known = events.join(labels, on=identity, how="inner").sort(time, identity)
    if not known.height:
        raise EmptyDataError(
            f"none of {events.height:,} events has a label among {labels.height:,} labels",
            subject="features",
            next_step=f"check that '{identity}' names the same rows in both sources",
        )
    built = build_features(project, folder, known.drop(TARGET), frames)
    return built.with_columns(known[TARGET])


def labels_of(project: Project, frames: Frames, as_of: datetime) -> pl.DataFrame:
    """The label source's ids and targets (``__target``, Float64); the latest known label counts.

    Raises ColumnError when the target is not a number or boolean, TargetError when all are null.
    """
    import polars as pl

    column, identity = project.labels.column, project.events.id
    rows = frames.frame(project.labels.source, None, as_of)
    if not rows.height:
        return pl.DataFrame(schema={identity: pl.String, TARGET: pl.Float64})
    for name in (identity, column):
        if name not in rows.columns:
            raise ColumnError(
                f"column '{name}' is missing",
                subject=f"source {project.labels.source}",
                next_step=f"its columns are {', '.join(rows.columns)}",
            )
    target = rows[column]
    if not (target.dtype.is_numeric() or target.dtype == pl.Boolean):
        raise ColumnError(
            f"the target has type {target.dtype}, a number or boolean is asked",
            subject=f"source {project.labels.source}, column {column}",
            next_step="turn it into 0 and 1, or into a number, in the source",
        )
    known = rows.select(identity, target.cast(pl.Float64).fill_nan(None).alias(TARGET)).drop_nulls()
    if not known.height:
        raise TargetError(
            f"all {rows.height:,} labels are null",
            subject=f"source {project.labels.source}, column {column}",
            next_step="check how the source fills the column",
        )
    return known.unique(identity, keep="last", maintain_order=True)


def check_target(project: Project, target: pl.Series) -> None:
    """Raise TargetError when a model cannot learn from ``target``."""
    classes = target.unique().sort().to_list()
    where = f"source {project.labels.source}, column {project.labels.column}"
    if len(classes) < 2:
        raise TargetError(
            f"the target has only one value, {classes[0]:g}, in {target.len():,} training rows",
            subject=where,
            next_step="wait for rows of the other kind, or give a longer history",
        )
    if project.task == "binary" and classes != [0.0, 1.0]:
        shown = ", ".join(f"{value:g}" for value in classes[:5])
        raise TargetError(
            f"the target of a binary task must be 0 and 1, found {shown}",
            subject=where,
            next_step="say 'task: regression', or turn the target into 0 and 1",
        )


def _since(project: Project, as_of: datetime) -> datetime | None:
    history = project.training.history
    return None if history is None else as_of - history


def _unique(events: pl.DataFrame, identity: str, source: str) -> None:
    ids = events[identity]
    if ids.n_unique() == ids.len():
        return
    twice = ids.filter(ids.is_duplicated()).unique().sort()
    raise DuplicateIdError(
        f"{twice.len():,} ids stand in more than one row, such as {twice[0]!r}",
        subject=f"source {source}, column {identity}",
        next_step=f"declare '{identity}: {{unique: true}}' in its checks, and mend the source",
    )
