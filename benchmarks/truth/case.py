"""One method on one kind of data: how often it is wrong, measured by seeded simulation."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from zlib import crc32

import numpy as np

from homeostat.stats.result import Result

Trial = Callable[[np.random.Generator, bool], "float | None"]
"""``trial(random, shifted)``: one data set, and how often the method speaks up on it (mostly 0 or
1). Without a shift that is an error. None: it said that there is too little to tell."""
OURS = "Homeostat"
ALARM, MISSED, QUARTERLY = "false alarm", "missed truth", "false alarms in 90 daily looks"


@dataclass(frozen=True)
class Case:
    """A method, the data it is given, and the error rate that it states for them.

    ``wrong`` names the error: a false alarm, or a truth that an interval misses. ``shift`` says
    what is moved to measure the power; without one, power is not asked. ``claimed`` is False for
    data outside of what the method assumes. ``admitted`` is the rate that the method's own
    docstring gives for such data where that is above ``stated``.
    """

    method: str
    data: str
    trial: Trial
    trials: int
    short: int
    stated: float | None = 0.05
    wrong: str = ALARM
    shift: str = ""
    whose: str = OURS
    claimed: bool = True
    admitted: float | None = None
    in_tests: bool = True

    @property
    def name(self) -> str:
        """What ``--only`` is matched with."""
        return f"{self.whose} {self.method}: {self.data}"


@dataclass(frozen=True)
class Share:
    """A mean of outcomes from 0 to 1 (or of counts), with its 95 % simulation interval."""

    value: float
    low: float
    high: float
    trials: int
    undecided: int


@dataclass(frozen=True)
class Measured:
    """What a case came to; ``power`` is None where no shift was asked, ``wrong`` with no answer."""

    method: str
    data: str
    whose: str
    error: str
    stated: float | None
    wrong: Share | None
    shift: str
    power: Share | None
    claimed: bool = True
    admitted: float | None = None
    note: str = ""

    @property
    def mark(self) -> str:
        """Whether the stated rate holds: the interval's low end is not above it."""
        if self.wrong is None:
            return self.note or "no answer"
        if self.stated is None:
            return "none stated"
        if self.wrong.low <= self.stated:
            return "holds"
        if not self.claimed:
            return "NOT HELD (not claimed)"
        if self.admitted is not None and self.wrong.low <= self.admitted:
            return "NOT HELD (documented)"
        return "NOT HELD"


def share_of(outcomes: list[float | None], *, of_all: bool = False) -> Share | None:
    """The mean of the outcomes that are known; Clopper & Pearson (1934), or a t interval.

    ``of_all`` counts an undecided outcome as 0: who says that there is too little to tell raises
    no alarm. Without it those are left out: an interval that is not given holds nothing. None
    when all are undecided.
    """
    from scipy.stats import beta, t

    known = np.array([one for one in outcomes if one is not None], dtype=np.float64)
    undecided = len(outcomes) - known.size
    if not known.size:
        return None
    if of_all:
        known = np.append(known, np.zeros(undecided))
    n = known.size
    mean = float(known.mean())
    if np.isin(known, (0.0, 1.0)).all():
        count = float(known.sum())
        low = float(beta.ppf(0.025, count, n - count + 1)) if count else 0.0
        high = float(beta.ppf(0.975, count + 1, n - count)) if count < n else 1.0
        return Share(mean, low, high, n, undecided)
    reach = float(t.ppf(0.975, n - 1)) * float(known.std(ddof=1)) / math.sqrt(n) if n > 1 else 0.0
    return Share(mean, max(0.0, mean - reach), mean + reach, n, undecided)


def outcomes(case: Case, trials: int, seed: int, shifted: bool) -> list[float | None]:
    """Each trial has random numbers of its own: the same ones whatever else is run."""
    key = crc32(case.name.encode())
    found = []
    for number in range(trials):
        random = np.random.default_rng([seed, key, int(shifted), number])
        outcome = case.trial(random, shifted)
        found.append(None if outcome is None else float(outcome))
    return found


def measure(case: Case, *, seed: int, part: float, power: bool = True) -> Measured:
    """Run the trials of a case without its shift, and (half as many) with it.

    ``part`` of the full number of trials, and not fewer than the short one; 0 is the short one.
    """
    trials = max(case.short, round(part * case.trials))
    alarms = case.wrong != MISSED
    wrong = share_of(outcomes(case, trials, seed, False), of_all=alarms)
    asked = case.shift and power
    seen = outcomes(case, max(trials // 2, 3), seed, True) if asked else []
    return Measured(
        case.method, case.data, case.whose, case.wrong, case.stated, wrong, case.shift,
        share_of(seen, of_all=True), case.claimed, case.admitted,
    )  # fmt: skip


def failed(result: Result) -> float | None:
    """1 when the verdict is fail, None when it is inconclusive."""
    if result.verdict.value == "error":
        raise AssertionError(result.reason)
    return None if result.verdict.value == "inconclusive" else float(result.verdict.value == "fail")


def missed(low: float | None, high: float | None, truth: float) -> float | None:
    """1 when an interval does not hold the truth, None without an interval."""
    if low is None or high is None:
        return None
    slack = 1e-12 * max(1.0, abs(truth))
    return float(not low - slack <= truth <= high + slack)


def autocorrelated(random: np.random.Generator, rows: int, share: float) -> np.ndarray:
    """Standard normal values, each correlated by ``share`` with the one before it (AR(1))."""
    from scipy.signal import lfilter

    noise = random.normal(size=rows) * math.sqrt(1 - share**2)
    noise[0] /= math.sqrt(1 - share**2)
    return np.asarray(lfilter([1.0], [1.0, -share], noise))


def sticky(random: np.random.Generator, values: np.ndarray, share: float) -> np.ndarray:
    """``values``, of shape (rows,), where each repeats the one before it with chance ``share``.

    Neighbours are then correlated by ``share``, whatever the values' distribution.
    """
    new = random.random(values.size) >= share
    new[0] = True
    return np.asarray(values[np.maximum.accumulate(np.where(new, np.arange(values.size), 0))])
