"""From events to the model's inputs: row columns, derived columns, views, each checked.

:func:`build` is the one place where features are computed: for training, for evaluation, and
for traffic.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from homeostat.errors import ColumnError, HomeostatError, LeakError, ProjectCodeError, ProjectError
from homeostat.features.columns import (
    EPOCH,
    MICROSECOND,
    as_categories,
    as_instants,
    as_numbers,
    column_of,
    microseconds,
)
from homeostat.features.frames import Frames, within
from homeostat.features.leaks import check_declaration, check_events, known_part, withheld_name_in
from homeostat.features.point_in_time import join_view
from homeostat.spec.code import load_function
from homeostat.spec.features import View
from homeostat.spec.project import Project
from homeostat.spec.sources import Fallback


@dataclass(frozen=True, slots=True)
class Built:
    """Features of some events.

    ``fallback`` marks, by view, events whose columns come from a row older than the view's
    ``ttl``, let in by its source's fallback.
    """

    frame: pl.DataFrame
    fallback: Mapping[str, NDArray[np.bool_]]

    @property
    def fallback_rows(self) -> dict[str, int]:
        """How many events used the fallback, by view; views that did not need it are left out."""
        counts = {view: int(used.sum()) for view, used in self.fallback.items()}
        return {view: count for view, count in counts.items() if count}


def build_features(
    project: Project, folder: Path, events: pl.DataFrame, frames: Frames
) -> pl.DataFrame:
    """:func:`build`, when only the frame is wanted."""
    return build(project, folder, events, frames).frame


def build(project: Project, folder: Path, events: pl.DataFrame, frames: Frames) -> Built:
    """The features of ``events``, each as known at the event's prediction time.

    ``events`` has the declared id and time columns, the entity column if declared, and the
    event's own columns; other columns do no harm. The frame answered has one row per event, in
    the same order: id, time, entity, then all features, categories as String and numbers as
    Float64, null where nothing is known. ``folder`` is where the project's code is.

    Raises LeakError; ColumnError for missing columns and wrong types; ProjectCodeError when the
    derive function fails or answers with something else; whatever ``frames`` raises.
    """
    check_declaration(project)
    where = f"events of source {project.events.source}"
    instants = as_instants(events, project.events.time, where)
    if instants.null_count():
        raise ColumnError(
            f"{instants.null_count():,} events have no '{project.events.time}'",
            subject=where,
            next_step="leave out events without a prediction time, or correct the source",
        )
    times = instants.to_physical().to_numpy()
    check_events(project, events, times)
    values = {name: column_of(events, name, where) for name in project.features.row}
    values |= derived_of(project, folder, events)
    fallback: dict[str, NDArray[np.bool_]] = {}
    values |= _viewed(project, events, times, frames, fallback)
    head = _head(project, events, instants, where)
    return Built(pl.DataFrame([*head, *_typed(project, values)]), fallback)


def _head(
    project: Project, events: pl.DataFrame, instants: pl.Series, where: str
) -> list[pl.Series]:
    head = [column_of(events, project.events.id, where), instants]
    entity = project.events.entity
    if entity is not None and entity not in (project.events.id, project.events.time):
        head.append(column_of(events, entity, where))
    taken = {column.name for column in head} & set(project.features.names)
    for name in sorted(taken):
        raise ColumnError(
            f"'{name}' is a feature, and the events' id, time or entity as well",
            subject="homeostat.yaml: features",
            next_step="give the feature another name, e.g. by deriving it",
        )
    return head


def _typed(project: Project, values: Mapping[str, pl.Series]) -> list[pl.Series]:
    categorical = set(project.features.categorical)
    return [
        (as_categories if name in categorical else as_numbers)(
            values[name].alias(name), f"feature {name}"
        )
        for name in project.features.names
    ]


def derived_of(project: Project, folder: Path, events: pl.DataFrame) -> dict[str, pl.Series]:
    """What the project's ``derive`` gives for ``events``, by name. ProjectCodeError, LeakError."""
    reference = project.features.derive
    if reference is None:
        return {}
    derive = load_function(folder, reference)
    try:
        answer = derive(known_part(project, events))
    except HomeostatError:
        raise
    except Exception as error:
        raise _failed(project, reference, error) from error
    _check_answer(project, reference, answer, events.height)
    return {name: answer[name] for name in project.features.derived}


