"""Cases of ``homeostat.stats.detect``: alarms within a horizon of 10,000 values."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from homeostat.stats.detect.adwin import Adwin
from homeostat.stats.detect.cusum import Cusum
from homeostat.stats.detect.ddm import Ddm
from homeostat.stats.detect.detector import Detector
from homeostat.stats.detect.eddm import Eddm
from homeostat.stats.detect.first_alarm import first_alarm
from homeostat.stats.detect.kswin import Kswin
from homeostat.stats.detect.page_hinkley import PageHinkley
from truth.case import Case, Trial, autocorrelated, sticky

HORIZON, CHANGE = 10_000, 2_000
Stream = Callable[[np.random.Generator, bool], np.ndarray]


def errors(rate: float, share: float = 0.0) -> Stream:
    """A model's errors, 0 or 1; from ``CHANGE`` on twice as many where ``shifted``."""

    def drawn(random: np.random.Generator, shifted: bool) -> np.ndarray:
        rates = np.where((np.arange(HORIZON) >= CHANGE) & shifted, 2 * rate, rate)
        if share:  # a row that repeats the one before it
            return sticky(random, (random.random(HORIZON) < rates) * 1.0, share)
        return (random.random(HORIZON) < rates) * 1.0

    return drawn


def values(kind: str) -> Stream:
    """Numbers; from ``CHANGE`` on half a standard deviation higher where ``shifted``."""

    def drawn(random: np.random.Generator, shifted: bool) -> np.ndarray:
        moved = 0.5 * ((np.arange(HORIZON) >= CHANGE) & shifted)
        if kind == "t(3)":
            return random.standard_t(3, size=HORIZON) + np.sqrt(3) * moved
        if kind == "neighbours correlated by 0.3":
            return autocorrelated(random, HORIZON, 0.3) + moved
        if kind == "ties (5 values)":
            return np.clip(np.round(random.normal(size=HORIZON) + moved), -2, 2)
        return random.normal(size=HORIZON) + moved

    return drawn


def alarmed(make: Callable[[], Detector], stream: Stream) -> Trial:
    """An alarm within the horizon; shifted: the first one comes after the change."""

    def trial(random: np.random.Generator, shifted: bool) -> float | None:
        place = first_alarm(make(), stream(random, shifted))
        return float(place is not None and place >= CHANGE * shifted)

    return trial


DETECTORS: dict[str, Callable[[], Detector]] = {
    "ADWIN": Adwin,
    "CUSUM": Cusum,
    "CUSUM, baseline known": partial(Cusum, baseline=0.1),
    "DDM": Ddm,
    "EDDM": Eddm,
    "KSWIN": Kswin,
    "Page-Hinkley": PageHinkley,
}


def cases() -> list[Case]:
    """All of them. The unit tests measure rates of 0.01, 0.2 and 0.5, so these are others."""
    found = []
    for name, make in DETECTORS.items():
        full, short = (400, 20) if name in ("ADWIN", "Page-Hinkley", "KSWIN") else (1000, 60)
        doubled: dict[str, Any] = {"shift": "error rate x 2 after 2,000"}
        found.append(
            Case(name, "10,000 errors of rate 0.1", alarmed(make, errors(0.1)), full, short,
                 **doubled)
        )  # fmt: skip
        if name != "CUSUM, baseline known":
            found.append(
                Case(name, "10,000 errors of rate 0.01", alarmed(make, errors(0.01)), full, short,
                     in_tests=False, **doubled)
            )  # fmt: skip
        found.append(
            Case(name, "10,000 errors of rate 0.1, neighbours correlated by 0.3",
                 alarmed(make, errors(0.1, 0.3)), full, short, claimed=False, **doubled)
        )  # fmt: skip
    for name in ("KSWIN", "Page-Hinkley"):
        for kind in ("normal", "t(3)", "ties (5 values)", "neighbours correlated by 0.3"):
            case = Case(name, f"10,000 values, {kind}", alarmed(DETECTORS[name], values(kind)),
                        400, 20, shift="mean + 0.5 sd after 2,000", claimed="0.3" not in kind,
                        in_tests=kind != "t(3)")  # fmt: skip
            found.append(case)
    return found
