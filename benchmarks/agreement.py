"""Do our numbers agree with others' on the same seeded data, and where not, why not.

Run: python benchmarks/agreement.py

SciPy, Evidently, NannyML and MLstatkit. Each line: quantity, ours, theirs, difference, relative
difference and what was found. *agrees*: within the tolerance of its section. *differs*: the
definitions differ, and the line says how; this is shown and not judged. *DISAGREES*: it should
agree and does not, and then the exit status is 1.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(1, str(Path(__file__).parent / "drift_peers"))

import delong_peer
import environments
import evidently_bins
import numpy as np
import polars as pl
import seeded
from scipy.spatial.distance import jensenshannon
from scipy.stats import chi2_contingency, ks_2samp, wasserstein_distance

from homeostat.stats.compare.influence import placements
from homeostat.stats.compare.paired import paired
from homeostat.stats.drift.distances import chi_square, jensen_shannon
from homeostat.stats.drift.psi import psi
from homeostat.stats.drift.two_sample import homogeneity_test, kolmogorov_smirnov_test
from homeostat.stats.drift.wasserstein import wasserstein
from homeostat.stats.estimate.calibrate import Calibration
from homeostat.stats.estimate.calibration_sd import CalibrationSd
from homeostat.stats.estimate.cbpe import estimate_binary
from homeostat.stats.profile import count, cut

EXACT = 1e-9
"""Largest relative difference of what is the same formula."""
TAIL = 1e-6
"""The same for p values, of which the smallest are near 1e-200: digits are lost in the exponent."""
AS_COUNTS = 1e30
"""Shares times this are counts to which our +0.5 adds nothing."""
disagreeing: list[str] = []
judged = 0


def head(title: str, about: str = "") -> None:
    """The begin of a section."""
    print(f"\n{title}")
    if about:
        print(about)
    names = ("ours", "theirs", "difference", "relative")
    print(f"{'':<38}" + "".join(f"{name:>14}" for name in names))


def line(what: str, ours: float, theirs: float, within: float | None, why: str = "") -> None:
    """One quantity. ``within`` is the largest relative difference; None is not judged."""
    global judged  # noqa: PLW0603
    difference = ours - theirs
    relative = 0.0 if difference == 0 else abs(difference) / max(abs(theirs), 1e-300)
    found = "differs" if difference else "agrees"
    if within is not None:
        judged += 1
        found = "agrees"
        if not (relative <= within or abs(difference) <= 1e-14):
            disagreeing.append(what)
            found = "DISAGREES"
    numbers = f"{ours:>14.7g}{theirs:>14.7g}{difference:>14.2g}{relative:>14.2g}"
    print(f"{what:<38}{numbers}   {found}{': ' + why if why else ''}")


# -- SciPy --------------------------------------------------------------------------------


def against_scipy(before: pl.DataFrame, after: pl.DataFrame) -> None:
    """Tests and distances of each column."""
    head("Against SciPy", "deciles: over our ten bins of the reference; others: on the raw values")
    for name in before.columns:
        one, other = (evidently_bins.cleaned(frame[name].to_numpy()) for frame in (before, after))
        ours, theirs = kolmogorov_smirnov_test(one, other), ks_2samp(one, other, method="asymp")
        line(f"{name}: KS, D", number(ours.estimate), theirs.statistic, EXACT)
        line(f"{name}: KS, p", number(ours.p_value), theirs.pvalue, TAIL)
        moved = number(wasserstein(one, other))
        line(f"{name}: Wasserstein", moved, wasserstein_distance(one, other), EXACT)
        counts = deciles(one, other)
        mine = number(jensen_shannon(*counts))
        line(f"{name}: JS, deciles", mine, float(jensenshannon(*counts, base=2)), TAIL)
        used = counts[:, counts.sum(axis=0) > 0]
        table = chi2_contingency(used, correction=False) if used.shape[1] > 1 else None
        statistic = table.statistic if table is not None else 0.0
        strength = number(chi_square(*counts))
        line(f"{name}: chi-square, deciles", strength**2 * counts.sum(), statistic, EXACT)
        tested, pooled = homogeneity_test(*counts), large_enough(used)
        table = chi2_contingency(pooled, correction=False) if pooled.shape[1] > 1 else None
        line(f"{name}: chi-square, p", number(tested.p_value), table.pvalue if table else 1.0, TAIL)


def large_enough(used: np.ndarray) -> np.ndarray:
    """Bins that expect fewer than 5 rows taken together, as ours does before its p value."""
    expected = used.sum(axis=0) * used.sum(axis=1).min() / used.sum()
    small = expected < 5
    if not small.any():
        return used
    rest, kept = used[:, small].sum(axis=1, keepdims=True), used[:, ~small]
    if kept.size and expected[small].sum() < 5:
        smallest = int(np.argmin(expected[~small]))
        rest, kept = rest + kept[:, [smallest]], np.delete(kept, smallest, axis=1)
    return np.hstack([kept, rest])


def deciles(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Counts of both over our bins, without the bin of nulls; shape (2, bins)."""
    columns: Any = {"x": ("number", before)}
    bins = cut(columns)
    both = (count(bins, columns), count(bins, {"x": ("number", after)}))
    return np.array([one.counts[0][:-1] for one in both], dtype=float)


