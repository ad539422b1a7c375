"""Cases of ``homeostat.stats.drift``: one window, or a quarter of daily ones, and a reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from homeostat.stats.drift.distances import DISTANCES
from homeostat.stats.drift.moments import Moments, mean_shift, spread_shift
from homeostat.stats.drift.portfolio import Asked, drift_of
from homeostat.stats.drift.reconstruction import Components, reconstruction_drift
from homeostat.stats.drift.reference import Reference, reference_of
from homeostat.stats.drift.shares import share_shift
from homeostat.stats.drift.two_sample import homogeneity_test, kolmogorov_smirnov_test
from homeostat.stats.profile import Columns, Profile, count
from truth.case import QUARTERLY, Case, Trial, autocorrelated, failed

DAY_S, WEEK, QUARTER, FEATURES = 86_400.0, 7, 90, 20
MOVED = 0.3
"""A shift is this many standard deviations of the mean, in the first of the features."""
CATEGORIES = np.array(["common", "other", "rare"], dtype=object)


@dataclass(frozen=True)
class World:
    """Days of rows with 20 features that do not drift, but for what a day is like.

    ``kinds`` names the features: "normal", "heavy" (t(3)), "few" (ties, Poisson 2) and
    "category" (one of 1 %), in turns. ``day`` is the standard deviation of a day's effect, in
    those of a row, and ``carried`` how much of it the next day has.
    """

    reference: int
    rows: int
    kinds: tuple[str, ...] = ("normal",)
    day: float = 0.3
    carried: float = 0.0

    def columns(self, random: np.random.Generator, days: int, shifted_from: int) -> Columns:
        """Values of each feature over all days, the first of them moved from a day on."""
        found: dict[str, tuple[str, np.ndarray]] = {}
        for number in range(FEATURES):
            effects = self.day * autocorrelated(random, days, self.carried)
            if number == 0:
                effects[shifted_from:] += MOVED
            kind = self.kinds[number % len(self.kinds)]
            found[f"f{number}"] = _feature(random, kind, np.repeat(effects, self.rows))
        return found  # type: ignore[return-value]

    def drawn(
        self, random: np.random.Generator, looks: int, shifted: bool
    ) -> tuple[Columns, Reference, list[Profile]]:
        """All columns, the reference, and the window of 7 days at each daily look after it."""
        first = self.reference + 2  # the first and last day of the reference are left out
        days = first + WEEK + looks - 1
        columns = self.columns(random, days, first if shifted else days)
        at_s = np.repeat(np.arange(first) * DAY_S, self.rows)
        reference = reference_of(self.part(columns, 0, first), at_s, block_s=DAY_S)
        bins = reference.profile.bins
        daily = [count(bins, self.part(columns, day, day + 1)) for day in range(first, days)]
        windows = [sum(daily[n + 1 : n + WEEK], daily[n]) for n in range(looks)]
        return columns, reference, windows

    def part(self, columns: Columns, begin: int, end: int) -> Columns:
        """The columns of some days."""
        rows = slice(begin * self.rows, end * self.rows)
        return {name: (kind, values[rows]) for name, (kind, values) in columns.items()}


def _feature(random: np.random.Generator, kind: str, effects: np.ndarray) -> tuple[str, np.ndarray]:
    """Kind and values of one feature; ``effects`` move each row's mean (or the odds)."""
    if kind == "normal":
        return "number", effects + random.normal(size=effects.size)
    if kind == "heavy":
        return "number", np.sqrt(3) * effects + random.standard_t(3, size=effects.size)
    if kind == "few":
        return "number", random.poisson(2 * np.exp(effects / np.sqrt(2))).astype(np.float64)
    odds = np.exp(effects)
    rare, other = 0.01 * odds, 0.3 * odds
    drawn = random.random(effects.size) * (0.69 + rare + other)
    return "category", CATEGORIES[(drawn < rare + other) * 1 + (drawn < rare) * 1]


def calibrated(world: World, asked: Asked, looks: int = 1) -> Trial:
    """``drift_of``: is any feature said to drift (shifted: the first). Of looks, how many."""

    def trial(random: np.random.Generator, shifted: bool) -> float | None:
        _, reference, windows = world.drawn(random, looks, shifted)
        alarms = 0
        for window in windows:
            found = drift_of(reference, window, asked, {})
            if not found.known:
                return None
            alarms += any(one.name == "f0" or not shifted for one in found.drifted)
        return float(alarms > 0 if shifted else alarms)

    return trial


def psi_above(limit: float, world: World, looks: int = 1) -> Trial:
    """The rule of thumb: drift is a PSI above ``limit`` in any feature (shifted: the first)."""

    def trial(random: np.random.Generator, shifted: bool) -> float | None:
        _, reference, windows = world.drawn(random, looks, shifted)
        alarms = 0
        for window in windows:
            found = window.psi(reference.profile)
            above = [name for name, value in found.items() if value is not None and value > limit]
            alarms += any(name == "f0" or not shifted for name in above)
        return float(alarms > 0 if shifted else alarms)

    return trial


