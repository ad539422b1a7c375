"""Cases of estimates without labels, fairness, calibration and the order of features."""

from __future__ import annotations

from typing import Any

import numpy as np

from homeostat.stats.calibration_error import (
    calibration_error,
    calibration_in_the_large,
    recalibration,
)
from homeostat.stats.estimate.calibrate import Calibration
from homeostat.stats.estimate.calibration_sd import CERTAIN, CalibrationSd
from homeostat.stats.estimate.cbpe import estimate_binary
from homeostat.stats.estimate.cbpe_multiclass import estimate_multiclass
from homeostat.stats.estimate.direct_loss import estimate_loss
from homeostat.stats.estimate.trust import outside_profile
from homeostat.stats.fairness import demographic_parity, equalized_odds
from homeostat.stats.metrics import Array, auc, average_precision, measure
from homeostat.stats.profile import count, cut
from homeostat.stats.rank_change import rank_agreement
from homeostat.stats.result import Result
from truth.case import MISSED, Case, Trial, failed, missed

MISS: dict[str, Any] = {"wrong": MISSED}


def realised(metric: str, truth: Array, score: Array) -> float | None:
    """The metric once the labels are known."""
    if metric == "roc_auc":
        return auc(truth, score)
    if metric == "average_precision":
        return average_precision(truth, score)
    return measure(metric, truth, score)


def _misses(found: Result, truth: float | None) -> float | None:
    return None if truth is None else missed(found.low, found.high, truth)


def rows_of(random: np.random.Generator, rows: int, positives: float) -> tuple[Array, Array]:
    """Scores and true probabilities; the scores are too sure of themselves."""
    from scipy.special import expit, logit

    x = random.normal(0, 1.2, size=rows) + (logit(positives) if positives < 0.5 else 0.0)
    return expit(1.5 * x), expit(x)


def cbpe(metric: str, rows: int, positives: float, reference: int = 0) -> Trial:
    """CBPE misses what labels show; with true probabilities, or calibrated on a reference."""

    def trial(random: np.random.Generator, _: bool) -> float | None:
        score, p = rows_of(random, rows, positives)
        truth = (random.random(rows) < p) * 1.0
        sd, said = CERTAIN, p
        if reference:
            before, chance = rows_of(random, reference, positives)
            known = (random.random(reference) < chance) * 1.0
            curve = Calibration.fit(before, known)
            sd, said = CalibrationSd.of(before, curve.apply(before)), curve.apply(score)
        # two of its losses compare the stated probability; the others only rank or cut it
        found = estimate_binary(metric, score, said, calibration_sd=sd, draws=500)
        return _misses(found, realised(metric, truth, score))

    return trial


def several(metric: str, rows: int, odds: tuple[float, ...]) -> Trial:
    """The same for three classes."""

    def trial(random: np.random.Generator, _: bool) -> float | None:
        p = np.exp(random.normal(size=(rows, 3))) * np.array(odds)
        p /= p.sum(axis=1, keepdims=True)
        label = (random.random((rows, 1)) > np.cumsum(p, axis=1)).sum(axis=1).clip(0, 2)
        found = estimate_multiclass(metric, p, p)
        chosen = p.argmax(axis=1)
        if metric == "accuracy":
            return _misses(found, float((chosen == label).mean()))
        ranks = [auc((label == one) * 1.0, p[:, one]) for one in range(3)]
        return None if None in ranks else _misses(found, float(np.mean(ranks)))  # type: ignore[arg-type]

    return trial


def direct(metric: str, rows: int, heavy: bool) -> Trial:
    """Direct loss estimation misses the error that true values show."""

    def losses(random: np.random.Generator, size: int) -> tuple[Array, Array]:
        expected = random.uniform(0.5, 1.5, size=size)
        noise = random.standard_t(3, size=size) if heavy else random.normal(size=size)
        loss = np.abs(noise) * expected if metric == "mae" else (noise * expected) ** 2
        return expected if metric == "mae" else expected**2, loss

    def trial(random: np.random.Generator, _: bool) -> float | None:
        before, known = losses(random, 2000)
        said, loss = losses(random, rows)
        found = estimate_loss(metric, said, before, known)
        seen = float(loss.mean())
        return _misses(found, np.sqrt(seen) if metric == "rmse" else seen)

    return trial


