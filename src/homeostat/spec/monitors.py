"""What is watched on live traffic, and how often a false alarm is put up with."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import Field, model_validator

from homeostat.spec.base import Duration, Section

Detector = Literal["adwin", "cusum", "ddm", "eddm", "kswin", "page_hinkley"]


class DriftMonitor(Section):
    """When a feature, or the prediction, counts as drifted.

    Not by a constant: how large a distance is by chance is measured on the reference, with its
    ups and downs from day to day, and all features share one budget of false alarms.
    """

    distance: Literal[
        "psi", "jensen_shannon", "kullback_leibler", "hellinger", "total_variation",
        "kolmogorov_smirnov", "l_infinity", "chi_square",
    ] = "psi"  # fmt: skip
    """What is measured between the window and the reference."""
    reference: Literal["training", "sliding", "seasonal"] = "training"
    """``training``: the rows the version learned from. ``sliding``: the time before the window.
    ``seasonal``: the same hours of the week, in the weeks before the window."""
    reference_span: Duration = timedelta(days=42)
    """How far back a sliding or seasonal reference goes."""
    false_alarm_every: Duration = timedelta(days=90)
    """A healthy model has at most one false alarm in so long a time, over all its features."""
    look_every: Duration = timedelta(days=1)
    """How often the window is judged; looks fall on multiples of it since 1970."""
    control: Literal["holm", "benjamini_hochberg"] = "holm"
    """Over features: the probability of any false alarm, or the share of false ones."""

    @model_validator(mode="after")
    def _some_looks(self) -> DriftMonitor:
        if self.look_every > self.false_alarm_every:
            raise ValueError("'look_every' must not be longer than 'false_alarm_every'")
        return self


class Limits(Section):
    """Above which the service of a model is not healthy, when it stays there for ``hold``."""

    latency_p95_ms: float = Field(1000.0, gt=0)
    """95th percentile of the time to answer a request."""
    error_share: float = Field(0.005, gt=0, le=1)
    """Share of requests that end in an error of the server."""
    utilisation: float = Field(0.85, gt=0, le=1)
    """Share of the processors, or of the memory, that is in use."""
    hold: Duration = timedelta(minutes=5)
    """How long a limit must be passed."""


class Monitors(Section):
    """What is watched on live traffic."""

    window: Duration = timedelta(days=7)
    """Window of drift and quality signals."""
    psi_bins: int = Field(10, ge=2, le=100)
    """Number of bins of each numeric feature."""
    min_rows: int = Field(200, ge=20)
    """Fewer rows give a signal without a value."""
    drift: DriftMonitor = DriftMonitor()
    """When a feature counts as drifted."""
    estimates: bool = True
    """Foretell the metrics of rows that have no labels yet."""
    change: tuple[Detector, ...] = ()
    """Detectors of a change in the champion's losses since its promotion."""
    limits: Limits = Limits()
    """What the service may take."""
    cost_per_hour: float | None = Field(None, ge=0)
    """What an hour of serving costs, in any currency, for the cost of 1,000 predictions."""
