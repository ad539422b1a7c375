"""How every function that answers with a Result is called with rows; one entry at least each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from homeostat.stats import calibration_error as calibration
from homeostat.stats.compare.metric_interval import metric_interval
from homeostat.stats.drift.moments import Moments, mean_shift, spread_shift
from homeostat.stats.drift.portfolio import Asked, drift_of
from homeostat.stats.drift.reconstruction import Components, reconstruction_drift
from homeostat.stats.drift.reference import reference_of
from homeostat.stats.drift.shares import share_shift
from homeostat.stats.drift.two_sample import homogeneity_test, kolmogorov_smirnov_test
from homeostat.stats.estimate import cbpe_multiclass, direct_loss, metric_of_counts
from homeostat.stats.estimate.cbpe import estimate_binary
from homeostat.stats.estimate.cbpe_multiclass import estimate_multiclass
from homeostat.stats.estimate.direct_loss import estimate_loss
from homeostat.stats.estimate.expected_loss import LOSSES
from homeostat.stats.fairness import demographic_parity, equalized_odds
from homeostat.stats.profile import count
from homeostat.stats.rank_change import rank_agreement
from homeostat.stats.result import Result, unable
from homeostat.stats.sequential.agreement import disagreement
from homeostat.stats.sequential.quantile import slower, too_slow
from homeostat.stats.sequential.two_rates import more_errors
from homeostat.stats.utilisation import sustained_above
from tests.property.stats.samples import KINDS, Column, Groups, Kinds

NOT_FINITE = (float("nan"), float("inf"), float("-inf"))


@dataclass(frozen=True)
class Judge:
    """``call(groups, rate)`` asks the function ``of`` at the stated error rate."""

    of: str
    kinds: Kinds
    call: Callable[[Groups, float], Result]
    note: str = ""
    strange: tuple[float, ...] = NOT_FINITE
    """What is left out; empty when each value has a meaning of its own."""
    refuses: bool = False
    """What is strange gives the verdict *error*, which the docstring says."""
    whole: bool = False
    """A row is left out only when all of its numbers are strange."""
    ordered: frozenset[int] = frozenset()
    """Groups in which the order of rows matters."""
    one_row_passes: bool = False
    """One row can be a pass, and the docstring says why."""
    exact: bool = False
    """A rule without an error rate."""
    rows: int | tuple[int, int] = 400

    def __str__(self) -> str:
        return f"{self.of}[{self.note}]" if self.note else self.of


def _tally(labels: Column) -> tuple[int, int]:
    """Ones and rows; no count at all when a label is no number."""
    with np.errstate(over="ignore", invalid="ignore"):
        return labels.sum(), labels.size


@cache
def _components() -> Components:
    return Components.fit(KINDS["features"](np.random.default_rng(99), 2000))


def _moments(groups: Groups, rate: float) -> Result:
    return mean_shift(Moments.of(groups[0][0]), Moments.of(groups[1][0]), alpha=rate)


def _portfolio(groups: Groups, rate: float) -> Result:
    """The one feature of ``drift_of`` as a Result; its error rate is that of the look."""
    (values, at_s), (window,) = groups
    reference = reference_of({"x": ("number", values)}, at_s, block_s=1000.0)
    profile = count(reference.profile.bins, {"x": ("number", window)})
    found = drift_of(reference, profile, Asked(length=3, level=rate), {})
    (one,) = found.features
    reason = one.reason or "a p value"
    rows = reference.profile.rows + found.rows
    return Result(
        one.verdict, one.distance, p_value=one.p_value, error_rate=rate, rows=rows, reason=reason
    )


def _recalibration(part: str) -> Callable[[Groups, float], Result]:
    def call(groups: Groups, rate: float) -> Result:
        limits = {"intercept_limit": 0.1, "slope_limit": 0.5, "confidence": 1 - rate}
        found: Result = getattr(calibration.recalibration(*groups[0], **limits), part)
        return found

    return call


def _binary(metric: str) -> Callable[[Groups, float], Result]:
    return lambda g, rate: estimate_binary(metric, *g[0], confidence=1 - rate, draws=300, seed=3)


def _multiclass(metric: str) -> Callable[[Groups, float], Result]:
    return lambda g, rate: estimate_multiclass(metric, *g[0], confidence=1 - rate)


def _loss(metric: str) -> Callable[[Groups, float], Result]:
    return lambda g, rate: estimate_loss(metric, *g[0], *g[1], confidence=1 - rate)


def _own(metric: str) -> Callable[[Groups, float], Result]:
    return lambda g, rate: metric_interval(metric, *g[0], confidence=1 - rate)


def _orders(measure: str, minimum: float) -> Callable[[Groups, float], Result]:
    given = {"measure": measure, "minimum": minimum, "resamples": 20, "seed": 3}
    return lambda g, rate: rank_agreement(*g[0], confidence=1 - rate, **given)  # type: ignore[arg-type]


PAIRED: Kinds = (("label", "share"),)
TWO: Kinds = (("number",), ("number",))
FIRST = frozenset({0})
ESTIMATES = [
    *[Judge("estimate.cbpe.estimate_binary", (("share", "share"),), _binary(metric), metric,
            one_row_passes=metric != "roc_auc")
      for metric in (*metric_of_counts.COUNTED, *metric_of_counts.RANKS, *LOSSES)],
    *[Judge("estimate.cbpe_multiclass.estimate_multiclass", (("classes", "classes"),),
            _multiclass(metric), metric,
            one_row_passes=metric not in cbpe_multiclass.PER_CLASS)
      for metric in cbpe_multiclass.METRICS],
    *[Judge("estimate.direct_loss.estimate_loss", (("loss",), ("loss", "loss")), _loss(metric),
            metric)
      for metric in direct_loss.METRICS],
]  # fmt: skip
JUDGES = [
    *ESTIMATES,
    *[Judge("compare.metric_interval.metric_interval", (("label", "share", "block"),),
            _own(metric), metric)
      for metric in ("auc", "brier", "f1", "rmse", "r2", "accuracy", "log_loss", "pinball_90")],
    Judge("calibration_error.calibration_error", PAIRED,
          lambda g, rate: calibration.calibration_error(*g[0], limit=0.05, confidence=1 - rate)),
    Judge("calibration_error.calibration_in_the_large", PAIRED,
          lambda g, rate: calibration.calibration_in_the_large(
              *g[0], limit=0.3, confidence=1 - rate)),
    Judge("calibration_error.recalibration", PAIRED, _recalibration("intercept"), "intercept"),
    Judge("calibration_error.recalibration", PAIRED, _recalibration("slope"), "slope"),
    Judge("drift.moments.mean_shift", TWO, _moments),
    Judge("drift.moments.spread_shift", TWO,
          lambda g, rate: spread_shift(g[0][0], g[1][0], alpha=rate)),
    Judge("drift.portfolio.drift_of", (("number", "time"), ("number",)), _portfolio,
          strange=()),  # a null is a bin of its own, and an infinity stands in an outer one
    Judge("drift.reconstruction.reconstruction_drift", (("features",), ("features",)),
          lambda g, rate: reconstruction_drift(_components(), g[0][0], g[1][0], alpha=rate),
          whole=True, ordered=FIRST, rows=(800, 40)),
    Judge("drift.shares.share_shift", (("label",), ("label",)),
          lambda g, rate: share_shift(_tally(g[0][0]), _tally(g[1][0]), alpha=rate),
          refuses=True),
    Judge("drift.two_sample.homogeneity_test", (("count", "count"),),
          lambda g, rate: homogeneity_test(*g[0], alpha=rate), refuses=True, rows=12,
          one_row_passes=True),  # a row is a bin here
    Judge("drift.two_sample.kolmogorov_smirnov_test", TWO,
          lambda g, rate: kolmogorov_smirnov_test(g[0][0], g[1][0], alpha=rate)),
    Judge("fairness.demographic_parity", (("share", "name"),),
          lambda g, rate: demographic_parity(*g[0], threshold=0.5, limit=0.3, confidence=1 - rate)),
    Judge("fairness.equalized_odds", (("label", "share", "name"),),
          lambda g, rate: equalized_odds(*g[0], threshold=0.5, limit=0.5, confidence=1 - rate)),
    Judge("rank_change.rank_agreement", (("features", "features"),), _orders("tau", -0.5), "tau",
          ordered=FIRST),
    Judge("rank_change.rank_agreement", (("features", "features"),), _orders("overlap", 0.1),
          "overlap", ordered=FIRST),
    Judge("sequential.agreement.disagreement", (("share", "share"),),
          lambda g, rate: disagreement(*g[0], limit=0.1, error_rate=rate), "numbers",
          ordered=FIRST),
    Judge("sequential.agreement.disagreement", (("classes", "classes"),),
          lambda g, rate: disagreement(*g[0], limit=0.1, error_rate=rate), "classes",
          ordered=FIRST),
    Judge("sequential.quantile.slower", TWO,
          lambda g, rate: slower(g[0][0], g[1][0], 0.5, margin=3.0, error_rate=rate),
          strange=(float("nan"), float("-inf"))),
    Judge("sequential.quantile.too_slow", (("number",),),
          lambda g, rate: too_slow(g[0][0], 0.5, limit=4.0, error_rate=rate),
          strange=(float("nan"), float("-inf"))),
    Judge("sequential.two_rates.more_errors", (("label",), ("label",)),
          lambda g, rate: more_errors(
              _tally(g[0][0]), _tally(g[1][0]), margin=0.3, error_rate=rate), refuses=True),
    Judge("utilisation.sustained_above", (("number", "time"),),
          lambda g, _: sustained_above(
              g[0][1], g[0][0], now_s=39_999.0, limit=4.0, hold_s=1000.0, max_gap_s=40_000.0),
          one_row_passes=True, exact=True),
]  # fmt: skip
FINISHING = {"result.unable", "drift.two_sample.judged", "estimate.trust.trusted"}
"""These see no rows: they put a result in its form, and have tests of their own."""
TABLED = {judge.of for judge in JUDGES} - {"drift.portfolio.drift_of"} | FINISHING
"""``drift_of`` answers with records of its own; it is here since it has verdicts."""
FORM = Judge("any answer", (), lambda *_: unable("asked nothing"))
"""For answers that are not from a judge of the table."""
