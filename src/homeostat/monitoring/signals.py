"""Every signal: a named number about one model, with its time, window and number of rows.

docs/signals.md describes each. A signal without data has value None and is never left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from homeostat.domain.evidence import Signal
from homeostat.domain.recorded import Recorded, SourceRecord
from homeostat.domain.run import RunStatus
from homeostat.monitoring.labelled import TRUTH, labels_known
from homeostat.monitoring.prediction_log import PredictionLog
from homeostat.ports.blobs import Blobs
from homeostat.spec.project import Project
from homeostat.stats.metrics import measure
from homeostat.stats.profile import Profile

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
    project: Project, blobs: Blobs, log: PredictionLog, recorded: Recorded, now: datetime
) -> dict[str, Signal]:
    """Each declared metric, ``labels`` and ``predictions``, of the champion over the window."""
    window = project.monitors.window
    window_s, since = window.total_seconds(), now - window
    champion = recorded.champion
    names = project.metrics.names
    if champion is None:
        nothing = {name: Signal(name, None, now, window_s, 0) for name in names}
        return nothing | {
            "labels": Signal("labels", None, now, window_s, 0),
            "predictions": Signal("predictions", None, now, window_s, 0),
        }
    rows = log.read(since, now, ("event", "at", "version", "prediction"))
    mine = rows.filter(rows["version"] == champion.number)
    mine = mine.unique("event", keep="last", maintain_order=True)
    joined = mine.join(labels_known(project, blobs, recorded, since, now), on="event")
    enough = joined.height >= project.monitors.min_rows
    truth, predicted = joined[TRUTH].to_numpy(), joined["prediction"].to_numpy()
    found = {
        name: Signal(
            name, measure(name, truth, predicted) if enough else None, now, window_s, joined.height
        )
        for name in names
    }
    counts = {"labels": joined.height, "predictions": mine.height}
    return found | {
        name: Signal(name, float(number), now, window_s, number) for name, number in counts.items()
    }


def drift_signals(
    names: Sequence[str],
    reference: Profile | None,
    seen: Profile | None,
    now: datetime,
    window: timedelta,
    min_rows: int,
) -> dict[str, Signal]:
    """``psi.<feature>``, ``null_share.<feature>``, ``psi_max``, ``drifted_share``."""
    rows = seen.rows if seen is not None else 0
    psi: dict[str, float | None] = dict.fromkeys(names)
    nulls: dict[str, float | None] = dict.fromkeys(names)
    if reference is not None and seen is not None and rows >= max(min_rows, 1):
        psi |= seen.psi(reference)
        nulls |= seen.null_shares()
    known = [value for value in psi.values() if value is not None]
    values: dict[str, float | None] = {f"psi.{name}": value for name, value in psi.items()}
    values |= {f"null_share.{name}": value for name, value in nulls.items()}
    values["psi_max"] = max(known, default=None)
    values["drifted_share"] = sum(v > DRIFTED for v in known) / len(known) if known else None
    seconds = window.total_seconds()
    return {name: Signal(name, value, now, seconds, rows) for name, value in values.items()}
