"""Computes features of sampled events again, from what was known at their prediction time only.

Each sampled event is built alone, from sources cut off at its prediction time. A feature that
comes out different has used a later row, or another event of the same batch: a leak.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl

from homeostat.errors import LeakError
from homeostat.features.build import build_features
from homeostat.features.columns import MICROSECOND, column_of
from homeostat.features.frames import Frames
from homeostat.spec.project import Project

TOLERANCE = 1e-9
"""Relative difference between numbers that counts as none."""


class KnownAt:
    """What ``frames`` held at one instant: rows with ``known_at`` up to and including it."""

    def __init__(self, frames: Frames, at: datetime) -> None:
        self._frames = frames
        self._end = at + MICROSECOND

    def frame(self, source: str, since: datetime | None, until: datetime | None) -> pl.DataFrame:
        """Rows of ``source`` in the span that were known; see :class:`Frames`."""
        return self._frames.frame(source, since, min(until or self._end, self._end))


def audit_features(
    project: Project,
    folder: Path,
    events: pl.DataFrame,
    features: pl.DataFrame,
    frames: Frames,
    *,
    sample: int = 20,
) -> int:
    """Compare ``features``, as built for ``events``, with what was known; how many were compared.

    ``features`` has one row per event, in the order of ``events``. The sample is spread evenly
    over the prediction times, first and last included, so that the same data give the same
    sample. Raises LeakError with the feature, the event and both values. Does not find a leak
    that shows in no sampled event.
    """
    assert features.height == events.height, "features and events do not go together"
    if not events.height or sample < 1:
        return 0
    order = features[project.events.time].arg_sort().to_numpy()
    places = np.linspace(0, order.size - 1, min(sample, order.size)).round().astype(np.int64)
    for row in np.unique(order[places]).tolist():
        at = features[project.events.time][row]
        alone = build_features(project, folder, events[row], KnownAt(frames, at))
        _compare(project, features[row], alone)
    return int(np.unique(places).size)


def _compare(project: Project, given: pl.DataFrame, known: pl.DataFrame) -> None:
    for name in project.features.names:
        was = column_of(given, name, "features to audit").item()
        could = known[name].item()
        if not _same(was, could):
            event = given[project.events.id].item()
            raise LeakError(
                f"event {event} at {given[project.events.time].item():%Y-%m-%d %H:%M} has "
                f"{was!r}; what was known then gives {could!r}",
                subject=f"feature {name}",
                next_step="use only rows known at the prediction time, and one event at a time",
            )


def _same(one: float | str | None, other: float | str | None) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return bool(np.isclose(one, other, rtol=TOLERANCE, atol=TOLERANCE))
    return one == other