def number(value: float | None) -> float:
    """A value that is there."""
    assert value is not None
    return value


# -- Evidently ----------------------------------------------------------------------------


def against_evidently(before: pl.DataFrame, after: pl.DataFrame, paths: list[Path]) -> None:
    """PSI, KS and JS of each column, on Evidently's bins."""
    theirs = environments.ask("evidently", "scores", *paths)
    head(
        f"Against Evidently {theirs['versions']['evidently']}, on its own bins",
        "Its bins: of equal width, Sturges' number of them, over both samples together; a reference"
        " of at most\n20 values is compared value by value. An empty bin's share is set to 0.0001,"
        " or to a millionth of the\nleast share where that is at most 0.0001.",
    )
    restated_exactly(theirs["columns"])
    for name, score in theirs["columns"].items():
        one, other = (evidently_bins.cleaned(frame[name].to_numpy()) for frame in (before, after))
        shares = evidently_bins.shares(one, other)
        filled = [evidently_bins.filled(share) for share in shares]
        over = max(float(share.sum()) - 1 for share in filled)
        ours = number(psi(*(share * AS_COUNTS for share in filled)))
        if over < EXACT:
            line(f"{name}: PSI, its filling", ours, score["psi"], EXACT)
        else:
            why = f"ours brings filled shares back to a sum of 1; theirs are left at {1 + over:.5f}"
            line(f"{name}: PSI, its filling", ours, score["psi"], 2 * over, why)
            one_sum, other_sum = (share / share.sum() for share in filled)
            exactly = float(np.sum((one_sum - other_sum) * np.log(one_sum / other_sum)))
            line(f"{name}: PSI, its filling, sum 1", ours, exactly, EXACT)
        smoothed = number(psi(shares[0] * one.size, shares[1] * other.size))
        line(f"{name}: PSI, our +0.5", smoothed, score["psi"], None, because(shares, one, other))
        mine = kolmogorov_smirnov_test(one, other)
        line(f"{name}: KS, p", number(mine.p_value), score["ks"], TAIL)
        bits = number(jensen_shannon(*shares))
        why = f"ours is {bits:.6f} in bits (base 2), here times sqrt(ln 2)"
        line(f"{name}: JS, nats", bits * np.sqrt(np.log(2)), score["jensenshannon"], TAIL, why)


def restated_exactly(columns: dict[str, Any]) -> None:
    """Its scores beside those from its definition restated, without which the rest means little."""
    for method, name in (("psi", "PSI"), ("jensenshannon", "JS")):
        pairs = [(one["restated"][method], one[method]) for one in columns.values()]
        restated, given = max(pairs, key=lambda pair: abs(pair[0] - pair[1]))
        line(f"{name} restated, the furthest of all", restated, given, TAIL)


def because(shares: tuple[np.ndarray, np.ndarray], one: np.ndarray, other: np.ndarray) -> str:
    """Why our smoothing gives another PSI than Evidently's filling."""
    found = []
    for share, other_share, values, side in (
        (shares[0], shares[1], one, "before"),
        (shares[1], shares[0], other, "after"),
    ):
        empty = int(((share == 0) & (other_share > 0)).sum())
        if empty:
            given, half = evidently_bins.filled(share)[share == 0][0], 0.5 / values.size
            found.append(f"{empty} {side} (share {half:.1g} for us, {given:.1g} for them)")
    if not found:
        return "" if (shares[0] == shares[1]).all() else "no bin is empty; half a row more in each"
    return "empty bins: " + ", ".join(found)


# -- NannyML ------------------------------------------------------------------------------