def parity(groups: int, rows: int, base: float, apart: float = 0.1) -> Trial:
    """A difference that is at the limit is said to be above it (shifted: 0.15 higher, and seen)."""

    def trial(random: np.random.Generator, shifted: bool) -> float | None:
        rates = np.full(groups, base)
        rates[0] += apart + 0.15 * shifted
        codes = np.repeat(np.arange(groups), rows)
        chosen = (random.random(codes.size) < rates[codes]) * 1.0
        found = demographic_parity(chosen, codes, threshold=0.5, limit=apart)
        if shifted:
            return float(found.verdict.value == "fail")
        return _misses(found, apart)

    return trial


def odds(groups: int, rows: int) -> Trial:
    """Both rates of all groups are equal; the limit is 0."""

    def trial(random: np.random.Generator, shifted: bool) -> float | None:
        codes = np.repeat(np.arange(groups), rows)
        truth = (random.random(codes.size) < 0.4) * 1.0
        rate = np.where(truth > 0, 0.8 - 0.2 * shifted * (codes == 0), 0.2)
        chosen = (random.random(codes.size) < rate) * 1.0
        found = equalized_odds(truth, chosen, codes, threshold=0.5, limit=0.0)
        return float(found.verdict.value == "fail") if shifted else _misses(found, 0.0)

    return trial


def calibrated(rows: int, off: float, positives: float = 0.5) -> Trial:
    """The interval of the expected calibration error misses it; ``off`` is each row's excess."""

    def trial(random: np.random.Generator, shifted: bool) -> float | None:
        said = random.uniform(0.2, 0.8, size=rows) * (positives / 0.5)
        excess = 0.1 if shifted else off
        truth = (random.random(rows) < said - excess) * 1.0
        found = calibration_error(truth, said, limit=0.02)
        return float(found.verdict.value == "fail") if shifted else _misses(found, off)

    return trial


def at_large(rows: int, positives: float) -> Trial:
    """Mean probability less mean truth, of a calibrated model."""

    def trial(random: np.random.Generator, shifted: bool) -> float | None:
        said = random.uniform(0, 2 * positives, size=rows)
        truth = (random.random(rows) < said * (0.7 if shifted else 1.0)) * 1.0
        found = calibration_in_the_large(truth, said, limit=0.0)
        return float(found.verdict.value == "fail") if shifted else _misses(found, 0.0)

    return trial


def cox(part: str, rows: int) -> Trial:
    """Cox's slope or intercept, of a calibrated model."""
    from scipy.special import expit

    def trial(random: np.random.Generator, shifted: bool) -> float | None:
        score = random.normal(size=rows)
        truth = (random.random(rows) < expit((0.6 if shifted else 1.0) * score)) * 1.0
        both = recalibration(truth, expit(score), intercept_limit=0.0, slope_limit=0.0)
        found, true = (both.slope, 1.0) if part == "slope" else (both.intercept, 0.0)
        return failed(found) if shifted else _misses(found, true)

    return trial


def order(rows: int) -> Trial:
    """The interval of two models' agreement misses it: 8 features, in one order, close by."""

    def trial(random: np.random.Generator, shifted: bool) -> float | None:
        scale = 1 / np.arange(1, 9)
        ours, theirs = (random.exponential(size=(rows, 8)) * scale for _ in range(2))
        if shifted:
            ours = ours[:, ::-1]
        found = rank_agreement(ours, theirs, minimum=0.9, seed=1, resamples=200)
        return float(found.verdict.value == "fail") if shifted else _misses(found, 1.0)

    return trial


def outside(rows: int) -> Trial:
    """Any of 20 unchanged features is said to have rows outside of the reference."""

    def drawn(random: np.random.Generator, size: int) -> dict[str, tuple[str, Array]]:
        return {f"f{n}": ("number", random.normal(size=size)) for n in range(20)}

    def trial(random: np.random.Generator, shifted: bool) -> float | None:
        before, after = drawn(random, 5000), drawn(random, rows)
        if shifted:
            after["f0"] = ("number", after["f0"][1] + 1.0)
        bins = cut(before)  # type: ignore[arg-type]
        found = outside_profile(count(bins, before), count(bins, after))  # type: ignore[arg-type]
        return float(any(one.share > 0 for one in (found[:1] if shifted else found)))

    return trial


