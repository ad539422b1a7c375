"""The report of one window of a model's life: drift, quality, estimates, changes, and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from homeostat.domain.monitor import FeatureReport, JudgedReport, LostPoints, MonitorReport
from homeostat.domain.recorded import Recorded
from homeostat.domain.verdict import Verdict
from homeostat.domain.version import Version
from homeostat.errors import OrderError
from homeostat.features.own_metrics import OwnMetrics
from homeostat.monitoring.change import DETECTORS, detected, losses_of
from homeostat.monitoring.drift import Looked, judge, last_look
from homeostat.monitoring.estimates import ReadLoss, foretold
from homeostat.monitoring.feature_report import features_reported, prediction_reported
from homeostat.monitoring.how_moved import how_moved
from homeostat.monitoring.labelled import labels_known
from homeostat.monitoring.multivariate import domain_classifier, reconstruction
from homeostat.monitoring.prediction_log import PredictionLog
from homeostat.monitoring.quality_report import (
    Labelled,
    days_reported,
    metrics_reported,
    segments_reported,
)
from homeostat.monitoring.report_summary import OUTSIDE, summed_up
from homeostat.monitoring.training_rows import TrainingRows, training_rows
from homeostat.monitoring.window_profile import WindowProfiles
from homeostat.ports.blobs import Blobs
from homeostat.spec.base import format_duration
from homeostat.spec.monitors import Monitors
from homeostat.spec.project import Project
from homeostat.stats.estimate.trust import MAX_OUTSIDE
from homeostat.stats.health import Health
from homeostat.stats.result import Result

if TYPE_CHECKING:
    import polars as pl

LOOKS = 30
"""Looks of the trend, the report's own among them."""
Tell = Callable[[str, float], None]
"""Is told what is being done, and the share of it that is done."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where a report takes its numbers from."""

    project: Project
    blobs: Blobs
    log: PredictionLog
    recorded: Recorded
    own: OwnMetrics
    read_loss: Callable[[Blobs, Version], ReadLoss] | None = None


def report_of(
    sources: Sources,
    since: datetime,
    until: datetime,
    now: datetime,
    tell: Tell,
    health: Health | None = None,
) -> MonitorReport:
    """The report of [since, until), of the version that was champion at its end.

    ``health`` is the model's at that time, where it is known. OrderError when there was none,
    or when it has no reference.
    """
    version = _champion(sources.recorded, until)
    profiles = WindowProfiles(sources.blobs, sources.log, sources.project.serving.log.personal)
    monitors = sources.project.monitors
    looked, looks, trend = _drift(sources, profiles, version, (since, until), tell)
    tell("quality", 0.0)
    seen = _seen(sources, version, since, until, now)

    def foretell(begin: datetime, end: datetime, names: tuple[str, ...]) -> dict[str, Result]:
        return _foretold(sources, names, profiles, version, seen.rows, begin, end)

    everything = foretell(since, until, sources.project.metrics.names)
    metrics = metrics_reported(sources.project, sources.own, version, seen, everything)
    days = days_reported(sources.project, sources.own, seen, foretell)
    tell("all features at once", 0.0)
    before = training_rows(sources.project, sources.blobs, version)
    together = _together(sources, version, seen, looked, before)
    tests = (_outside(looked), *together, *_changes(sources, version, until))
    verdict, summary = summed_up(looked, tests)
    features = _explained(features_reported(looked, trend), before, seen)
    return MonitorReport(
        model=sources.project.model,
        version=version.number,
        since=since,
        until=until,
        made_at=now,
        rows=seen.rows.height,
        labelled=seen.labelled.height,
        verdict=verdict,
        summary=summary,
        health=health.score if health is not None else None,
        lost=_lost(health),
        distance=monitors.drift.distance,
        reference=monitors.drift.reference,
        budget=_budget(monitors),
        features=features,
        prediction=prediction_reported(looked, trend),
        looks=tuple(looks),
        metrics=metrics,
        days=days,
        segments=segments_reported(sources.project, sources.own, seen),
        tests=tests,
    )


def _drift(
    sources: Sources,
    profiles: WindowProfiles,
    version: Version,
    window: tuple[datetime, datetime],
    tell: Tell,
) -> tuple[Looked, list[datetime], list[Looked]]:
    """The window judged, the ends of the looks before it, and each of them judged."""
    monitors, (since, until) = sources.project.monitors, window
    tell("drift", 0.0)
    looked = judge(profiles, version, monitors, since, until)
    looks = _looks(sources, version, since, until)
    trend = []
    for place, end in enumerate(looks):
        tell("drift", place / len(looks))
        trend.append(judge(profiles, version, monitors, end - (until - since), end))
    return looked, looks, trend


def _champion(recorded: Recorded, until: datetime) -> Version:
    tenure = recorded.champion_at(until) or next(
        (one for one in reversed(recorded.tenures) if one.since < until), None
    )
    if tenure is None:
        raise OrderError(
            "no version served in that time",
            subject="--window",
            next_step="`homeostat versions` shows since when one does",
        )
    version = recorded.version(tenure.version)
    if version.candidate.profile_digest is None:
        raise OrderError(
            f"version {version.number} has no reference to compare with",
            subject=f"v{version.number}",
            next_step="train again: `homeostat run`",
        )
    return version