def against_nannyml(paths: list[Path]) -> None:
    """Estimated metrics of a window whose inputs moved, and the realised ones."""
    theirs = environments.ask("nannyml", "cbpe", *paths)
    reference, analysis = (pl.read_parquet(path) for path in paths[:2])
    score, truth = (reference[name].to_numpy() for name in ("y_pred_proba", "y_true"))
    calibration = Calibration.fit(score, truth)
    sd = CalibrationSd.of(score, calibration.apply(score))
    now, labels = analysis["y_pred_proba"].to_numpy(), np.load(paths[2]).astype(float)
    (chunk,) = theirs["chunks"]
    head(
        f"Against NannyML {theirs['versions']['nannyml']}: CBPE of {now.size:,} rows",
        "Both calibrate by isotonic regression on all of the reference, each by its own code.",
    )
    for metric in ("roc_auc", "accuracy", "f1"):
        ours = estimate_binary(metric, now, calibration.apply(now), calibration_sd=sd)
        value = chunk[metric]
        realised = estimate_binary(metric, now, labels)
        why = {
            "roc_auc": "theirs rounds counts to 5 digits and does not take tied scores together",
        }.get(metric, "")
        line(f"{metric}: estimated", number(ours.estimate), value["estimated"], TAIL, why)
        line(f"{metric}: realised", number(realised.estimate), value["realised"], EXACT)
        low, high = number(ours.low), number(ours.high)
        line(f"{metric}: estimated, beside realised", number(ours.estimate), value["realised"],
             None, "an estimate, and what it is of")  # fmt: skip
        held, theirs_held = (
            "holds" if one[0] <= value["realised"] <= one[1] else "misses"
            for one in ((low, high), (value["low"], value["high"]))
        )
        reaches = (high - low) / 2, (value["high"] - value["low"]) / 2
        why = (
            f"ours is for 95 % of windows, with the calibration's error, and {held} the realised;"
            f" theirs is 3 standard errors of sampling, and {theirs_held} it"
        )
        line(f"{metric}: half the interval", *reaches, None, why)


# -- DeLong -------------------------------------------------------------------------------


def against_direct(rows: int = 3_000) -> None:
    """DeLong's variance: all pairs counted one by one, another package, and ours by ranks."""
    random = np.random.default_rng(15)
    x = random.normal(size=rows)
    truth = (random.random(rows) < 1 / (1 + np.exp(1.5 - x))).astype(float)
    smooth = [x + random.normal(size=rows), x + 1.2 * random.normal(size=rows)]
    for kind, scores in (("", smooth), (" with ties", [np.round(one * 2) / 2 for one in smooth])):
        positive = truth > 0
        direct = [pairs(one[positive], one[~positive]) for one in scores]
        aucs = [float(one.mean()) for one in direct]
        ups, downs = (np.subtract(*(one.mean(axis=axis) for one in direct)) for axis in (1, 0))
        variance = ups.var(ddof=1) / ups.size + downs.var(ddof=1) / downs.size
        head(f"DeLong's variance of a difference of two AUCs, {rows:,} rows{kind}")
        found = [placements(truth, one) for one in scores]
        for name, of, mean in zip(("first", "second"), found, aucs, strict=True):
            line(f"AUC of the {name}, against all pairs", float(of[positive].mean()), mean, EXACT)
        ours_up, ours_down = (
            np.subtract(*(of[side] for of in found)) for side in (positive, ~positive)
        )
        by_ranks = ours_up.var(ddof=1) / ups.size + ours_down.var(ddof=1) / downs.size
        line("variance, against all pairs", float(by_ranks), float(variance), EXACT)
        theirs = delong_peer.asked(truth, *scores)
        assert theirs["method"] == "delong"
        peer = f"MLstatkit {theirs['versions']['MLstatkit']}"
        line(f"variance, against {peer}", float(by_ranks), theirs["variance"], EXACT)
        shown = paired(
            "auc", truth, scores[0], scores[1], np.arange(rows),
            confidence=0.95, resamples=100, seed=1,
        )  # fmt: skip
        least = min(ups.size, downs.size)
        line("what paired() states, against it", number(shown.error) ** 2, float(variance),
             1 / least, "rows are counted as one sample, rows / (rows - 1), and not each class by "
             f"itself, at most 1 / {least} apart")  # fmt: skip


def pairs(positive: np.ndarray, negative: np.ndarray) -> np.ndarray:
    """1, 1/2 or 0 for each pair of rows in right order, tied or in wrong order."""
    apart = positive[:, None] - negative[None, :]
    return np.asarray((np.sign(apart) + 1) / 2)


def main() -> None:
    """Print all sections; exit with 1 when something that should agree does not."""
    seeded.OUT.mkdir(parents=True, exist_ok=True)
    scored, binary = seeded.scored(seeded.OUT), seeded.judged(seeded.OUT)
    before, after = (pl.read_parquet(path) for path in scored)
    against_scipy(before, after)
    against_evidently(before, after, scored)
    against_nannyml(binary)
    against_direct()
    print(f"\n{judged} should agree, {len(disagreeing)} do not")
    for what in disagreeing:
        print(f"  {what}")
    sys.exit(1 if disagreeing else 0)


if __name__ == "__main__":
    main()
