"""Have the champion's losses changed since its promotion? The declared detectors say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import numpy as np

from homeostat.domain.evidence import Signal
from homeostat.domain.recorded import Recorded
from homeostat.domain.verdict import Verdict
from homeostat.monitoring.labelled import TRUTH, labels_known
from homeostat.monitoring.prediction_log import PredictionLog
from homeostat.ports.blobs import Blobs
from homeostat.spec.project import Project
from homeostat.stats.detect.adwin import Adwin
from homeostat.stats.detect.cusum import Cusum
from homeostat.stats.detect.ddm import Ddm
from homeostat.stats.detect.eddm import Eddm
from homeostat.stats.detect.kswin import Kswin
from homeostat.stats.detect.page_hinkley import PageHinkley
from homeostat.stats.metrics import Array
from homeostat.stats.result import Result, unable
from homeostat.stats.stream import Stream

ERROR_RATE = 0.05
"""Probability of a false alarm of one detector over the rows of a tenure."""
MAX_ROWS = 500_000
"""Of more labelled rows the latest are read."""
DETECTORS: dict[str, Callable[[int], Stream]] = {
    "adwin": lambda horizon: Adwin(error_rate=ERROR_RATE, horizon=horizon),
    "cusum": lambda horizon: Cusum(error_rate=ERROR_RATE, horizon=horizon),
    "ddm": lambda horizon: Ddm(error_rate=ERROR_RATE, horizon=horizon),
    "eddm": lambda horizon: Eddm(error_rate=ERROR_RATE, horizon=horizon),
    "kswin": lambda horizon: Kswin(error_rate=ERROR_RATE, horizon=horizon),
    "page_hinkley": lambda horizon: PageHinkley(error_rate=ERROR_RATE, horizon=horizon),
}
"""Each detector for a horizon of so many rows."""
MIN_BATCHES = 100
BOUNDED = ("adwin", "cusum")
"""Detectors that ask for values from 0 to 1."""


def change_signals(
    project: Project, blobs: Blobs, log: PredictionLog, recorded: Recorded, now: datetime
) -> dict[str, Signal]:
    """``change.<detector>``: 1 when it found a change since the promotion, else 0."""
    asked = project.monitors.change
    if not asked:
        return {}
    champion, losses, since_s = recorded.champion, np.empty(0), 0.0
    if champion is not None:
        since = recorded.tenures[-1].since
        since_s = (now - since).total_seconds()
        losses = losses_of(project, blobs, log, recorded, champion.number, since, now)
    found = {}
    for name in asked:
        value = None
        if losses.size >= project.monitors.min_rows:
            verdict = detected(name, losses, project.task).verdict
            value = {Verdict.FAIL: 1.0, Verdict.PASS: 0.0}.get(verdict)
        signal = f"change.{name}"
        found[signal] = Signal(signal, value, now, since_s, int(losses.size))
    return found


def losses_of(
    project: Project,
    blobs: Blobs,
    log: PredictionLog,
    recorded: Recorded,
    version: int,
    since: datetime,
    until: datetime,
) -> Array:
    """Loss of each labelled row of a version in [since, until) in order of time, shape (rows,).

    For ``binary`` the squared error of the probability, 0 to 1; else the absolute error.
    """
    rows = log.read(since, until, ("event", "at", "version", "prediction"))
    mine = rows.filter(rows["version"] == version).unique("event", keep="last")
    joined = mine.join(labels_known(project, blobs, recorded, since, until), on="event")
    joined = joined.sort("at", "event").tail(MAX_ROWS)
    distance = np.abs(joined[TRUTH].to_numpy() - joined["prediction"].to_numpy())
    return np.asarray(distance**2 if project.task == "binary" else distance, dtype=np.float64)


def detected(name: str, losses: Array, task: str) -> Result:
    """What detector ``name`` says of ``losses``, read in order.

    All detectors expect independent values, and rows that share an hour or a day are not. So
    neighbours are taken together, as many as it takes until batches no longer go together
    (:func:`batches`). DDM and EDDM count single hits and misses; where rows go together they are
    *inconclusive*, as is any detector when fewer than ``MIN_BATCHES`` batches are left.

    A miss, for DDM and EDDM, is a loss of 0.25 or more (``binary``), or one above the median of
    the first third. ADWIN and CUSUM read a regression's losses over their 99th percentile there.
    """
    found = batches(losses)
    if found is None:
        return unable("neighbouring rows go together, and too few rows are known", rows=losses.size)
    values, size = found
    first = values[: max(values.size // 3, 1)]
    if name in ("ddm", "eddm"):
        if size > 1:
            return unable("neighbouring rows go together: hits cannot be counted one by one")
        limit = 0.25 if task == "binary" else float(np.median(first))
        values = (values >= limit).astype(np.float64)
    elif name in BOUNDED and task != "binary":
        scale = float(np.quantile(first, 0.99))
        values = np.minimum(values / scale, 1.0) if scale > 0 else np.zeros(values.size)
    stream = DETECTORS[name](max(values.size, 1_000))
    stream.update_many(values)
    result = stream.result
    if size == 1:
        return result
    return replace(result, reason=f"{result.reason} Values are means of {size} rows.")


def batches(losses: Array) -> tuple[Array, int] | None:
    """Means of so many neighbours, a power of 2, that they do not go together; and how many.

    They go together while the first autocorrelation of the first third, before a change is
    likely, is above two standard errors (Bartlett 1946). None when fewer than ``MIN_BATCHES``
    would be left.
    """
    size = 1
    while losses.size // size >= MIN_BATCHES:
        whole = losses.size // size * size
        means = losses[:whole].reshape(-1, size).mean(axis=1)
        first = means[: max(means.size // 3, 20)]
        if _carried(first) <= 2 / np.sqrt(first.size):
            return means, size
        size *= 2
    return None


def _carried(values: Array) -> float:
    """First autocorrelation; 0 for values that are all alike."""
    centred = values - values.mean()
    squares = float(centred @ centred)
    return float(centred[1:] @ centred[:-1]) / squares if squares > 0 else 0.0
