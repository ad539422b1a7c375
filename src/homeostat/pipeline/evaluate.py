"""Step *evaluate*: candidate and champion on the same rows, overall, by slice, on the holdout.

Why neither model has trained on what it is judged by. Holdout ids never train, in any run. With
a split by time the champion's training ended before its own evaluation span, which began no
later than this one. With random or group splits the side of a row goes by its hash, the same in
every run. Holdout rows may lie in a span on whose *other* rows a model was trained; that is
so for both, each in its own past, and a gate about the long term is to ask just that: a model
that forgot a season loses on its rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from homeostat.domain.evidence import Comparison
from homeostat.errors import ColumnError
from homeostat.spec.decisions import Gate
from homeostat.spec.project import Project
from homeostat.stats.compare.paired import paired
from homeostat.stats.metrics import Array, measure, oriented

if TYPE_CHECKING:
    import polars as pl

HOUR_US = 3_600_000_000
BLOCKS_US = (24 * HOUR_US, 6 * HOUR_US, HOUR_US)
"""Lengths of time that a block of dependent rows may have, the longest first."""
MIN_BLOCKS = 40
"""The longest blocks of which there are so many are taken; fewer make too narrow an interval."""
MAX_SLICES = 50
"""Values of one slice feature that are measured, the most frequent first."""


@dataclass(frozen=True, slots=True)
class Scored:
    """Rows with their truth and both models' predictions, each of shape (rows,).

    ``champion`` is None when there is none to compare with; ``note`` says why.
    """

    rows: pl.DataFrame
    truth: Array
    challenger: Array
    champion: Array | None
    note: str = ""

    def where(self, mask: NDArray[np.bool_]) -> Scored:
        """The rows in ``mask``."""
        import polars as pl

        champion = None if self.champion is None else self.champion[mask]
        kept = self.rows.filter(pl.Series(mask, dtype=pl.Boolean))
        return Scored(kept, self.truth[mask], self.challenger[mask], champion, self.note)


def metrics_of(project: Project, evaluation: Scored, holdout: Scored) -> dict[str, float]:
    """Every declared metric on the evaluation rows, and on the holdout as ``holdout.<name>``.

    A metric that is undefined on the rows is left out: a gate that asks for it then fails.
    """
    found = {}
    for prefix, scored in (("", evaluation), ("holdout.", holdout)):
        for name in project.metrics.names:
            value = measure(name, scored.truth, scored.challenger)
            if value is not None:
                found[prefix + name] = value
    return found


def compare(
    project: Project, evaluation: Scored, holdout: Scored, seed: int
) -> tuple[Comparison, ...]:
    """Comparisons on the evaluation rows, on the holdout, and on each slice.

    The primary metric has an interval by the paired block bootstrap; the other metrics are
    given as points. Raises ColumnError for a slice that is no feature.
    """
    primary, gates = project.metrics.primary, project.gates
    found = []
    for where, scored, gate in (
        ("evaluation", evaluation, gates.evaluation),
        ("holdout", holdout, gates.holdout),
    ):
        found.append(_interval(project, primary, where, scored, gate, seed))
        found += [_points(name, where, scored) for name in project.metrics.names[1:]]
    for name, mask in _slices(project, evaluation.rows):
        part = evaluation.where(mask)
        if part.truth.size < project.metrics.slice_min_rows:
            note = f"{project.metrics.slice_min_rows:,} rows are asked"
            found.append(Comparison(primary, name, part.truth.size, None, note=note))
        else:
            found.append(_interval(project, primary, name, part, gates.slices, seed))
    return tuple(found)


def _interval(
    project: Project, metric: str, where: str, scored: Scored, gate: Gate, seed: int
) -> Comparison:
    if scored.champion is None:
        return _points(metric, where, scored)
    interval = paired(
        metric,
        scored.truth,
        scored.challenger,
        scored.champion,
        blocks_of(project, scored.rows),
        confidence=gate.confidence,
        resamples=project.gates.resamples,
        seed=seed,
    )
    return Comparison(
        metric,
        where,
        scored.truth.size,
        interval.challenger,
        interval.champion,
        interval.difference,
        interval.low,
        interval.high,
        gate.confidence,
        interval.note,
    )


def _points(metric: str, where: str, scored: Scored) -> Comparison:
    rows = scored.truth.size
    ours = measure(metric, scored.truth, scored.challenger)
    if scored.champion is None:
        undefined = "; the metric is undefined on these rows" if ours is None else ""
        return Comparison(metric, where, rows, ours, note=scored.note + undefined)
    theirs = measure(metric, scored.truth, scored.champion)
    if ours is None or theirs is None:
        note = "the metric is undefined on these rows"
        return Comparison(metric, where, rows, ours, theirs, note=note)
    return Comparison(metric, where, rows, ours, theirs, oriented(metric, ours, theirs))


def blocks_of(project: Project, rows: pl.DataFrame) -> NDArray[np.int64]:
    """Blocks of dependent rows, a label per row, for the bootstrap.

    With a split by time: the day of the prediction time, a quarter of it when there are fewer
    than 40 days, or the hour. With groups: the group. At random: each row alone.
    """
    if project.split.by == "time":
        times = rows[project.events.time].dt.timestamp("us").to_numpy()
        for length in BLOCKS_US:
            blocks = np.asarray(times // length, dtype=np.int64)
            if np.unique(blocks).size >= MIN_BLOCKS:
                break
        return blocks
    if project.split.group is not None:
        _, codes = np.unique(
            rows[project.split.group].cast(str).fill_null("").to_numpy(), return_inverse=True
        )
        return codes.astype(np.int64)
    return np.arange(rows.height)


def _slices(project: Project, rows: pl.DataFrame) -> list[tuple[str, NDArray[np.bool_]]]:
    """Name and rows of each slice: every value of each slice feature, null among them."""
    found = []
    for column in project.metrics.slices:
        if column not in rows.columns:
            raise ColumnError(
                f"there is no feature '{column}' to slice by",
                subject="homeostat.yaml: metrics.slices",
                next_step=f"name some of {', '.join(project.features.names)}",
            )
        values = rows[column].cast(str)
        counted = values.value_counts(sort=False, name="rows")
        frequent = counted.sort("rows", column, descending=[True, False]).head(MAX_SLICES)
        for value in frequent[column].sort().to_list():
            mask = values.is_null() if value is None else (values == value).fill_null(value=False)
            shown = "null" if value is None else value
            found.append((f"slice:{column}={shown}", mask.to_numpy()))
    return found