def _looks(sources: Sources, version: Version, since: datetime, until: datetime) -> list[datetime]:
    """Ends of the trend's windows: one each ``look_every``, the report's own the last."""
    every = sources.project.monitors.drift.look_every
    served = [one.since for one in sources.recorded.tenures if one.version == version.number]
    first = min(served) + (until - since)
    aligned = last_look(until, every)
    ends = [until] if aligned == until else [until, aligned]
    while len(ends) < LOOKS and ends[-1] - every >= first:
        ends.append(ends[-1] - every)
    return ends[::-1]


def _seen(
    sources: Sources, version: Version, since: datetime, until: datetime, now: datetime
) -> Labelled:
    rows = sources.log.read(since, until, ("event", "at", "version", "prediction", "inputs"))
    mine = rows.filter(rows["version"] == version.number)
    mine = mine.unique("event", keep="last", maintain_order=True).drop_nulls("prediction")
    labels = labels_known(sources.project, sources.blobs, sources.recorded, since, now)
    return Labelled(mine.join(labels, on="event").sort("at", "event"), mine, since, until)


def _foretold(
    sources: Sources,
    names: tuple[str, ...],
    profiles: WindowProfiles,
    version: Version,
    rows: pl.DataFrame,
    since: datetime,
    until: datetime,
) -> dict[str, Result]:
    references = profiles.references(version.candidate.profile_digest or "")
    read = sources.read_loss
    return foretold(
        sources.project.task,
        names,
        references,
        rows.filter((rows["at"] >= since) & (rows["at"] < until)),
        profiles.window(version, since, until),
        read(sources.blobs, version) if read is not None and references.loss_model else None,
        version.number,
    )


def _together(
    sources: Sources,
    version: Version,
    seen: Labelled,
    looked: Looked,
    before: TrainingRows | None,
) -> tuple[JudgedReport, ...]:
    """Tests of all features at once, of the window's inputs against the training rows."""
    if not seen.rows.height or before is None:
        return ()
    inputs = seen.rows["inputs"].struct.unnest()
    hidden = sources.project.serving.log.personal
    kept = set(inputs.columns) & set(before.rows.columns) - set(hidden)
    names = [name for name in sources.project.features.names if name in kept]
    categorical = tuple(n for n in sources.project.features.categorical if n in names)
    rows, seen_rows = before.rows.select(names), inputs.select(names)
    numbers = tuple(n for n in names if n not in categorical and rows[n].dtype.is_numeric())
    window_s = (looked.until - looked.since).total_seconds()
    stretch = ((before.at_s - before.at_s.max()) // window_s).astype(np.int64)
    return (
        domain_classifier(rows, stretch, seen_rows, categorical, version.number),
        reconstruction(rows, before.at_s, seen_rows, numbers),
    )


def _explained(
    features: Sequence[FeatureReport], before: TrainingRows | None, seen: Labelled
) -> tuple[FeatureReport, ...]:
    """Features that drifted say in what way they moved."""
    if before is None or not seen.rows.height:
        return tuple(features)
    inputs = seen.rows["inputs"].struct.unnest()
    return tuple(
        replace(one, reason=how_moved(before.rows[one.name], inputs[one.name]))
        if one.verdict is Verdict.FAIL
        and one.name in before.rows.columns
        and one.name in inputs.columns
        else one
        for one in features
    )


def _outside(looked: Looked) -> JudgedReport:
    """The largest share of rows that one feature puts outside of the training rows."""
    name, most = OUTSIDE, looked.outside
    if most is None:
        return JudgedReport(name, Verdict.INCONCLUSIVE, None, None, None, "no rows")
    verdict = Verdict.FAIL if most.share > MAX_OUTSIDE else Verdict.PASS
    reason = f"{most.share:.1%} of rows by {most.name}, at most {MAX_OUTSIDE:.0%} is usual"
    return JudgedReport(name, verdict, most.share, None, MAX_OUTSIDE, reason)


def _changes(sources: Sources, version: Version, until: datetime) -> tuple[JudgedReport, ...]:
    """What each detector of change says of the version's losses since its promotion."""
    tenure = next(t for t in reversed(sources.recorded.tenures) if t.version == version.number)
    losses = losses_of(
        sources.project, sources.blobs, sources.log, sources.recorded, version.number,
        tenure.since, until,
    )  # fmt: skip
    found = []
    for name in DETECTORS:
        if losses.size < sources.project.monitors.min_rows:
            reason = f"{losses.size:,} labelled rows since the promotion"
            found.append(JudgedReport(name, Verdict.INCONCLUSIVE, None, None, None, reason))
            continue
        result = detected(name, losses, sources.project.task)
        found.append(JudgedReport(name, result.verdict, result.estimate, None, None, result.reason))
    return tuple(found)


def _lost(health: Health | None) -> tuple[LostPoints, ...]:
    losses = health.losses if health is not None else ()
    return tuple(LostPoints(one.name, one.part, one.points, one.reason) for one in losses)


def _budget(monitors: Monitors) -> str:
    return (
        f"one false alarm in {format_duration(monitors.drift.false_alarm_every)} over all "
        f"features, a look every {format_duration(monitors.drift.look_every)}"
    )