def ks_of_each(world: World, looks: int = 1) -> Trial:
    """A Kolmogorov-Smirnov test of each feature at 0.05, over rows, whatever their days."""

    def trial(random: np.random.Generator, shifted: bool) -> float | None:
        columns, _, _ = world.drawn(random, looks, shifted)
        first = world.reference + 2
        before = world.part(columns, 0, first)
        alarms = 0
        for look in range(looks):
            window = world.part(columns, first + look, first + look + WEEK)
            alarms += any(
                kolmogorov_smirnov_test(before[name][1], window[name][1]).verdict.value == "fail"
                for name in (["f0"] if shifted else window)
            )
        return float(alarms > 0 if shifted else alarms)

    return trial


DRAWS = {
    "normal": lambda random, rows: random.normal(size=rows),
    "t(3)": lambda random, rows: random.standard_t(3, size=rows),
    "log-normal": lambda random, rows: random.lognormal(size=rows),
    "ties (5 values)": lambda random, rows: random.integers(0, 5, size=rows).astype(float),
    "neighbours correlated by 0.3": lambda random, rows: autocorrelated(random, rows, 0.3),
}


def two_sample(test: str, of: str, before: int, after: int, effective: float = 1.0) -> Trial:
    """One test of two samples of one distribution; shifted by 0.3, or spread by 1.3."""
    draw = DRAWS[of]

    def trial(random: np.random.Generator, shifted: bool) -> float | None:
        one, other = draw(random, before), draw(random, after)
        if shifted:
            other = other * 1.3 if test == "spread" else other + MOVED
        if test == "ks":
            return failed(kolmogorov_smirnov_test(one, other, effective=effective))
        if test == "mean":
            return failed(mean_shift(Moments.of(one), Moments.of(other)))
        return failed(spread_shift(one, other))

    return trial


def bins_of(rare: float, before: int, after: int) -> Trial:
    """``homogeneity_test`` of ten bins, one of which has a share of ``rare``."""
    shares = np.append(np.full(9, (1 - rare) / 9), rare)

    def trial(random: np.random.Generator, shifted: bool) -> float | None:
        moved = shares + np.append([0.05, -0.05], np.zeros(8)) if shifted else shares
        return failed(
            homogeneity_test(random.multinomial(before, shares), random.multinomial(after, moved))
        )

    return trial


def nulls(share: float, before: int, after: int) -> Trial:
    """``share_shift`` of a share that stays, or doubles."""

    def trial(random: np.random.Generator, shifted: bool) -> float | None:
        one = int(random.binomial(before, share)), before
        other = int(random.binomial(after, share * (1 + shifted))), after
        return failed(share_shift(one, other))

    return trial


def rebuilt(heavy: bool, size: int) -> Trial:
    """``reconstruction_drift`` of six features with two common causes; shifted: one breaks off."""

    def matrix(random: np.random.Generator, rows: int, broken: bool) -> np.ndarray:
        causes = random.normal(size=(rows, 2))
        noise = random.standard_t(3, size=(rows, 6)) if heavy else random.normal(size=(rows, 6))
        found = np.repeat(causes, 3, axis=1) + 0.5 * noise
        if broken:
            found[:, 0] = random.permutation(found[:, 0])
        return found

    def trial(random: np.random.Generator, shifted: bool) -> float | None:
        fitted = Components.fit(matrix(random, 1000, False))
        reference, window = matrix(random, 20 * size, False), matrix(random, size, shifted)
        return failed(reconstruction_drift(fitted, reference, window))

    return trial


MIXED = ("normal", "heavy", "few", "category")


