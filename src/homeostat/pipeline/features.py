"""Step *features*: every labelled event as known at its prediction time, with its label."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from homeostat.errors import EmptyDataError, TargetError
from homeostat.features.build import build_features
from homeostat.features.columns import as_instants, column_of
from homeostat.pipeline.holdout import in_holdout
from homeostat.pipeline.labels import TARGET, joinable, labels_of, unique_ids
from homeostat.spec.project import Project

if TYPE_CHECKING:
    import polars as pl

    from homeostat.features.frames import Frames

__all__ = ["TARGET", "check_target", "labelled_features"]


def labelled_features(
    project: Project, folder: Path, frames: Frames, as_of: datetime
) -> pl.DataFrame:
    """Events whose label was known before ``as_of``, in order of prediction time and id.

    Columns: id, time, entity if declared, the features, ``__target`` (Float64). Events without
    a label, an id or a prediction time are left out. With ``training.history`` older events are
    left out too, except those of the fixed holdout, which looks back as far as there is data.
    Raises EmptyDataError, DuplicateIdError, TargetError, ColumnError, and whatever building
    the features raises.
    """
    identity, time = project.events.id, project.events.time
    where = f"source {project.events.source}"
    events = frames.frame(project.events.source, None, as_of)
    if not events.height:
        raise EmptyDataError(
            f"there are no accepted rows up to {as_of:%Y-%m-%d %H:%M}",
            subject=where,
            next_step="check the source, and `homeostat status` for quarantined deliveries",
        )
    column_of(events, identity, where)
    events = events.with_columns(as_instants(events, time, where).alias(time))
    events = events.drop_nulls([identity, time])
    unique_ids(events, identity, where)
    labels = labels_of(project, frames, as_of)
    known = events.join(joinable(labels, events[identity]), on=identity, how="inner")
    known = _in_history(project, known, as_of).sort(time, identity)
    if not known.height:
        raise EmptyDataError(
            f"none of {events.height:,} events has a label among {labels.height:,} labels",
            subject=f"source {project.labels.source}",
            next_step=f"check that '{identity}' names the same rows in both sources",
        )
    built = build_features(project, folder, known.drop(TARGET), frames)
    return built.with_columns(known[TARGET])


def check_target(project: Project, target: pl.Series) -> None:
    """Raise TargetError when a model cannot learn from ``target``, the training rows' labels."""
    classes = target.unique().sort().to_list()
    where = f"source {project.labels.source}, column {project.labels.column}"
    if len(classes) < 2:
        found = f"only one value, {classes[0]:g}," if classes else "no value"
        raise TargetError(
            f"the target has {found} in {target.len():,} training rows",
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


def _in_history(project: Project, known: pl.DataFrame, as_of: datetime) -> pl.DataFrame:
    import polars as pl

    history = project.training.history
    if history is None:
        return known
    recent = (known[project.events.time] >= as_of - history).to_numpy()
    held = in_holdout(known[project.events.id], project.split.holdout_share)
    return known.filter(pl.Series(recent | held))
