"""Every signal: a named number about one model, with its time, window and number of rows.

docs/signals.md describes each. A signal without data has value None and is never left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from homeostat.domain.evidence import Signal
from homeostat.domain.recorded import Recorded, SourceRecord
from homeostat.domain.run import RunStatus
from homeostat.features.own_metrics import NONE, OwnMetrics, named
from homeostat.features.references import References
from homeostat.features.segments import segment_rows
from homeostat.monitoring.drift import Looked, features_of
from homeostat.monitoring.estimates import known
from homeostat.monitoring.labelled import TRUTH, labels_known
from homeostat.monitoring.log_rows import rows_of
from homeostat.monitoring.prediction_log import PredictionLog
from homeostat.ports.blobs import Blobs
from homeostat.spec.foretold import FORETOLD
from homeostat.spec.project import Project
from homeostat.stats.compare.metric_interval import metric_interval
from homeostat.stats.metrics import measure
from homeostat.stats.profile import Profile
from homeostat.stats.result import Result

if TYPE_CHECKING:
    import polars as pl

HOUR_US = 3_600_000_000
BLOCK_US = 24 * HOUR_US
"""Rows of one day go together, or of one hour when there are fewer than 10 days."""
MIN_BLOCKS = 10
DRIFTED = 0.2
"""PSI above which a feature counts as drifted (the customary "moderate" mark, Siddiqi 2006)."""


def data_signals(project: Project, recorded: Recorded, now: datetime) -> dict[str, Signal]:
    """``data_age_h.<source>`` and ``quarantined.<source>``."""
    found = {}
    for name in project.sources:
        record = recorded.sources.get(name, SourceRecord())
        newest = max((d.window.until for d in record.accepted), default=None)
        age_h = (now - newest) / timedelta(hours=1) if newest else None
        rows = sum(delivery.rows for delivery in record.accepted)
        found[f"data_age_h.{name}"] = Signal(f"data_age_h.{name}", age_h, now, 0.0, rows)
        bad = len(record.quarantined)
        found[f"quarantined.{name}"] = Signal(f"quarantined.{name}", float(bad), now, 0.0, bad)
    return found


def training_signals(project: Project, recorded: Recorded, now: datetime) -> dict[str, Signal]:
    """``new_labels``, ``champion_age_d`` and ``<primary>_at_promotion``."""
    last = max(
        (r.request.as_of for r in recorded.runs.values() if r.status is RunStatus.FINISHED),
        default=None,
    )
    record = recorded.sources.get(project.labels.source, SourceRecord())
    new = sum(d.rows for d in record.accepted if last is None or d.window.since >= last)
    champion, age_d, quality = recorded.champion, None, None
    if champion is not None:
        age_d = (now - champion.candidate.trained_until) / timedelta(days=1)
        quality = champion.candidate.metrics.get(project.metrics.primary)
    promoted = f"{project.metrics.primary}_at_promotion"
    return {
        "new_labels": Signal("new_labels", float(new), now, 0.0, new),
        "champion_age_d": Signal("champion_age_d", age_d, now, 0.0, 0),
        promoted: Signal(promoted, quality, now, 0.0, 0),
    }


def quality_signals(
    project: Project,
    blobs: Blobs,
    log: PredictionLog,
    recorded: Recorded,
    now: datetime,
    own: OwnMetrics = NONE,
) -> dict[str, Signal]:
    """Each declared metric, the primary one's interval, segments, and counts, over the window."""
    window = project.monitors.window
    window_s, since = window.total_seconds(), now - window
    champion = recorded.champion
    primary = project.metrics.primary
    names = (*project.metrics.names, f"{primary}_low", f"{primary}_high",
             *(f"segment.{name}" for name in project.metrics.segments))  # fmt: skip
    if champion is None:
        absent = (*names, "labels", "predictions")
        return {name: Signal(name, None, now, window_s, 0) for name in absent}
    inputs = ("inputs",) if project.metrics.segments else ()
    rows = log.read(since, now, ("event", "at", "version", "prediction", *inputs))
    mine = rows_of(rows, champion.number)
    joined = mine.join(labels_known(project, blobs, recorded, since, now), on="event")
    found = _measured(project, joined, now, own)
    counts = {"labels": joined.height, "predictions": mine.height}
    return found | {
        name: Signal(name, float(number), now, window_s, number) for name, number in counts.items()
    }


