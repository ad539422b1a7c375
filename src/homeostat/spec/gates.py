"""What a candidate must show before it may serve."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from homeostat.spec.base import Section


class Gate(Section):
    """What a candidate must show against the champion on the same rows.

    ``margin`` is in units of the metric. ``non_inferior``: the interval's lower end of
    (challenger - champion, oriented so that more is better) must be above ``-margin``.
    ``superior``: above ``+margin``.
    """

    test: Literal["non_inferior", "superior"] = "non_inferior"
    """``non_inferior``: not worse by more than the margin. ``superior``: better by more than it."""
    margin: float = Field(0.0, ge=0)
    """How much worse a candidate may be, or how much better it must be."""
    confidence: float = Field(0.95, gt=0.5, lt=1)
    """Confidence of the two-sided interval."""
    min_rows: int = Field(500, ge=20)
    """Fewer rows are inconclusive."""


class Fairness(Section):
    """How much decisions may differ between the values of one column, on the latest rows.

    A decision is positive from a prediction of 0.5 on. The definitions are Fairlearn's.
    """

    demographic_parity: float | None = Field(None, gt=0, le=1)
    """Greatest difference between groups in the share of positive decisions."""
    equalized_odds: float | None = Field(None, gt=0, le=1)
    """Greatest difference between groups in true or in false positive rates."""
    confidence: float = Field(0.95, gt=0.5, lt=1)
    """The whole interval must be at or below the limit."""
    min_rows: int = Field(100, ge=20)
    """Groups with fewer rows are left out, and named."""


class Calibration(Section):
    """How far predicted probabilities may be from what happens, on the latest rows."""

    max_error: float = Field(gt=0, le=1)
    """Greatest expected calibration error, less its bias."""
    confidence: float = Field(0.95, gt=0.5, lt=1)
    """The whole interval must be at or below the limit."""


class Cost(Section):
    """What a candidate may cost to serve. Measured on the machine of the training run."""

    latency_p95_ms: float | None = Field(None, gt=0)
    """Greatest 95th percentile of the time to answer one row, in milliseconds."""
    size_mb: float | None = Field(None, gt=0)
    """Greatest size of the package on disk, in megabytes (10^6 bytes)."""


class Discovered(Section):
    """Slices that nobody declared: found by a small tree where the candidate loses most."""

    leaves: int = Field(6, ge=2, le=32)
    """Most slices to look at."""
    min_rows: int = Field(200, ge=50)
    """Least rows of a slice, in either half of the rows."""


class Gates(Section):
    """All gates of a candidate; each must pass."""

    evaluation: Gate = Gate(margin=0.005)
    """On the latest rows, which neither has trained on."""
    holdout: Gate = Gate(margin=0.005)
    """On the fixed long-term holdout: guards against a model of the last season only."""
    metrics: dict[str, Gate] = {}
    """Gates of further metrics, by name, on the latest rows."""
    slices: Gate = Gate(margin=0.05, min_rows=200)
    """On each slice and segment: one that is shown to be worse refuses the candidate."""
    slice_control: Literal["holm", "benjamini_hochberg"] = "holm"
    """How the error rate is kept over many slices: of any false refusal, or of their share."""
    discover: Discovered | None = None
    """Look for slices where the candidate is worse; none: do not."""
    minimum: dict[str, float] = {}
    """Absolute floor (or ceiling, for losses) per metric, also for a first version."""
    fairness: dict[str, Fairness] = {}
    """By column whose values are the groups; also for a first version. ``task: binary``."""
    calibration: Calibration | None = None
    """Also for a first version. ``task: binary``."""
    explanation: float | None = Field(None, gt=-1, le=1)
    """Least agreement of the order of the features' importances with the champion's: the
    rank-weighted tau of Vigna, 1 for the same order, 0 by chance."""
    cost: Cost = Cost()
    """Latency and size; also for a first version."""
    resamples: int = Field(1000, ge=100)
    """Bootstrap resamples, for metrics whose interval is by resampling."""
