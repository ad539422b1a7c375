"""Cases of ``homeostat.stats.compare``: two models on the same rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from homeostat.stats.compare.clustered_mean import clustered_mean
from homeostat.stats.compare.margin import worse_p
from homeostat.stats.compare.mcnemar import exact_p
from homeostat.stats.compare.multiplicity import benjamini_hochberg, holm
from homeostat.stats.compare.paired import paired
from truth.case import MISSED, Case, Trial, autocorrelated

WORSE = "the challenger's noise doubled"
Rows = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def two_models(
    random: np.random.Generator,
    blocks: int,
    per_block: int,
    *,
    positives: float = 0.3,
    worse: bool = False,
    ties: bool = False,
) -> Rows:
    """Truth, two predictions and blocks. Without ``worse`` the models can be exchanged.

    Days move the truth and, each in its own way, both models, so that rows of a day belong
    together. With one row per block there are no days.
    """
    from scipy.special import expit, ndtri

    labels = np.repeat(np.arange(blocks), per_block)
    day = 0.5 if per_block > 1 else 0.0
    latent = random.normal(size=labels.size) + day * random.normal(size=blocks)[labels]
    limit = -float(ndtri(positives)) * np.sqrt(1 + day**2)

    def predicted(noise: float) -> np.ndarray:
        own = day * random.normal(size=blocks)[labels] + random.normal(size=labels.size)
        said = expit(2 * (latent - limit + noise * own))
        return np.round(said, 1) if ties else said

    challenger, champion = predicted(1.2 if worse else 0.6), predicted(0.6)
    return (latent > limit).astype(np.float64), challenger, champion, labels


def of_metric(metric: str, blocks: int, per_block: int, **how: float | bool) -> Trial:
    """The interval of ``paired`` leaves out 0 (no shift), or shows the challenger to be worse."""

    def trial(random: np.random.Generator, shifted: bool) -> float | None:
        rows = two_models(random, blocks, per_block, worse=shifted, **how)  # type: ignore[arg-type]
        found = paired(metric, *rows, confidence=0.95, resamples=200, seed=1)
        if found.low is None or found.high is None:
            return None
        return float(found.high < 0 or (not shifted and found.low > 0))

    return trial


def heavy(random: np.random.Generator, shifted: bool) -> float | None:
    """Mean absolute error of two regressions whose truth has t(3) noise."""
    labels = np.repeat(np.arange(20), 25)
    signal = random.normal(size=500)
    truth = signal + random.standard_t(3, size=500)
    ours, theirs = (signal + s * random.normal(size=500) for s in (1.0 + shifted, 1.0))
    found = paired("mae", truth, ours, theirs, labels, confidence=0.95, resamples=200, seed=1)
    if found.low is None or found.high is None:
        return None
    return float(found.high < 0 or (not shifted and found.low > 0))


def mean_of(blocks: int, *, tails: bool = False, share: float = 0.0) -> Trial:
    """The interval of ``clustered_mean`` leaves out the mean, of ``blocks`` days of 15 rows."""
    labels = np.repeat(np.arange(blocks), 15)

    def trial(random: np.random.Generator, shifted: bool) -> float | None:
        days = autocorrelated(random, blocks, share)
        if tails:
            days = random.standard_t(3, size=blocks)
        values = days[labels] + random.normal(size=labels.size) + shifted
        found = clustered_mean(values, labels, 0.95)
        assert found.low is not None
        assert found.high is not None
        return float(found.low > 0 or found.high < 0)

    return trial


def hits(rows: int) -> Trial:
    """McNemar's exact test of two models that are right as often."""

    def trial(random: np.random.Generator, shifted: bool) -> float | None:
        ours = random.random(rows) < (0.65 if shifted else 0.8)
        theirs = random.random(rows) < 0.8
        return float(exact_p(int((ours & ~theirs).sum()), int((theirs & ~ours).sum())) <= 0.05)

    return trial


def slices(adjust: str) -> Trial:
    """Twenty slices of 20 days: is the challenger said to be worse in any (shifted: the first)."""

    def trial(random: np.random.Generator, shifted: bool) -> float | None:
        p_values = []
        for number in range(20):
            worse = shifted and number == 0
            truth, ours, theirs, labels = two_models(random, 20, 10, worse=worse)
            losses = (theirs - truth) ** 2 - (ours - truth) ** 2
            found = clustered_mean(losses, labels, 0.95)
            assert found.mean is not None
            assert found.error is not None
            p_values.append(worse_p(found.mean, found.error, found.blocks, 0.0))
        if adjust == "none":
            adjusted = np.array(p_values)
        else:
            adjusted = {"holm": holm, "bh": benjamini_hochberg}[adjust](p_values)
        return float(adjusted[0] <= 0.05 if shifted else bool((adjusted <= 0.05).any()))

    return trial


