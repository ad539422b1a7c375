"""What two versions show beside their losses: other answers, mistakes, slower answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from homeostat.domain.evidence import Comparison
from homeostat.monitoring.labelled import TRUTH
from homeostat.spec.decisions import Guards
from homeostat.stats.metrics import Array
from homeostat.stats.result import Result
from homeostat.stats.sequential.agreement import disagreement
from homeostat.stats.sequential.quantile import slower
from homeostat.stats.sequential.two_rates import more_errors

if TYPE_CHECKING:
    import polars as pl

MAX_ROWS = 20_000
"""Of more rows, neighbours are taken together: their mean difference is as bounded as each."""


def compared_answers(both: pl.DataFrame, guards: Guards, confidence: float) -> list[Comparison]:
    """How far the two versions' predictions for the same rows lie apart, in the mean.

    ``both`` has ``at``, ``prediction`` and ``champion``, probabilities from 0 to 1.
    """
    if guards.disagreement is None:
        return []
    ordered = both.sort("at")
    apart = np.abs(ordered["prediction"].to_numpy() - ordered["champion"].to_numpy())
    apart = together(apart[np.isfinite(apart)])
    found = disagreement(
        apart, np.zeros(apart.size), limit=guards.disagreement, error_rate=1 - confidence
    )
    return [_against("mean difference", "guard:disagreement", found, both.height, confidence)]


def compared_mistakes(
    rows: pl.DataFrame,
    labels: pl.DataFrame,
    pair: tuple[int, int],
    guards: Guards,
    confidence: float,
) -> list[Comparison]:
    """How much more often the challenger decides wrongly, each on the rows that it answered.

    ``rows`` have ``event``, ``version``, ``arm`` and ``prediction``; ``labels`` the ``truth``.
    The arms' rows are apart, so their counts are independent, as the test asks; rows of one arm
    are taken to be, too.
    """
    if guards.mistakes is None:
        return []
    answered = rows.filter(rows["arm"] != "shadow").unique("event", keep="last")
    known = answered.join(labels, on="event")
    counts = []
    for number in pair:
        mine = known.filter(known["version"] == number)
        wrong = (mine["prediction"].to_numpy() >= 0.5) != (mine[TRUTH].to_numpy() > 0)
        counts.append((int(wrong.sum()), mine.height))
    found = more_errors(*counts, margin=guards.mistakes, error_rate=1 - confidence)
    return [_against("more mistakes", "guard:mistakes", found, counts[0][1], confidence)]


def compared_latency(
    rows: pl.DataFrame, challenger: int, champion: int, guards: Guards, confidence: float
) -> list[Comparison]:
    """How much slower the challenger answers, at one quantile, in milliseconds.

    ``rows`` have ``version``, ``arm`` and ``latency_ms``; rows scored in shadow do not count.
    """
    if guards.slower_ms is None:
        return []
    answered = rows.filter(rows["arm"] != "shadow")
    ours, theirs = (
        answered.filter(answered["version"] == number)["latency_ms"].to_numpy()
        for number in (challenger, champion)
    )
    found = slower(
        ours, theirs, guards.quantile, margin=guards.slower_ms, error_rate=1 - confidence
    )
    name = f"latency_p{round(guards.quantile * 100)}_ms"
    return [_against(name, "guard:latency", found, int(ours.size), confidence)]


def together(values: Array) -> Array:
    """Means of so many neighbours, a power of 4, that at most ``MAX_ROWS`` are left."""
    size = 1
    while values.size // size > MAX_ROWS:
        size *= 4
    whole = values.size // size * size
    return np.asarray(values[:whole].reshape(-1, size).mean(axis=1)) if whole else values[:0]


def _against(metric: str, where: str, found: Result, rows: int, confidence: float) -> Comparison:
    """A result of which more is worse, as a comparison of which more is better."""
    return Comparison(
        metric,
        where,
        rows,
        found.estimate,
        None,
        _minus(found.estimate),
        _minus(found.high),
        _minus(found.low),
        confidence,
        found.reason,
    )


def _minus(value: float | None) -> float | None:
    return None if value is None else -value
