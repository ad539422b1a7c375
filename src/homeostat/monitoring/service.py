"""The service's own signals: how fast it answers, how often it fails, what it takes.

Answers and their times come from the prediction log, everything else from the load samples that
``homeostat up`` keeps (:mod:`homeostat.monitoring.load`). docs/signals.md describes each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from homeostat.domain.evidence import Signal
from homeostat.domain.recorded import Recorded
from homeostat.domain.verdict import Verdict
from homeostat.monitoring import load_file as load
from homeostat.monitoring.load import Sample
from homeostat.monitoring.log_lag import log_lag
from homeostat.monitoring.prediction_log import PredictionLog
from homeostat.spec.project import Project
from homeostat.stats.utilisation import sustained_above

HOUR = timedelta(hours=1)
"""Span of latency, throughput and errors."""
MINUTE = timedelta(minutes=1)
"""Span of the use of processors, of memory and of queues."""
PARTS = 5
"""``limits.hold`` is judged in so many parts, each by one number."""
SHORTEST = timedelta(seconds=15)
"""A part is at least as long as it takes from one load sample to the next."""
LATENCIES = {"latency_p50_ms": 0.5, "latency_p95_ms": 0.95, "latency_p99_ms": 0.99}

Numbers = NDArray[np.float64]


def service_signals(
    project: Project,
    log: PredictionLog,
    load_file: Path | None,
    recorded: Recorded,
    now: datetime,
) -> dict[str, Signal]:
    """Every signal of ``SERVICE_SIGNALS`` but ``health``, over the last hour or minute.

    ``load_file`` holds the load samples; None: there are none. What there is no data for has
    value None, never 0. Without a champion there is no throughput, and so no cost.
    """
    limits = project.monitors.limits
    part = max(limits.hold / PARTS, SHORTEST)
    since = now - max(HOUR, 2 * PARTS * part)
    ages_s, latency_ms = _answered(log, since, now)
    samples = [one for one in load.read(load_file) if since < one.at <= now] if load_file else []
    hour = [one for one in samples if one.at > now - HOUR]
    lately = ages_s <= HOUR.total_seconds()
    served = recorded.champion is not None and bool(lately.any() or hour)
    found = _latencies(latency_ms[lately], now)
    found |= _rates(project, int(lately.sum()) if served else None, now)
    found |= _errors(hour, now)
    found |= _taken([one for one in samples if one.at > now - MINUTE], now)
    found["log_lag_s"] = _lag(log.folder, now)

    def slow(begin_s: float, end_s: float) -> float | None:
        return _quantile(latency_ms[(ages_s > end_s) & (ages_s <= begin_s)], 0.95)

    def share(of: Callable[[Sequence[Sample]], float | None]) -> Callable[..., float | None]:
        return lambda begin_s, end_s: of(
            [one for one in samples if end_s <= (now - one.at).total_seconds() < begin_s]
        )

    for name, limit, value in (
        ("slow", limits.latency_p95_ms, slow),
        ("failing", limits.error_share, share(error_share)),
        ("busy", limits.utilisation, share(utilisation)),
    ):
        found[name] = _lasting(name, value, limit, limits.hold, part, now)
    return found


def error_share(samples: Sequence[Sample]) -> float | None:
    """Share of requests that ended in an error of the server; None without requests."""
    requests = sum(one.requests for one in samples)
    return min(1.0, sum(one.server_errors for one in samples) / requests) if requests else None


def utilisation(samples: Sequence[Sample]) -> float | None:
    """Mean of what is scarcer, processors or memory; None when neither is known."""
    known = [
        max(shares)
        for one in samples
        if (shares := [s for s in (one.cpu_share, one.memory_share) if s is not None])
    ]
    return sum(known) / len(known) if known else None


def _answered(log: PredictionLog, since: datetime, now: datetime) -> tuple[Numbers, Numbers]:
    """Age in seconds, and latency, of the rows that were answered; shadows answer nobody."""
    rows = log.read(since, now, ("at", "arm", "latency_ms"))
    answered = np.array([arm not in ("shadow", None) for arm in rows["arm"].to_list()], dtype=bool)
    age_s = now.timestamp() - rows["at"].to_physical().to_numpy() / 1e6
    latency_ms = rows["latency_ms"].to_numpy().astype(np.float64)
    return age_s[answered], latency_ms[answered]


def _quantile(latency_ms: Numbers, share: float) -> float | None:
    known = latency_ms[np.isfinite(latency_ms)]
    return float(np.quantile(known, share)) if known.size else None


def _latencies(latency_ms: Numbers, now: datetime) -> dict[str, Signal]:
    known = latency_ms[np.isfinite(latency_ms)]
    values = np.quantile(known, list(LATENCIES.values())).tolist() if known.size else None
    return {
        name: Signal(
            name, values[place] if values else None, now, HOUR.total_seconds(), int(known.size)
        )
        for place, name in enumerate(LATENCIES)
    }


def _rates(project: Project, rows: int | None, now: datetime) -> dict[str, Signal]:
    """``throughput_per_s`` and ``cost_per_1000``; ``rows`` None: not known."""
    values: dict[str, float | None] = {"throughput_per_s": None, "cost_per_1000": None}
    if rows is not None:
        values["throughput_per_s"] = rows / HOUR.total_seconds()
        cost = project.monitors.cost_per_hour
        if rows and cost is not None:
            values["cost_per_1000"] = cost / rows * 1000
    return {
        name: Signal(name, value, now, HOUR.total_seconds(), rows or 0)
        for name, value in values.items()
    }


def _errors(samples: Sequence[Sample], now: datetime) -> dict[str, Signal]:
    requests, share = sum(one.requests for one in samples), error_share(samples)
    return {"error_share": Signal("error_share", share, now, HOUR.total_seconds(), requests)}


def _taken(samples: Sequence[Sample], now: datetime) -> dict[str, Signal]:
    """Means of the shares, and the longest queue."""
    shares = {
        "cpu_share": [one.cpu_share for one in samples if one.cpu_share is not None],
        "memory_share": [one.memory_share for one in samples if one.memory_share is not None],
    }
    queued = [one.queue_rows for one in samples if one.queue_rows is not None]
    found = {
        name: (sum(known) / len(known) if known else None, len(known))
        for name, known in shares.items()
    }
    found["queue_rows"] = (float(max(queued)) if queued else None, len(queued))
    return {
        name: Signal(name, value, now, MINUTE.total_seconds(), count)
        for name, (value, count) in found.items()
    }


def _lag(folder: Path, now: datetime) -> Signal:
    """Without a folder there is no log to be behind with."""
    lag_s = log_lag(folder, now.timestamp()).age_s if folder.is_dir() else None
    return Signal("log_lag_s", lag_s, now, 0.0, 0)


def _lasting(
    name: str,
    value: Callable[[float, float], float | None],
    limit: float,
    hold: timedelta,
    part: timedelta,
    now: datetime,
) -> Signal:
    """1 when every part of the last ``hold`` was above ``limit``, 0 when one was not.

    ``value`` is asked for the part from ``begin_s`` to ``end_s`` before now. One part without a
    value between others that are above is passed over; more leave it unknown, as does a past
    that is too short.
    """
    part_s = part.total_seconds()
    begins_s = [part_s * number for number in range(2 * PARTS, 0, -1)]
    values = [value(begin_s, begin_s - part_s) for begin_s in begins_s]
    found = sustained_above(
        [-begin_s for begin_s in begins_s],
        [np.nan if one is None else one for one in values],
        now_s=0.0,
        limit=limit,
        hold_s=hold.total_seconds(),
        max_gap_s=2.5 * part_s,
    )
    told = {Verdict.FAIL: 1.0, Verdict.PASS: 0.0}.get(found.verdict)
    return Signal(name, told, now, hold.total_seconds(), found.rows)
