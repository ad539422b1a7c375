"""How the functions that make numbers of rows are called, and which functions see no rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from homeostat.stats import metrics
from homeostat.stats.compare import influence, multiplicity
from homeostat.stats.compare.clustered_mean import clustered_mean
from homeostat.stats.compare.paired import paired
from homeostat.stats.compare.paired_bootstrap import paired_bootstrap
from homeostat.stats.compare.resampled import resampled
from homeostat.stats.drift import distances, psi, wasserstein
from homeostat.stats.drift.calibrated import calibrate
from homeostat.stats.estimate.calibrate import expected_calibration_error
from homeostat.stats.sequential.anytime_mean import anytime_mean
from homeostat.stats.sequential.quantile import quantile_interval
from tests.property.stats.samples import Groups, Kinds

NOT_FINITE = (float("nan"), float("inf"), float("-inf"))
LEFT_OUT, REFUSED, UNDEFINED = "left out", "refused with a ValueError", "makes it undefined"


@dataclass(frozen=True)
class Number:
    """``call(groups)`` gives a number, None, or a list of them."""

    of: str
    kinds: Kinds
    call: Callable[[Groups], Any]
    note: str = ""
    strange: str = LEFT_OUT
    """What becomes of rows with a value of ``values``."""
    values: tuple[float, ...] = NOT_FINITE
    ordered: bool = False
    """Whether the order of rows (or of bins) matters, in any group."""
    range: tuple[float, float] = (-np.inf, np.inf)
    rows: int = 300

    def __str__(self) -> str:
        return f"{self.of}[{self.note}]" if self.note else self.of


def _compared(metric: str) -> Callable[[Groups], Any]:
    def call(groups: Groups) -> Any:
        given = {"confidence": 0.95, "resamples": 40, "seed": 1}
        found = paired(metric, *groups[0], **given)  # type: ignore[arg-type]
        return [found.challenger, found.champion, found.difference, found.low, found.high]

    return call


def _bootstrap(groups: Groups) -> Any:
    given = {"confidence": 0.95, "resamples": 40, "seed": 1}
    found = paired_bootstrap("average_precision", *groups[0], **given)  # type: ignore[arg-type]
    return [found.low, found.high, found.error]


def _mean(function: Callable[..., Any]) -> Callable[[Groups], Any]:
    def call(groups: Groups) -> Any:
        found = function(*groups[0], 0.95)
        return [found.mean, found.low, found.high, found.error]

    return call


def _adjusted(function: Callable[..., Any]) -> Callable[[Groups], Any]:
    def call(groups: Groups) -> Any:
        found = function(groups[0][0])
        return np.sort(found[~np.isnan(found)])

    return call


def _calibrated(groups: Groups) -> Any:
    found = calibrate("psi", groups[0][0], rows=500, length=3, seed=1)
    return None if found is None else [found.mean, found.degrees, found.windows]


def _binned(groups: Groups) -> Any:
    points = np.arange(groups[0][0].size) * 1.0
    return wasserstein.binned_wasserstein(*groups[0], points=points)


PREDICTED: Kinds = (("label", "share"),)
COUNTS: Kinds = (("count", "count"),)
BINARY = ("auc", "average_precision", "precision", "recall", "f1", "accuracy", "calibration_error")
RANGES = dict.fromkeys((*BINARY, "brier"), (0.0, 1.0)) | dict.fromkeys(
    ("mae", "mape", "rmse", "log_loss", "pinball_90"), (0.0, np.inf)
)
UNIT = (0.0, 1.0)
NUMBERS = [
    *[Number(f"metrics.{name}", (("loss", "loss"),) if name == "mape" else PREDICTED,
             lambda g, f=function: f(*g[0]), strange=REFUSED,
             range=RANGES.get(name, (-np.inf, np.inf)))
      for name, function in metrics.METRICS.items()],
    *[Number("metrics.measure", PREDICTED, lambda g, m=name: metrics.measure(m, *g[0]), name,
             REFUSED, range=RANGES[name])
      for name in ("pinball_90", "auc")],
    Number("metrics.pinball", PREDICTED, lambda g: metrics.pinball(*g[0]), strange=REFUSED),
    *[Number("metrics.row_loss", PREDICTED,
             lambda g, t=task: np.sort(metrics.row_loss(t, *g[0])), task, REFUSED)
      for task in ("binary", "regression")],
    *[Number("metrics.row_values", PREDICTED,
             lambda g, m=name: np.sort(metrics.row_values(m, *g[0])), name, REFUSED)
      for name in ("accuracy", "log_loss", "brier", "mae", "pinball_10")],
    *[Number(f"compare.multiplicity.{name}", (("share",),), _adjusted(function), values=(np.nan,),
             range=UNIT)
      for name, function in (("holm", multiplicity.holm),
                             ("benjamini_hochberg", multiplicity.benjamini_hochberg))],
    Number("compare.clustered_mean.clustered_mean", (("number", "block"),), _mean(clustered_mean)),
    Number("sequential.anytime_mean.anytime_mean", (("number", "block"),), _mean(anytime_mean),
           note="sorted"),
    *[Number("compare.paired.paired", (("label", "share", "share", "block"),), _compared(name),
             name, REFUSED)
      for name in ("auc", "accuracy", "brier", "f1", "rmse", "r2", "average_precision")],
    Number("compare.paired_bootstrap.paired_bootstrap", (("label", "share", "share", "block"),),
           _bootstrap, strange=REFUSED),
    *[Number("compare.influence.influence", PREDICTED,
             lambda g, m=name: _sorted(influence.influence(m, *g[0])), name, REFUSED)
      for name in ("auc", "f1", "rmse", "r2", "log_loss")],
    *[Number("compare.resampled.resampled", (("label", "share", "block"),),
             lambda g, m=name: resampled(m, *g[0])(np.ones(int(g[0][2].max(initial=-1)) + 1)),
             name, REFUSED)
      for name in ("auc", "brier", "f1")],
    Number("drift.psi.psi", COUNTS, lambda g: psi.psi(*g[0]), strange=UNDEFINED,
           range=(0.0, np.inf), rows=12),
    *[Number(f"drift.distances.{name}", COUNTS,
             lambda g, f=function: f(*g[0]), strange=UNDEFINED, rows=12,
             ordered=name == "kolmogorov_smirnov",
             range=(0.0, np.inf) if name == "kullback_leibler" else UNIT)
      for name, function in distances.DISTANCES.items() if name != "psi"],
    *[Number("drift.distances.over_windows", COUNTS,
             lambda g, n=name: distances.over_windows(n, g[0][0], g[0][1][None]), name,
             UNDEFINED, rows=12, ordered=name == "kolmogorov_smirnov")
      for name in distances.DISTANCES],
    Number("drift.wasserstein.wasserstein", (("number",), ("number",)),
           lambda g: wasserstein.wasserstein(g[0][0], g[1][0]), range=(0.0, np.inf)),
    Number("drift.wasserstein.binned_wasserstein", COUNTS, _binned, strange=UNDEFINED,
           ordered=True, range=(0.0, np.inf), rows=12),
    Number("drift.wasserstein.windows_wasserstein", COUNTS,
           lambda g: wasserstein.windows_wasserstein(
               g[0][0], g[0][1][None], np.arange(g[0][0].size) * 1.0),
           strange=UNDEFINED, ordered=True, range=(0.0, np.inf), rows=12),
    Number("drift.calibrated.calibrate", (("features",),), _calibrated, strange=UNDEFINED,
           ordered=True, rows=60),
    Number("estimate.calibrate.expected_calibration_error", (("share", "label"),),
           lambda g: expected_calibration_error(*g[0]), range=UNIT),
    Number("sequential.quantile.quantile_interval", (("number",),),
           partial(lambda g: list(quantile_interval(g[0][0], 0.5, 0.95))),
           values=(np.nan, -np.inf)),
]  # fmt: skip


def _sorted(values: Any) -> Any:
    return None if values is None else np.sort(values)


NO_ROWS = {
    "formulas of a few numbers, with tests of their own": {
        "compare.margin.worse_p", "compare.mcnemar.exact_p", "compare.mcnemar.score_interval",
        "compare.sample_size.rows_needed", "detect.adwin.cut_threshold", "detect.cusum.divergence",
        "detect.cusum.upper_limit", "detect.cusum.with_odds", "detect.detector.at_least",
        "detect.detector.check_bounds", "detect.kswin.distance_threshold", "detect.kswin.reached",
        "detect.page_hinkley.bennett_exponent", "drift.portfolio.rounded_rows",
        "drift.shares.wilson", "metrics.known", "metrics.less_is_better", "metrics.oriented",
        "metrics.own", "sequential.anytime_mean.radius", "sequential.bernoulli.log_evidence",
        "sequential.bernoulli.rate_interval", "sequential.quantile.rank_interval",
        "sequential.two_rates.least_evidence", "drift.wasserstein.representatives",
    },
    "inner parts, which see only what the function around them has checked": {
        "compare.influence.placements", "compare.paired.oriented_rows", "detect.adwin.fit",
        "detect.kswin.largest_distance", "drift.distances.countable", "drift.distances.shares",
        "estimate.expected_loss.expected_loss", "estimate.label_draws.cells",
        "estimate.label_draws.drawn", "estimate.metric_of_counts.expected",
        "estimate.metric_of_counts.measured", "sequential.bets.capitals",
    },
    "counts over bins and what is read off them: see test_every_mergeable and drift_of": {
        "drift.portfolio.drift_of", "drift.portfolio.explained_loss",
        "drift.reference.losses_by_bin", "drift.reference.places_in",
        "drift.reference.reference_of", "estimate.trust.outside_columns",
        "estimate.trust.outside_profile", "profile.count", "profile.cut",
        "profile.profile_of",
    },
    "descriptions by name, not by row": {"health.health", "rank_change.rank_change"},
    "asks a stream: see test_every_stream": {"detect.first_alarm.first_alarm"},
}  # fmt: skip
"""Public functions that are not called with rows here, by the reason why."""
