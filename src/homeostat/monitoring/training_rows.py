"""The rows that a version was trained on, as its run recorded them."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from homeostat.domain.version import Version
from homeostat.errors import BlobMissingError
from homeostat.ports.blobs import Blobs
from homeostat.spec.project import Project
from homeostat.stats.metrics import Array

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class TrainingRows:
    """``rows`` in order of time, with features by name; ``at_s`` (rows,) their times in s."""

    rows: pl.DataFrame
    at_s: Array


def training_rows(project: Project, blobs: Blobs, version: Version) -> TrainingRows | None:
    """Rows in the span that ``version`` was trained on; None when they are no longer kept."""
    import polars as pl

    candidate = version.candidate
    made = next((step.digest for step in candidate.steps if step.name == "features"), None)
    if made is None:
        return None
    try:
        frame = pl.read_parquet(io.BytesIO(blobs.get(made)))
    except BlobMissingError:
        return None
    time = pl.col(project.events.time)
    rows = frame.filter((time >= candidate.trained_from) & (time <= candidate.trained_until)).sort(
        project.events.time
    )
    if not rows.height:
        return None
    at_s = rows[project.events.time].dt.timestamp("us").to_numpy() / 1e6
    return TrainingRows(rows, np.asarray(at_s, dtype=np.float64))
