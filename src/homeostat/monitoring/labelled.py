"""Predictions joined with what turned out to be true, as known at an instant."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from homeostat.domain.recorded import Recorded
from homeostat.features.frames import DeliveryFrames
from homeostat.ports.blobs import Blobs
from homeostat.spec.project import Project

if TYPE_CHECKING:
    import polars as pl

TRUTH = "truth"


def labels_known(
    project: Project, blobs: Blobs, recorded: Recorded, since: datetime, now: datetime
) -> pl.DataFrame:
    """Labels that became known in [since, now): columns ``event`` and ``truth`` (Float64).

    From accepted deliveries only. A label that was corrected counts with its latest value.
    """
    import polars as pl

    source = project.sources[project.labels.source]
    record = recorded.sources.get(project.labels.source)
    if record is None or not record.accepted:
        return pl.DataFrame(schema={"event": pl.String, TRUTH: pl.Float64})
    deliveries = {project.labels.source: record.accepted}
    frames = DeliveryFrames(blobs, deliveries, {project.labels.source: source.known_at})
    rows = frames.frame(project.labels.source, since, now)
    if not rows.height:
        return pl.DataFrame(schema={"event": pl.String, TRUTH: pl.Float64})
    return (
        rows.select(
            pl.col(project.events.id).cast(pl.String).alias("event"),
            pl.col(project.labels.column).cast(pl.Float64).alias(TRUTH),
        )
        .drop_nulls()
        .unique("event", keep="last", maintain_order=True)
    )
