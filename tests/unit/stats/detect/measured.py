"""Rates and delays of a detector, measured by seeded simulation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from homeostat.domain.verdict import Verdict
from homeostat.stats.detect.detector import Detector
from homeostat.stats.detect.first_alarm import first_alarm

HORIZON = 10_000
TRIALS = 60
SOURCES = {
    "errors at 0.01": lambda random, rows: (random.random(rows) < 0.01).astype(float),
    "errors at 0.2": lambda random, rows: (random.random(rows) < 0.2).astype(float),
    "errors at 0.5": lambda random, rows: (random.random(rows) < 0.5).astype(float),
    "Student t 3": lambda random, rows: random.standard_t(3, size=rows),
}


def false_alarms(make: Callable[[], Detector], source: str, *, trials: int = TRIALS) -> float:
    """Share of unchanged streams of ``HORIZON`` values that end in an alarm."""
    random = np.random.default_rng(sum(source.encode()))
    alarms = 0
    for _ in range(trials):
        found = make()
        found.update_many(SOURCES[source](random, HORIZON))
        alarms += found.result.verdict is Verdict.FAIL
    return alarms / trials


def most(rate: float, trials: int = TRIALS) -> float:
    """The most that chance leaves of a stated ``rate``: three standard errors above."""
    return rate + 3 * (rate * (1 - rate) / trials) ** 0.5


def delays(
    make: Callable[[], Detector], before: np.ndarray | float, after: float, *, rows: int = 4000
) -> np.ndarray:
    """Values read after a change of the error rate until the alarm, for 30 streams.

    Infinite without an alarm; negative for an alarm before the change, after 2000 values.
    """
    found = []
    for seed in range(30):
        random = np.random.default_rng(seed)
        values = random.random(2000 + rows) < np.repeat([before, after], [2000, rows])
        place = first_alarm(make(), values)
        found.append(np.inf if place is None else place - 1999)
    return np.array(found)
