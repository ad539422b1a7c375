"""Two versions on the same labelled rows of live traffic."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from homeostat.domain.evidence import Comparison
from homeostat.domain.recorded import Recorded
from homeostat.monitoring.labelled import TRUTH, labels_known
from homeostat.monitoring.live_guards import compared_answers, compared_latency, compared_mistakes
from homeostat.monitoring.prediction_log import PredictionLog
from homeostat.ports.blobs import Blobs
from homeostat.spec.base import format_duration
from homeostat.spec.project import Project
from homeostat.stats.metrics import row_loss
from homeostat.stats.sequential.anytime_mean import MIN_BLOCKS, anytime_mean

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class Pair:
    """``challenger`` is the newer version; rows count when predicted at ``since`` or later.

    Of these, the rows predicted at ``fresh_since`` or later are fresh: of the present phase.
    """

    challenger: int
    champion: int
    since: datetime
    fresh_since: datetime


def compare_live(
    project: Project,
    blobs: Blobs,
    log: PredictionLog,
    recorded: Recorded,
    pair: Pair,
    now: datetime,
) -> tuple[Comparison, ...]:
    """Mean loss per row of both versions on the events that both have scored.

    One answered, the other scored in shadow; in a canary the gateway scores each row with both.
    The difference is positive when the challenger is better; its interval holds at every look
    (:mod:`homeostat.stats.sequential.anytime_mean`), rows of one block together. Loss is log loss
    (nats) for ``binary``, squared error for ``regression``. All rows since the pair began count,
    so that looks in later phases go on with the same sequence.
    """
    guards, confidence = project.rollout.guards, project.rollout.confidence
    beyond = guards.slower_ms is not None or guards.mistakes is not None
    timed = ("arm", "latency_ms") if beyond else ()
    rows = log.read(pair.since, now, ("event", "at", "version", "prediction", *timed))
    sides = [
        rows.filter(rows["version"] == version)
        .unique("event", keep="last", maintain_order=True)
        .drop("version", *timed)
        for version in (pair.challenger, pair.champion)
    ]
    both = sides[0].join(sides[1].select("event", champion="prediction"), on="event")
    labels = labels_known(project, blobs, recorded, pair.since, now)
    joined = both.join(labels, on="event").sort("at", "event")
    return (
        _losses(project, joined, pair),
        *compared_answers(both, guards, confidence),
        *compared_mistakes(rows, labels, (pair.challenger, pair.champion), guards, confidence),
        *compared_latency(rows, pair.challenger, pair.champion, guards, confidence),
    )


def _losses(project: Project, joined: pl.DataFrame, pair: Pair) -> Comparison:
    metric = "log_loss" if project.task == "binary" else "squared_error"
    if not joined.height:
        return Comparison(metric, "live", 0, None, note="no row that both scored has a label")
    truth = joined[TRUTH].to_numpy()
    ours = row_loss(project.task, truth, joined["prediction"].to_numpy())
    theirs = row_loss(project.task, truth, joined["champion"].to_numpy())
    block = project.rollout.block
    length = format_duration(block)
    blocks = joined["at"].to_physical().to_numpy() // (block // timedelta(microseconds=1))
    confidence = project.rollout.confidence
    interval = anytime_mean(theirs - ours, blocks, confidence)
    return Comparison(
        metric,
        "live",
        interval.rows,
        float(ours.mean()),
        float(theirs.mean()),
        interval.mean,
        interval.low,
        interval.high,
        confidence,
        "" if interval.low is not None else _too_little(interval.blocks, length),
        interval.error,
        interval.blocks,
        f"asymptotic confidence sequence over blocks of {length}",
        int((joined["at"] >= pair.fresh_since).sum()),
    )


def _too_little(blocks: int, length: str) -> str:
    if blocks < MIN_BLOCKS:
        return f"labelled rows in only {blocks} blocks of {length}, {MIN_BLOCKS} are asked"
    return f"the two differ in too few blocks of {length} for an interval"
