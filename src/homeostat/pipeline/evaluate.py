"""Step *evaluate*: candidate and champion on the same rows, overall, by slice, on the holdout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from homeostat.domain.evidence import Comparison
from homeostat.spec.decisions import Gate
from homeostat.spec.project import Project
from homeostat.stats.metrics import measure
from homeostat.stats.paired_bootstrap import paired_bootstrap

if TYPE_CHECKING:
    import polars as pl

    from homeostat.stats.metrics import Array

HOUR_US = 3_600_000_000
MAX_SLICES = 50
"""Values of one slice feature that are measured, the most frequent first."""


@dataclass(frozen=True, slots=True)
class Scored:
    """Rows with their truth and both models' predictions, each of shape (rows,).

    ``champion`` is None before the first version.
    """

    rows: pl.DataFrame
    truth: Array
    challenger: Array
    champion: Array | None

    def where(self, mask: NDArray[np.bool_]) -> Scored:
        """The rows in ``mask``."""
        import polars as pl

        champion = None if self.champion is None else self.champion[mask]
        kept = self.rows.filter(pl.Series(mask))
        return Scored(kept, self.truth[mask], self.challenger[mask], champion)


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
    given as points. Holdout rows may lie in a span on whose *other* rows one of the models was
    trained: neither has trained on the holdout rows themselves, and for a gate about the long
    term it is right that both have seen their own past.
    """
    primary = project.metrics.primary
    found = []
    for where, scored, gate in (
        ("evaluation", evaluation, project.gates.evaluation),
        ("holdout", holdout, project.gates.holdout),
    ):
        found.append(_interval(project, primary, where, scored, gate, seed))
        found += [_points(name, where, scored) for name in project.metrics.names[1:]]
    for name, mask in _slices(project, evaluation.rows):
        part = evaluation.where(mask)
        found.append(_interval(project, primary, f"slice:{name}", part, project.gates.slices, seed))
    return tuple(found)


def _interval(
    project: Project, metric: str, where: str, scored: Scored, gate: Gate, seed: int
) -> Comparison:
    if scored.champion is None:
        return _points(metric, where, scored)
    interval = paired_bootstrap(
        metric,
        scored.truth,
        scored.challenger,
        scored.champion,
        _blocks(project, scored.rows),
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
    from homeostat.stats.metrics import oriented

    ours = measure(metric, scored.truth, scored.challenger)
    if scored.champion is None:
        return Comparison(metric, where, scored.truth.size, ours, note="there is no champion yet")
    theirs = measure(metric, scored.truth, scored.champion)
    if ours is None or theirs is None:
        return Comparison(metric, where, scored.truth.size, ours, theirs, note="undefined here")
    difference = oriented(metric, ours, theirs)
    return Comparison(metric, where, scored.truth.size, ours, theirs, difference)


def _blocks(project: Project, rows: pl.DataFrame) -> NDArray[np.int64]:
    """Blocks of dependent rows: the hour of the prediction time, or the row with random splits."""
    if project.split.by != "time":
        return np.arange(rows.height)
    times = rows[project.events.time].dt.timestamp("us").to_numpy()
    return np.asarray(times // HOUR_US, dtype=np.int64)


def _slices(project: Project, rows: pl.DataFrame) -> list[tuple[str, NDArray[np.bool_]]]:
    found = []
    for column in project.metrics.slices:
        counted = rows[column].cast(str).drop_nulls().value_counts(sort=True)
        for value, count in counted.head(MAX_SLICES).sort(column).iter_rows():
            if count >= project.metrics.slice_min_rows:
                mask = (rows[column].cast(str) == value).fill_null(False).to_numpy()
                found.append((f"{column}={value}", mask))
    return found
