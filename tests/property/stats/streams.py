"""How every stream is made and what it reads; one entry at least each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from homeostat.stats.detect.adwin import Adwin
from homeostat.stats.detect.cusum import Cusum
from homeostat.stats.detect.ddm import Ddm
from homeostat.stats.detect.eddm import Eddm
from homeostat.stats.detect.kswin import Kswin
from homeostat.stats.detect.page_hinkley import PageHinkley
from homeostat.stats.sequential.bernoulli import BernoulliRate
from homeostat.stats.sequential.betting import BettingMean
from homeostat.stats.sequential.null_mean import BettingTest
from homeostat.stats.stream import Stream
from tests.property.stats.samples import Column, Random


def labels(random: Random, rows: int, level: float = 0.1) -> Column:
    """Values 0 and 1."""
    return (random.random(rows) < level).astype(np.float64)


def numbers(random: Random, rows: int, level: float = 0.1) -> Column:
    """Values of any size."""
    return random.normal(10 * level, 1.0, rows)


Values = Callable[..., Column]


@dataclass(frozen=True)
class Entry:
    """``make`` gives a new stream; ``values(random, rows, level)`` are what it reads."""

    of: str
    make: Callable[[], Stream]
    values: Values = labels
    note: str = ""
    quiet: float = 0.1
    """The level at which nothing is wrong."""
    loud: float | None = 0.6
    """The level after which it fails; None when it never does."""
    passes: bool = True
    """Whether it can pass at all."""
    moves: bool = True
    """Whether it looks for a change; otherwise the level must be loud from the first value on."""

    def __str__(self) -> str:
        return f"{self.of}[{self.note}]" if self.note else self.of


STREAMS = [
    Entry("detect.adwin.Adwin", Adwin),
    Entry("detect.cusum.Cusum", Cusum),
    Entry("detect.cusum.Cusum", lambda: Cusum(baseline=0.15), note="baseline"),
    Entry("detect.cusum.Cusum", lambda: Cusum(direction="down"), note="down", quiet=0.6, loud=0.1),
    Entry("detect.ddm.Ddm", Ddm),
    Entry("detect.eddm.Eddm", Eddm),
    Entry("detect.kswin.Kswin", Kswin, numbers),
    Entry("detect.page_hinkley.PageHinkley", PageHinkley, numbers),
    Entry("detect.page_hinkley.PageHinkley", lambda: PageHinkley(direction="down"), numbers,
          "down", quiet=0.6, loud=0.1),
    Entry("sequential.bernoulli.BernoulliRate", lambda: BernoulliRate(limit=0.2), moves=False),
    Entry("sequential.bernoulli.BernoulliRate", BernoulliRate, note="no limit", loud=None,
          passes=False),
    Entry("sequential.betting.BettingMean", lambda: BettingMean(limit=0.2), moves=False),
    Entry("sequential.betting.BettingMean", BettingMean, note="no limit", loud=None,
          passes=False),
    Entry("sequential.null_mean.BettingTest", lambda: BettingTest(0.2), moves=False),
    Entry("sequential.null_mean.BettingTest", lambda: BettingTest(0.3, side="below"),
          note="below", quiet=0.6, loud=0.1, moves=False),
]  # fmt: skip
TABLED = {entry.of for entry in STREAMS}