def cases() -> list[Case]:
    """All of them."""
    per_look = Asked(level=0.05)
    moved = f"mean of one feature + {MOVED} sd"
    how: dict[str, Any] = {"shift": moved}
    worlds = [
        ("60 days of 200 rows", World(60, 200), 1000, 40),
        ("60 days of 3 rows", World(60, 3), 1000, 40),
        ("28 days of 200 rows", World(28, 200), 1000, 40),
        ("60 days of 200 rows, no day effects", World(60, 200, day=0.0), 1000, 40),
        ("60 days of 200 rows, AR 0.6 days", World(60, 200, carried=0.6), 1000, 40),
        ("28 days of 200 rows, AR 0.6 days", World(28, 200, carried=0.6), 1000, 40),
        ("60 days of 200 rows, tails, ties, 1 % categories", World(60, 200, MIXED), 1000, 40),
        ("60 days of 15,000 rows (1,000,000 in all)", World(60, 15_000), 30, 2),
    ]
    found = [
        Case("calibrated PSI, 20 features, Holm", f"a look, {data}", calibrated(world, per_look),
             full, short, in_tests=short > 2, **how)
        for data, world, full, short in worlds
    ]  # fmt: skip
    found += [
        Case(f"calibrated {name.replace('_', ' ')}, 20 features, Holm",
             "a look, 60 days of 200 rows", calibrated(World(60, 200), Asked(name, level=0.05)),
             200, 10, in_tests=False, **how)
        for name in DISTANCES if name != "psi"
    ]  # fmt: skip
    found += [
        Case("PSI > 0.2, 20 features", f"a look, {data}", psi_above(0.2, world), min(full, 400),
             short, stated=None, whose="usual", **how)
        for data, world, full, short in worlds[:2] + worlds[4:5] + worlds[7:]
    ]  # fmt: skip
    found += [
        Case("K-S at 0.05 of each of 20 features", f"a look, {data}", ks_of_each(world),
             min(full, 200), short // 2, whose="usual", **how)
        for data, world, full, short in worlds[:2] + worlds[3:5]
    ]  # fmt: skip
    quarter: dict[str, Any] = {"stated": 1.0, "wrong": QUARTERLY, "shift": moved}
    for data, world in (("60 days of 200 rows", World(60, 200)),
                        ("60 days of 200 rows, AR 0.6 days", World(60, 200, carried=0.6)),
                        ("60 days of 3 rows", World(60, 3))):  # fmt: skip
        found += [
            Case("calibrated PSI, 20 features, 1/90 a look", f"90 days, {data}",
                 calibrated(world, Asked(), QUARTER), 150, 2, in_tests=False, **quarter),
            Case("PSI > 0.2, 20 features", f"90 days, {data}", psi_above(0.2, world, QUARTER), 150,
                 3, whose="usual", **quarter | {"stated": None}),
        ]  # fmt: skip
    found.append(
        Case("K-S at 0.05 of each of 20 features", "90 days, 60 days of 200 rows",
             ks_of_each(World(60, 200), QUARTER), 10, 1, whose="usual",
             **quarter | {"stated": 0.05 * QUARTER})
    )  # fmt: skip
    return found + _tests()


def _tests() -> list[Case]:
    """One test, one look."""
    by: dict[str, Any] = {"shift": f"+ {MOVED}"}
    found = []
    for of, before, after, full, short in (
        ("normal", 20, 20, 4000, 200), ("normal", 1000, 200, 4000, 200),
        ("t(3)", 1000, 200, 4000, 100), ("ties (5 values)", 1000, 200, 4000, 100),
        ("normal", 10**6, 10**5, 60, 3),
    ):  # fmt: skip
        rows = f"{before:,} and {after:,} rows, {of}"
        found.append(Case("Kolmogorov-Smirnov test", rows, two_sample("ks", of, before, after),
                          full, short, **by))  # fmt: skip
        found.append(Case("mean shift (Welch)", rows, two_sample("mean", of, before, after),
                          full, short, **by))  # fmt: skip
        found.append(Case("spread shift (Brown-Forsythe)", rows,
                          two_sample("spread", of, before, after), full, short,
                          shift="spread x 1.3"))  # fmt: skip
    ar = "neighbours correlated by 0.3"
    for rows, admitted in ((30, 0.12), (300, 0.07)):
        found.append(Case("mean shift (Welch)", f"10,000 and {rows} rows, log-normal",
                          two_sample("mean", "log-normal", 10_000, rows), 4000, 200,
                          admitted=admitted, **by))  # fmt: skip
    return [
        *found,
        Case("Kolmogorov-Smirnov test", f"1,000 and 200 rows, {ar}, effective 0.54",
             two_sample("ks", ar, 1000, 200, 0.7 / 1.3), 4000, 100, **by),
        Case("Kolmogorov-Smirnov test", f"1,000 and 200 rows, {ar}",
             two_sample("ks", ar, 1000, 200), 4000, 100, claimed=False),
        *(Case("chi-square test", f"{before:,} and {after:,} rows, a bin of 1 %",
               bins_of(0.01, before, after), full, 200, shift="5 % of rows change bins")
          for before, after, full in ((20, 20, 4000), (1000, 200, 4000), (10**6, 10**6, 4000))),
        *(Case("share shift", f"{before:,} and {after:,} rows, share {share}",
               nulls(share, before, after), 4000, 200, shift="share x 2")
          for share, before, after in ((0.3, 20, 20), (0.01, 1000, 200), (0.01, 10**6, 10**6))),
        *(Case("reconstruction drift", f"20 windows of {size} rows{tails}",
               rebuilt(bool(tails), size), 1000, 60, shift="one of six features breaks off")
          for size, tails in ((20, ""), (100, ""), (100, ", t(3) noise"))),
    ]  # fmt: skip