def _measured(
    project: Project, joined: pl.DataFrame, now: datetime, own: OwnMetrics
) -> dict[str, Signal]:
    """Each metric on labelled rows, and the primary one on each segment of them."""
    least, window_s = project.monitors.min_rows, project.monitors.window.total_seconds()
    truth, predicted = joined[TRUTH].to_numpy(), joined["prediction"].to_numpy()
    parts = [(name, name, np.ones(truth.size, dtype=bool)) for name in project.metrics.names]
    for name, text in project.metrics.segments.items():
        mask = np.zeros(0, dtype=bool)
        if joined.height:
            mask = segment_rows(joined["inputs"].struct.unnest(), name, text)
        parts.append((f"segment.{name}", project.metrics.primary, mask))
    found = {}
    for name, metric, mask in parts:
        rows = int(mask.sum())
        value = None
        if rows >= least:
            value = measure(named(metric, own), truth[mask], predicted[mask])
        found[name] = Signal(name, value, now, window_s, rows)
    return found | _ends(project, joined, now, own)


def _ends(
    project: Project, joined: pl.DataFrame, now: datetime, own: OwnMetrics
) -> dict[str, Signal]:
    """``<primary>_low`` and ``<primary>_high``: the 95 % interval of the primary metric."""
    primary, window_s = project.metrics.primary, project.monitors.window.total_seconds()
    ends: tuple[float | None, float | None] = (None, None)
    if joined.height >= project.monitors.min_rows:
        blocks = joined["at"].to_physical().to_numpy() // BLOCK_US
        truth, predicted = joined[TRUTH].to_numpy(), joined["prediction"].to_numpy()
        if np.unique(blocks).size < MIN_BLOCKS:
            blocks = joined["at"].to_physical().to_numpy() // HOUR_US
        result = metric_interval(named(primary, own), truth, predicted, blocks)
        ends = result.low, result.high
    names = f"{primary}_low", f"{primary}_high"
    return {
        name: Signal(name, value, now, window_s, joined.height)
        for name, value in zip(names, ends, strict=True)
    }


def window_signals(
    names: Sequence[str],
    references: References | None,
    seen: Profile | None,
    now: datetime,
    window: timedelta,
    min_rows: int,
) -> dict[str, Signal]:
    """``psi.<feature>``, ``null_share.<feature>``, ``psi_max``, ``drifted_share``."""
    rows = seen.rows if seen is not None else 0
    psi: dict[str, float | None] = dict.fromkeys(names)
    nulls: dict[str, float | None] = dict.fromkeys(names)
    if references is not None and seen is not None and rows >= max(min_rows, 1):
        inputs = features_of(seen)
        psi |= inputs.psi(references.features.profile)
        nulls |= inputs.null_shares()
    known = [value for value in psi.values() if value is not None]
    values: dict[str, float | None] = {f"psi.{name}": value for name, value in psi.items()}
    values |= {f"null_share.{name}": value for name, value in nulls.items()}
    values["psi_max"] = max(known, default=None)
    values["drifted_share"] = sum(v > DRIFTED for v in known) / len(known) if known else None
    seconds = window.total_seconds()
    return {name: Signal(name, value, now, seconds, rows) for name, value in values.items()}


def drift_signals(
    names: Sequence[str], looked: Looked | None, now: datetime, window: timedelta
) -> dict[str, Signal]:
    """``drifted``, ``drifted_weight``, ``drift_p.<feature>``, ``prediction_drift_p``, and more.

    Of the last look, ``outside_share`` too; p values are adjusted for the number of features.
    """
    values: dict[str, float | None] = {f"drift_p.{name}": None for name in names}
    values |= {"drifted": None, "drifted_weight": None, "prediction_drift_p": None}
    values["outside_share"] = None
    rows, at = 0, now
    if looked is not None:
        rows, at = looked.features.rows, looked.until
        values |= {f"drift_p.{one.name}": one.adjusted for one in looked.features.features}
        if looked.features.known:
            values["drifted"] = float(len(looked.features.drifted))
            values["drifted_weight"] = looked.features.weight
        if looked.outside is not None:
            values["outside_share"] = looked.outside.share
        if looked.prediction is not None:
            values["prediction_drift_p"] = looked.prediction.features[0].adjusted
    seconds = window.total_seconds()
    return {name: Signal(name, value, at, seconds, rows) for name, value in values.items()}


def estimate_signals(
    task: str,
    names: Sequence[str],
    found: Mapping[str, Result],
    until: datetime,
    window: timedelta,
) -> dict[str, Signal]:
    """``estimated.<metric>`` for each metric that can be foretold, of the last look's window."""
    signals = {}
    for name in names:
        if name in FORETOLD[task]:
            result = found.get(name)
            value = result.estimate if result is not None and known(result) else None
            rows = result.rows if result is not None else 0
            signal = f"estimated.{name}"
            signals[signal] = Signal(signal, value, until, window.total_seconds(), rows)
    return signals
