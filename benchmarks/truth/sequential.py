"""Cases of ``homeostat.stats.sequential``: asked after every value, over all looks together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from homeostat.domain.verdict import Verdict
from homeostat.stats.sequential.agreement import disagreement
from homeostat.stats.sequential.anytime_mean import anytime_mean
from homeostat.stats.sequential.bernoulli import BernoulliRate, log_evidence
from homeostat.stats.sequential.betting import BettingMean
from homeostat.stats.sequential.null_mean import BettingTest
from homeostat.stats.sequential.quantile import slower, too_slow
from homeostat.stats.sequential.two_rates import least_evidence
from truth.case import MISSED, Case, Trial, autocorrelated, missed, sticky

Draw = Callable[[np.random.Generator, int], np.ndarray]
THRESHOLD = -np.log(0.05)


def normal(random: np.random.Generator, rows: int) -> np.ndarray:
    return random.normal(size=rows)


def heavy(random: np.random.Generator, rows: int) -> np.ndarray:
    return random.standard_t(3, size=rows) / np.sqrt(3)


def skewed(random: np.random.Generator, rows: int) -> np.ndarray:
    return random.exponential(size=rows) - 1


def rare(random: np.random.Generator, rows: int) -> np.ndarray:
    return ((random.random(rows) < 0.05) - 0.05) / np.sqrt(0.05 * 0.95)


def neighbours(random: np.random.Generator, rows: int) -> np.ndarray:
    return autocorrelated(random, rows, 0.3)


def any_look(draw: Draw, blocks: int, per_block: int = 1, every: int = 1) -> Trial:
    """The interval of ``anytime_mean`` misses the mean at any look, or finds that it moved."""

    def trial(random: np.random.Generator, shifted: bool) -> float | None:
        days = draw(random, blocks) + 0.25 * shifted
        labels = np.repeat(np.arange(blocks), per_block)
        values = days[labels]
        if per_block > 1:
            values = values + random.normal(size=labels.size)
        for look in range(20, blocks + 1, every):
            rows = look * per_block
            found = anytime_mean(values[:rows], labels[:rows], 0.95)
            if found.low is not None and missed(found.low, found.high, 0.0):
                return 1.0
        return 0.0

    return trial


def t_test_any_look(random: np.random.Generator, shifted: bool) -> float | None:
    """A t-test after every value from the 20th to the 500th; as soon as it is below 0.05."""
    from scipy.stats import t

    values, count = random.normal(size=500) + 0.25 * shifted, np.arange(1, 501)
    mean = np.cumsum(values) / count
    spread = np.sqrt((np.cumsum(values**2) - count * mean**2)[19:] / (count[19:] - 1))
    reached = np.abs(mean[19:]) * np.sqrt(count[19:]) / spread
    return float((reached > t.ppf(0.975, count[19:] - 1)).any())


def one_rate(rate: float, rows: int, share: float = 0.0) -> Trial:
    """After any row the interval of ``BernoulliRate`` misses the rate; shifted: it fails a limit.

    The interval holds the rates whose ``log_evidence`` is below log(20), which is asked of the
    true rate after every row.
    """

    def trial(random: np.random.Generator, shifted: bool) -> float | None:
        if shifted:
            stream = BernoulliRate(0.95, limit=rate)
            stream.update_many(random.random(rows) < 1.5 * rate)
            return float(stream.result.verdict is Verdict.FAIL)
        found = sticky(random, random.random(rows) < rate, share)
        evidence = log_evidence(np.cumsum(found), np.arange(1, rows + 1), rate)
        return float((evidence >= THRESHOLD).any())

    return trial


def two_rates(rate: float, rows: int) -> Trial:
    """After any pair of rows ``more_errors`` rules out the true difference (0), or is right to."""

    def trial(random: np.random.Generator, shifted: bool) -> float | None:
        ours = np.cumsum(random.random(rows) < rate * (1 + shifted))
        theirs, count = np.cumsum(random.random(rows) < rate), np.arange(1, rows + 1)
        ruled_out = least_evidence(ours, count, theirs, count, 0.0) >= THRESHOLD
        return float((ruled_out & (ours > theirs)).any() if shifted else ruled_out.any())

    return trial


def z_test_any_look(random: np.random.Generator, shifted: bool) -> float | None:
    """A z test of two rates after every 10 pairs of rows from the 100th on."""
    ours = np.cumsum(random.random(5000) < 0.02 * (1 + shifted))[99::10]
    theirs = np.cumsum(random.random(5000) < 0.02)[99::10]
    count = np.arange(100, 5001, 10)
    share = (ours + theirs) / (2 * count)
    error = np.sqrt(np.maximum(share * (1 - share) * 2 / count, 1e-12))
    reached = (ours - theirs) / count / error
    return float((reached > 1.96).any() if shifted else (np.abs(reached) > 1.96).any())


BOUNDED: dict[str, tuple[Draw, float]] = {
    "Beta(2, 8)": (lambda random, rows: random.beta(2, 8, size=rows), 0.2),
    "0 or 1, 1 in 100": (lambda random, rows: (random.random(rows) < 0.01) * 1.0, 0.01),
    "five values, ties": (lambda random, rows: random.binomial(4, 0.3, size=rows) / 4, 0.3),
}


def bets(of: str, rows: int) -> Trial:
    """After any row ``BettingMean`` rules out the mean; shifted: it fails a limit at 0.75 of it."""
    draw, mean = BOUNDED[of]

    def trial(random: np.random.Generator, shifted: bool) -> float | None:
        stream = BettingMean(0.0, 1.0, 0.95, limit=0.75 * mean if shifted else None)
        stream.update_many(draw(random, rows))
        found = stream.result
        if shifted:
            return float(found.verdict is Verdict.FAIL)
        return 1.0 if found.low is None else missed(found.low, found.high, mean)

    return trial


def one_side(of: str, rows: int) -> Trial:
    """``BettingTest`` fails while the mean is at its limit; shifted: the limit is at 0.75 of it."""
    draw, mean = BOUNDED[of]

    def trial(random: np.random.Generator, shifted: bool) -> float | None:
        test = BettingTest(0.75 * mean if shifted else mean, 0.0, 1.0, 0.05, "above")
        test.update_many(draw(random, rows))
        return float(test.result.verdict is Verdict.FAIL)

    return trial


LATENCY: dict[str, Draw] = {
    "log-normal": lambda random, rows: random.lognormal(3, 0.5, size=rows),
    "heavy tail (Pareto 1.5)": lambda random, rows: 10 * (1 + random.pareto(1.5, size=rows)),
    "whole ms, ties": lambda random, rows: np.round(random.lognormal(1, 0.5, size=rows)),
}


def latencies(of: str, p: float, rows: int, every: int) -> Trial:
    """At any look ``slower`` misses that both arms are alike; shifted: sees one of 1.5 times."""
    draw = LATENCY[of]

    def trial(random: np.random.Generator, shifted: bool) -> float | None:
        ours, theirs = draw(random, rows) * (1 + 0.5 * shifted), draw(random, rows)
        for look in range(every, rows + 1, every):
            found = slower(ours[:look], theirs[:look], p)
            low = -np.inf if found.low is None else found.low
            high = np.inf if found.high is None else found.high
            if low > 0 or (high < 0 and not shifted):
                return 1.0
        return 0.0

    return trial


def one_latency(p: float, rows: int, every: int) -> Trial:
    """At any look ``too_slow`` fails although the quantile is at the limit."""
    from scipy.special import ndtri

    limit = float(np.exp(3 + 0.5 * ndtri(p)))

    def trial(random: np.random.Generator, shifted: bool) -> float | None:
        values = random.lognormal(3, 0.5, size=rows) * (1 + 0.3 * shifted)
        return float(
            any(
                too_slow(values[:look], p, limit=limit).verdict is Verdict.FAIL
                for look in range(every, rows + 1, every)
            )
        )

    return trial


def shadow(rows: int) -> Trial:
    """After any row ``disagreement`` misses the mean difference, 0.05."""

    def trial(random: np.random.Generator, shifted: bool) -> float | None:
        champion = random.uniform(0.1, 0.9, size=rows)
        sign = random.choice([-1.0, 1.0], size=rows)
        challenger = champion + sign * random.uniform(0, 0.1, size=rows)
        found = disagreement(challenger, champion, limit=0.04)
        if shifted:
            return float(found.verdict is Verdict.FAIL)
        return 1.0 if found.low is None else missed(found.low, found.high, 0.05)

    return trial


def cases() -> list[Case]:
    """All of them."""
    moved, miss = "mean + 0.25 sd", dict[str, Any](wrong=MISSED)
    found = [
        Case("anytime mean, every look", f"500 blocks, {name}", any_look(draw, 500), 400, 16,
             shift=moved, wrong=MISSED, in_tests=False)
        for name, draw in (("normal", normal), ("t(3)", heavy), ("exponential", skewed),
                           ("1 in 20 differs", rare),
                           ("neighbours correlated by 0.3", neighbours))
    ]  # fmt: skip
    found += [
        Case("anytime mean, every look", "60 blocks of 10 rows, normal", any_look(normal, 60, 10),
             2000, 200, shift=moved, wrong=MISSED),
        Case("anytime mean, 49 looks", "100,000 rows in 500 blocks",
             any_look(normal, 500, 200, 10), 100, 4, shift=moved, wrong=MISSED,
             in_tests=False),
        Case("t-test, every look", "500 values, normal", t_test_any_look, 4000, 400, shift=moved,
             wrong=MISSED, whose="usual"),
    ]  # fmt: skip
    for rate, rows, full, short in ((0.5, 2000, 2000, 100), (0.01, 20_000, 2000, 60),
                                    (0.02, 10**6, 60, 3)):  # fmt: skip
        found.append(
            Case("Bernoulli rate, every look", f"{rows:,} rows of rate {rate}",
                 one_rate(rate, rows), full, short, shift="rate x 1.5", **miss)
        )  # fmt: skip
    found += [
        Case("Bernoulli rate, every look", "2,000 rows of rate 0.1, neighbours correlated by 0.3",
             one_rate(0.1, 2000, 0.3), 2000, 100, claimed=False, **miss),
        Case("more errors, every look", "2 x 5,000 rows, rate 0.02", two_rates(0.02, 5000), 2000,
             100, shift="rate x 2", **miss),
        Case("more errors, every look", "2 x 500 rows, rate 0.3", two_rates(0.3, 500), 4000, 200,
             shift="rate x 2", **miss),
        Case("z test of two rates, 491 looks", "2 x 5,000 rows, rate 0.02", z_test_any_look, 4000,
             200, shift="rate x 2", whose="usual", **miss),
        *(Case("betting mean, every look", f"2,000 values, {of}", bets(of, 2000), 600, 40,
               shift="limit at 0.75 of the mean", **miss) for of in BOUNDED),
        Case("betting test, every look", "10,000 values, Beta(2, 8)",
             one_side("Beta(2, 8)", 10_000), 2000, 60, shift="limit at 0.75 of the mean"),
        *(Case("slower, p95, 200 looks", f"2 x 2,000 rows, {of}", latencies(of, 0.95, 2000, 10),
               400, 20, shift="latency x 1.5", **miss) for of in LATENCY),
        Case("slower, median, every look", "2 x 300 rows, log-normal",
             latencies("log-normal", 0.5, 300, 1), 400, 20, shift="latency x 1.5", **miss),
        Case("too slow, p95, 100 looks", "1,000 rows, log-normal", one_latency(0.95, 1000, 10),
             1000, 60, shift="latency x 1.3"),
        Case("disagreement, every look", "2,000 rows", shadow(2000), 600, 40,
             shift="limit at 0.8 of the mean", **miss),
    ]  # fmt: skip
    return found