def rows_alone(random: np.random.Generator, shifted: bool) -> float | None:
    """A paired t-test over rows that come by days."""
    from scipy.stats import ttest_1samp

    truth, ours, theirs, _ = two_models(random, 60, 50, worse=shifted)
    tested = ttest_1samp((theirs - truth) ** 2 - (ours - truth) ** 2, 0.0)
    return float(tested.pvalue < 0.05 and (not shifted or tested.statistic < 0))


def cases() -> list[Case]:
    """All of them."""
    wrong: dict[str, Any] = {"wrong": MISSED, "shift": WORSE}
    asked = [
        ("auc", "200 rows in 10 days", of_metric("auc", 10, 20), 2000, 100, None),
        ("auc", "500 rows in 20 days", of_metric("auc", 20, 25), 2000, 100, None),
        ("auc", "3,000 rows in 60 days, 1 % positive",
         of_metric("auc", 60, 50, positives=0.01), 2000, 60, None),
        ("auc", "500 rows in 20 days, ties", of_metric("auc", 20, 25, ties=True), 2000, 60, None),
        ("auc", "100,000 rows in 50 days", of_metric("auc", 50, 2000), 200, 10, None),
        ("accuracy", "20 rows", of_metric("accuracy", 20, 1), 2000, 200, None),
        ("accuracy", "1,000 rows, 1 % positive",
         of_metric("accuracy", 1000, 1, positives=0.01), 2000, 100, None),
        ("accuracy", "500 rows in 20 days", of_metric("accuracy", 20, 25), 2000, 100, None),
        ("accuracy", "1,000,000 rows", of_metric("accuracy", 10**6, 1), 60, 3, None),
        ("brier", "20 rows", of_metric("brier", 20, 1), 2000, 200, None),
        ("brier", "200 rows in 10 days", of_metric("brier", 10, 20), 2000, 100, None),
        ("brier", "3,000 rows in 60 days, 1 % positive",
         of_metric("brier", 60, 50, positives=0.01), 2000, 60, None),
        ("brier", "1,000,000 rows in 100 days", of_metric("brier", 100, 10**4), 60, 3, None),
        ("f1", "500 rows in 20 days", of_metric("f1", 20, 25), 2000, 100, None),
        ("f1", "3,000 rows in 60 days, 1 % positive",
         of_metric("f1", 60, 50, positives=0.01), 2000, 60, None),
        ("average_precision", "500 rows in 20 days",
         of_metric("average_precision", 20, 25), 1000, 60, 0.09),
        ("average_precision", "1,000 rows in 100 days",
         of_metric("average_precision", 100, 10), 600, 40, 0.07),
        ("average_precision", "3,000 rows in 60 days, 1 % positive",
         of_metric("average_precision", 60, 50, positives=0.01), 400, 20, 0.09),
        ("mae", "500 rows in 20 days, t(3) noise", heavy, 2000, 100, None),
    ]  # fmt: skip
    found = [
        Case(f"paired, {metric}", data, trial, full, short, admitted=admitted, **wrong)
        for metric, data, trial, full, short, admitted in asked
    ]
    by_a: dict[str, Any] = {"wrong": MISSED, "shift": "mean + 1 sd of a day"}
    for blocks, kept in ((5, True), (8, True), (20, False)):
        found.append(
            Case("clustered mean", f"{blocks} days", mean_of(blocks), 4000, 400, **by_a,
                 in_tests=kept)
        )  # fmt: skip
    found += [
        Case("clustered mean", "8 days, t(3)", mean_of(8, tails=True), 4000, 400, **by_a),
        Case("clustered mean", "60 days, neighbours correlated by 0.3", mean_of(60, share=0.3),
             2000, 100, claimed=False, **by_a),
        Case("exact McNemar", "20 rows", hits(20), 4000, 200, shift="hits 80 % to 65 %"),
        Case("exact McNemar", "1,000 rows", hits(1000), 4000, 200, shift="hits 80 % to 65 %"),
        Case("Holm over 20 slices", "each 200 rows in 20 days", slices("holm"), 1000, 60,
             shift=f"{WORSE}, in one slice"),
        Case("Benjamini-Hochberg over 20 slices", "each 200 rows in 20 days", slices("bh"), 1000,
             60, shift=f"{WORSE}, in one slice"),
        Case("20 slices, each at 0.05", "each 200 rows in 20 days", slices("none"), 600, 40,
             shift=f"{WORSE}, in one slice", whose="usual", stated=0.05),
        Case("paired t-test over rows, brier", "3,000 rows in 60 days", rows_alone, 2000, 100,
             shift=WORSE, whose="usual", wrong=MISSED),
    ]  # fmt: skip
    return found
