"""Step *evaluate*: candidate and champion on the same rows, overall, by slice, on the holdout.

Why neither model has trained on what it is judged by. Holdout ids never train, in any run. With
a split by time the champion's training ended before its own evaluation span, which began no
later than this one. With random or group splits the side of a row goes by its hash, the same in
every run. Holdout rows may lie in a span on whose *other* rows a model was trained; that is
so for both, each in its own past, and a gate about the long term is to ask just that: a model
that forgot a season loses on its rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from homeostat.domain.evidence import Comparison
from homeostat.features.own_metrics import NONE, OwnMetrics, named
from homeostat.pipeline.slices import declared_slices, found_slices, segments
from homeostat.spec.gates import Gate
from homeostat.spec.project import Project
from homeostat.stats.compare.paired import paired
from homeostat.stats.metrics import Array, Metric, measure, oriented, row_loss

if TYPE_CHECKING:
    import polars as pl

HOUR_US = 3_600_000_000
BLOCKS_US = (24 * HOUR_US, 6 * HOUR_US, HOUR_US)
"""Lengths of time that a block of dependent rows may have, the longest first."""
MIN_BLOCKS = 40
"""The longest blocks of which there are so many are taken; fewer make too narrow an interval."""


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


def metrics_of(
    project: Project, evaluation: Scored, holdout: Scored, own: OwnMetrics = NONE
) -> dict[str, float]:
    """Every declared metric on the evaluation rows, and on the holdout as ``holdout.<name>``.

    A metric that is undefined on the rows is left out: a gate that asks for it then fails.
    """
    found = {}
    for prefix, scored in (("", evaluation), ("holdout.", holdout)):
        for name in project.metrics.names:
            value = measure(named(name, own), scored.truth, scored.challenger)
            if value is not None:
                found[prefix + name] = value
    return found


def compare(
    project: Project, evaluation: Scored, holdout: Scored, seed: int, own: OwnMetrics = NONE
) -> tuple[Comparison, ...]:
    """Comparisons on the evaluation rows, on the holdout, and on each part of the rows.

    The primary metric and those with a gate have intervals; the others are given as points.
    Raises ColumnError for a slice that is no feature or a segment that is no condition.
    """
    primary, gates = named(project.metrics.primary, own), project.gates
    found = []
    for where, scored, gate in (
        ("evaluation", evaluation, gates.evaluation),
        ("holdout", holdout, gates.holdout),
    ):
        found.append(_interval(project, primary, where, scored, gate, seed))
        for name in dict.fromkeys((*project.metrics.names[1:], *gates.metrics)):
            metric, asked = named(name, own), gates.metrics.get(name)
            if asked is not None and where == "evaluation":
                found.append(_interval(project, metric, where, scored, asked, seed))
            else:
                found.append(_points(metric, where, scored))
    for name, mask in _parts(project, evaluation, seed):
        part = evaluation.where(mask)
        if part.truth.size < project.metrics.slice_min_rows:
            note = f"{project.metrics.slice_min_rows:,} rows are asked"
            found.append(Comparison(_name(primary), name, part.truth.size, None, note=note))
        else:
            found.append(_interval(project, primary, name, part, gates.slices, seed))
    return tuple(found)


def _parts(
    project: Project, evaluation: Scored, seed: int
) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    yield from declared_slices(project, evaluation.rows)
    yield from segments(project, evaluation.rows)
    asked = project.gates.discover
    if asked is not None and evaluation.champion is not None:
        ours = row_loss(project.task, evaluation.truth, evaluation.challenger)
        theirs = row_loss(project.task, evaluation.truth, evaluation.champion)
        blocks = blocks_of(project, evaluation.rows)
        yield from found_slices(project, evaluation.rows, ours - theirs, blocks, asked, seed)


def _interval(
    project: Project, metric: str | Metric, where: str, scored: Scored, gate: Gate, seed: int
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
        _name(metric),
        where,
        scored.truth.size,
        interval.challenger,
        interval.champion,
        interval.difference,
        interval.low,
        interval.high,
        gate.confidence,
        interval.note,
        interval.error,
        interval.blocks,
        interval.method,
    )


def _points(metric: str | Metric, where: str, scored: Scored) -> Comparison:
    rows, name = scored.truth.size, _name(metric)
    ours = measure(metric, scored.truth, scored.challenger)
    if scored.champion is None:
        undefined = "; the metric is undefined on these rows" if ours is None else ""
        return Comparison(name, where, rows, ours, note=scored.note + undefined)
    theirs = measure(metric, scored.truth, scored.champion)
    if ours is None or theirs is None:
        note = "the metric is undefined on these rows"
        return Comparison(name, where, rows, ours, theirs, note=note)
    return Comparison(name, where, rows, ours, theirs, oriented(metric, ours, theirs))


def _name(metric: str | Metric) -> str:
    return metric if isinstance(metric, str) else metric.name


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