def _failed(project: Project, reference: str, error: Exception) -> ProjectError:
    """What it means that ``derive`` raised: it reached for a withheld column, or is wrong."""
    if isinstance(error, (pl.exceptions.ColumnNotFoundError, KeyError, AttributeError)):
        leaked = withheld_name_in(project, str(error))
        if leaked is not None:
            return LeakError(
                f"it reads '{leaked}', which is known only after the prediction time",
                subject=reference,
                next_step="derive features from columns that are known at the prediction time",
            )
    return ProjectCodeError(
        f"it raised {type(error).__name__}: {error}",
        subject=reference,
        next_step="correct the function; it gets a polars frame of events",
    )


def _check_answer(project: Project, reference: str, answer: object, height: int) -> None:
    wanted = project.features.derived
    if not isinstance(answer, pl.DataFrame):
        problem = f"it answered with {type(answer).__name__}, not a polars DataFrame"
    elif missing := [name for name in wanted if name not in answer.columns]:
        problem = f"its answer lacks {', '.join(missing)}"
    elif answer.height != height:
        problem = f"it answered with {answer.height:,} rows for {height:,} events"
    else:
        return
    raise ProjectCodeError(
        problem,
        subject=reference,
        next_step="return one row per event, in their order, with the columns under 'derived'",
    )


def _viewed(
    project: Project,
    events: pl.DataFrame,
    times: NDArray[np.int64],
    frames: Frames,
    fallback: dict[str, NDArray[np.bool_]],
) -> dict[str, pl.Series]:
    """All views' features; each source is read once, as far back as its views look."""
    values: dict[str, pl.Series] = {}
    read: dict[str, pl.DataFrame] = {}
    for name, view in project.features.views.items():
        source = project.sources[view.source]
        if view.source not in read:
            read[view.source] = _rows(project, view.source, times, frames)
        allowed = microseconds(source.fallback.max_age) if source.fallback else None
        since = _since(times, view_look_back(view, source.fallback))
        rows = read[view.source]
        joined = join_view(
            name,
            view,
            events=events,
            times=times,
            rows=within(rows, source.known_at, since, None) if rows.height else rows,
            known_at=source.known_at,
            fallback_age_us=allowed,
        )
        values |= {f"{name}__{feature}": column for feature, column in joined.features.items()}
        fallback[name] = joined.late
    return values


def look_back(project: Project, source: str) -> timedelta | None:
    """How far before a prediction time the views on ``source`` look; None: without end."""
    fallback = project.sources[source].fallback
    views = [view for view in project.features.views.values() if view.source == source]
    spans = [view_look_back(view, fallback) for view in views]
    return None if None in spans else max((s for s in spans if s is not None), default=timedelta(0))


def view_look_back(view: View, fallback: Fallback | None) -> timedelta | None:
    """How far before a prediction time ``view`` looks; None: without end."""
    spans = [declared.over for declared in view.aggregates.values()]
    if view.columns:
        if view.ttl is None:
            return None
        spans.append(max(view.ttl, fallback.max_age) if fallback else view.ttl)
    return max(spans)


def _rows(project: Project, source: str, times: NDArray[np.int64], frames: Frames) -> pl.DataFrame:
    if not times.size:
        return pl.DataFrame()
    since = _since(times, look_back(project, source))
    return frames.frame(source, since, _instant(int(times.max()) + 1))


def _since(times: NDArray[np.int64], back: timedelta | None) -> datetime | None:
    if back is None or not times.size:
        return None
    return _instant(int(times.min()) - microseconds(back))


def _instant(at_us: int) -> datetime | None:
    """The instant, or None beyond the calendar: nothing can have been known before year 1."""
    try:
        return EPOCH + at_us * MICROSECOND
    except OverflowError:
        return None