def cases() -> list[Case]:
    """All of them."""
    found = [
        Case(f"CBPE, {metric}", f"{rows:,} rows, {positives:.0%} positive, true probabilities",
             cbpe(metric, rows, positives), full, short, in_tests=False, **MISS)
        for metric, rows, positives, full, short in (
            ("accuracy", 300, 0.5, 1000, 40), ("f1", 300, 0.5, 1000, 40),
            ("roc_auc", 300, 0.5, 1000, 40), ("average_precision", 300, 0.5, 1000, 40),
            ("accuracy", 20, 0.5, 2000, 100), ("roc_auc", 5000, 0.01, 600, 20),
            ("average_precision", 5000, 0.01, 600, 20), ("f1", 5000, 0.01, 600, 20),
            ("accuracy", 10**6, 0.5, 40, 2),
        )
    ]  # fmt: skip
    found += [
        Case(f"CBPE, {metric}", f"{rows:,} rows, true probabilities", cbpe(metric, rows, 0.5),
             4000, 200, **MISS)
        for metric in ("brier", "log_loss") for rows in (20, 1000)
    ]  # fmt: skip
    found += [
        Case(f"CBPE, {metric}", "3,000 rows, calibrated on 1,500 others",
             cbpe(metric, 3000, 0.5, 1500), 600, 20, admitted=0.07, **MISS)
        for metric in ("accuracy", "f1", "roc_auc", "average_precision", "brier", "log_loss")
    ]  # fmt: skip
    found += [
        Case(f"CBPE, 3 classes, {metric}", f"{rows} rows, {name}", several(metric, rows, shares),
             2000, 100, **MISS)
        for metric in ("accuracy", "roc_auc")
        for rows, name, shares in ((300, "even", (1, 1, 1)), (2000, "1 % rarest", (1, 1, 0.02)))
    ]  # fmt: skip
    found += [
        Case(f"direct loss, {metric}", f"{rows:,} rows, 2,000 pairs, {name} noise",
             direct(metric, rows, heavy), 4000, 200, claimed=metric == "mae" or not heavy, **MISS)
        for metric, rows, name, heavy in (
            ("mae", 30, "normal", False), ("mae", 1000, "normal", False),
            ("rmse", 30, "normal", False), ("mae", 30, "t(3)", True), ("mae", 1000, "t(3)", True),
            ("rmse", 1000, "t(3)", True), ("mae", 10**5, "normal", False),
        )
    ]  # fmt: skip
    return found + _groups()


def _groups() -> list[Case]:
    """Fairness, calibration, the order of features."""
    higher: dict[str, Any] = {"shift": "0.15 further apart", **MISS}
    return [
        Case("demographic parity", "2 groups of 30", parity(2, 30, 0.1), 4000, 200, **higher),
        Case("demographic parity", "8 groups of 100", parity(8, 100, 0.3), 4000, 200, **higher),
        Case("demographic parity", "2 groups of 500,000, 1 % selected",
             parity(2, 500_000, 0.01, 0.01), 40, 2, **higher),
        Case("equalized odds", "4 groups of 200", odds(4, 200), 4000, 200,
             shift="true positive rate 0.8 to 0.6", **MISS),
        Case("calibration error", "200 rows, calibrated", calibrated(200, 0.0), 4000, 200,
             shift="0.1 off", **MISS),
        Case("calibration error", "1,000 rows, 0.05 off", calibrated(1000, 0.05), 4000, 200,
             shift="0.1 off", **MISS),
        Case("calibration error", "1,000,000 rows, 0.05 off", calibrated(10**6, 0.05), 40, 2,
             shift="0.1 off", **MISS),
        Case("calibration in the large", "30 rows", at_large(30, 0.3), 4000, 200,
             shift="30 % fewer happen", **MISS),
        Case("calibration in the large", "1,000 rows, 1 % positive", at_large(1000, 0.01), 4000,
             200, shift="30 % fewer happen", **MISS),
        Case("recalibration, slope", "100 rows", cox("slope", 100), 2000, 100,
             shift="slope 0.6", **MISS),
        Case("recalibration, intercept", "1,000 rows", cox("intercept", 1000), 2000, 100, **MISS),
        Case("rank agreement", "200 rows, 8 features", order(200), 400, 20,
             shift="the reverse order", **MISS),
        Case("outside the reference", "1,000 rows, 20 features", outside(1000), 2000, 100,
             shift="one feature + 1 sd"),
    ]  # fmt: skip
