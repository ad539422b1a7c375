"""Each change of champion judged afterwards: both versions on the same later rows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from homeostat.domain import action as act
from homeostat.domain.backtest import Happening, Review
from homeostat.domain.recorded import Recorded, Tenure
from homeostat.domain.version import Version
from homeostat.monitoring.prediction_log import PredictionLog
from homeostat.pipeline.scorer import Scorer, load_scorer
from homeostat.ports.blobs import Blobs
from homeostat.simulation.chronicle import Chronicle, Deed
from homeostat.stats.compare.paired import PairedInterval, paired

if TYPE_CHECKING:
    import polars as pl

AFTER = timedelta(weeks=4)
"""How long after a change its effect is measured."""
RESAMPLES = 1000
ERROR_RATE = 0.05
"""Of all reviews of one back-test together: each gets an equal share of it (Bonferroni)."""
SEED = 2013
HOUR_US = 3_600_000_000
FEW_DAYS = 10
"""With fewer days than this the blocks are hours."""


def review_changes(
    recorded: Recorded,
    chronicle: Chronicle,
    blobs: Blobs,
    log: PredictionLog,
    truth: pl.DataFrame,
    metric: str,
    until: datetime,
    tell: Callable[[float], None] = lambda _: None,
) -> tuple[Review, ...]:
    """Judge each tenure after the first against the one before it.

    Both versions score every row that was answered in the four weeks after the change, on the
    inputs in the prediction log, so nothing about the rows differs. ``truth`` has the columns
    ``event`` and ``truth``. ``tell`` hears the share done. The intervals hold together at 95 %:
    of ten changes that changed nothing, one would look like a change for the worse in a fifth of
    all back-tests if each had an interval of its own.
    """
    scorers: dict[int, Scorer] = {}
    changes = {deed.outcome_entry: deed for deed in chronicle.of(act.Promote, act.Rollback)}

    def scorer(version: Version) -> Scorer:
        if version.number not in scorers:
            package = blobs.get_tree(version.candidate.package_digest)
            scorers[version.number] = load_scorer(package, trusted_digest=version.digest)
        return scorers[version.number]

    found = []
    pairs = list(pairwise(recorded.tenures))
    for place, (before, after) in enumerate(pairs):
        tell(place / len(pairs))
        end = min(after.since + AFTER, until)
        rows = answered_rows(log, after.since, end).join(truth, on="event")
        new, old = (scorer(recorded.version(t.version)) for t in (after, before))
        judged = _judge(rows, new, old, metric, 1 - ERROR_RATE / len(pairs))
        found.append(_review(judged, changes[after.entry], (before, after), metric, end))
    return tuple(found)


def answered_rows(log: PredictionLog, since: datetime, until: datetime) -> pl.DataFrame:
    """What was answered: ``event``, ``at`` and the inputs as columns."""
    import polars as pl

    rows = log.read(since, until, ("event", "at", "arm", "inputs"))
    if not rows.height:
        return rows.select("event", "at")
    return (
        rows.filter(pl.col("arm") != "shadow")
        .unique("event", keep="last", maintain_order=True)
        .drop("arm")
        .unnest("inputs")
    )


def _judge(
    rows: pl.DataFrame, new: Scorer, old: Scorer, metric: str, confidence: float
) -> tuple[PairedInterval, int, str]:
    """The interval, the number of rows, and what its blocks are."""
    if not rows.height:
        nothing = PairedInterval(None, None, note="no labelled rows came after it")
        return nothing, 0, "day"
    blocks, name = blocks_of(rows["at"].dt.timestamp("us").to_numpy())
    interval = paired(
        metric,
        rows["truth"].cast(float).to_numpy(),
        new.score(rows),
        old.score(rows),
        blocks,
        confidence=confidence,
        resamples=RESAMPLES,
        seed=SEED,
    )
    return interval, rows.height, name


def _review(
    judged: tuple[PairedInterval, int, str],
    deed: Deed,
    tenures: tuple[Tenure, Tenure],
    metric: str,
    until: datetime,
) -> Review:
    before, after = tenures
    interval, rows, blocks = judged
    back = isinstance(deed.action, act.Rollback)
    return Review(
        at=after.since,
        entry=deed.entry.seq,
        kind=Happening.ROLLBACK if back else Happening.PROMOTION,
        version=after.version,
        replaced=before.version,
        until=until,
        metric=metric,
        rows=rows,
        new=interval.challenger,
        old=interval.champion,
        difference=interval.difference,
        low=interval.low,
        high=interval.high,
        blocks=blocks,
        note=interval.note,
    )


def blocks_of(at_us: NDArray[np.int64]) -> tuple[NDArray[np.int64], str]:
    """A block label per row: its day, or its hour when there are few days; and which it is."""
    days = at_us // (24 * HOUR_US)
    if np.unique(days).size >= FEW_DAYS:
        return days, "day"
    return at_us // HOUR_US, "hour"
