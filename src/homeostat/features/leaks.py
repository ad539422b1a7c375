"""No feature may use what is not known at the prediction time.

Two of the three guards stand here. The declaration: columns that a source fills in later, and
the target, may not be named as features. The frame: project code gets events without those
columns, so it cannot read them. The third, which computes features again from sources cut off
at the prediction time, is ``audit.py``.

What neither finds: a source that states a ``known_at`` earlier than the truth, and project code
that reads from elsewhere than the frame it gets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import polars as pl
from numpy.typing import NDArray

from homeostat.errors import LeakError
from homeostat.features.columns import as_instants
from homeostat.spec.features import View
from homeostat.spec.project import Project


def withheld(project: Project) -> frozenset[str]:
    """Columns of an event that are not known at its prediction time, whether they are there or not.

    What the events' source declares as ``known_later``, and the target with whatever its source
    declares so.
    """
    later = project.sources[project.events.source].known_later
    labels = project.sources[project.labels.source].known_later
    return frozenset({*later, *labels, project.labels.column})


def check_declaration(project: Project) -> None:
    """Raise LeakError when the project file names a column as feature that is known only later."""
    for where, column, known_later in _named(project):
        if column in known_later:
            raise LeakError(
                f"'{column}' is known only after the prediction time",
                subject=f"homeostat.yaml: {where}",
                next_step=f"remove '{column}'; for its past values, add a view on a source whose "
                "known_at says when they became known",
            )


def check_events(project: Project, events: pl.DataFrame, times: NDArray[np.int64]) -> None:
    """Raise LeakError when an event itself became known only after its prediction time."""
    known_at = project.sources[project.events.source].known_at
    if known_at not in events.columns or known_at == project.events.time:
        return
    known = as_instants(events, known_at, f"events of {project.events.source}").to_physical()
    late = int((known > pl.Series(times)).sum())
    if late:
        raise LeakError(
            f"{late:,} of {events.height:,} events have '{known_at}' after their prediction "
            f"time '{project.events.time}': their own columns were not known then",
            subject=f"homeostat.yaml: sources.{project.events.source}.known_at",
            next_step="predict at a later time, or name the time at which rows became known",
        )


def known_part(project: Project, events: pl.DataFrame) -> pl.DataFrame:
    """``events`` without the columns that are withheld: what project code may see."""
    return events.drop(withheld(project), strict=False)


def withheld_name_in(project: Project, message: str) -> str | None:
    """The withheld column that an error message of project code names, if any."""
    words = set(re.findall(r"\w+", message))
    return next((name for name in sorted(withheld(project)) if name in words), None)


def _named(project: Project) -> Iterator[tuple[str, str, frozenset[str]]]:
    """Place in the file, column, and what may not stand there."""
    own = withheld(project)
    for column in project.features.row:
        yield "features.row", column, own
    for name, view in project.features.views.items():
        place = f"features.views.{name}"
        for column in view.key:
            yield f"{place}.key", column, own
        for column in view.columns:
            yield f"{place}.columns", column, _later_in(project, view)
        for feature, declared in view.aggregates.items():
            column = declared.mean or declared.sum or ""
            yield f"{place}.aggregates.{feature}", column, _later_in(project, view)


def _later_in(project: Project, view: View) -> frozenset[str]:
    """What a row of the view's source holds only after its ``known_at``."""
    later = frozenset(project.sources[view.source].known_later)
    if view.source == project.events.source == project.labels.source:
        return later | {project.labels.column}
    return later
