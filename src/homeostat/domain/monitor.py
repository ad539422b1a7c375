"""What `homeostat monitor` says of one window of a model's life, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from homeostat.domain.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Histogram:
    """Shares of rows over the same bins in the reference and in the window, null last.

    ``labels`` name the bins: ``<= 3``, ``3 to 5``, ``> 9``, a category, ``other``, ``null``.
    """

    labels: tuple[str, ...]
    reference: tuple[float, ...]
    window: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class FeatureReport:
    """One feature, or the prediction, in the window against its reference.

    ``distance`` is what the project file asks for (PSI by default), ``typical`` what it is on
    average in healthy windows, ``p_value`` how often a healthy window is so far away, adjusted
    for the number of features. ``importance`` is its share in the model's explanation, and
    ``explained`` the change of the mean loss that its shift alone would bring. ``trend`` has the
    distance at each of ``MonitorReport.looks``, None where it was not known, and ``alarms`` the
    verdict there.
    """

    name: str
    kind: str
    verdict: Verdict
    distance: float | None
    typical: float | None
    p_value: float | None
    null_share: float | None
    null_share_before: float | None
    importance: float
    explained: float | None
    reason: str
    histogram: Histogram
    trend: tuple[float | None, ...] = ()
    alarms: tuple[Verdict, ...] = ()


@dataclass(frozen=True, slots=True)
class MetricReport:
    """One metric in the window: measured where labels are known, and foretold for all rows.

    ``measured`` has its interval (``low``, ``high``) and row count; ``promoted`` is the value on
    the evaluation rows at training. An estimate that is not to be trusted says why in ``note``
    and has no value.
    """

    name: str
    less_is_better: bool
    measured: float | None
    low: float | None
    high: float | None
    labelled: int
    promoted: float | None
    estimated: float | None
    estimated_low: float | None
    estimated_high: float | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class DayReport:
    """One day of the primary metric: measured with interval, and foretold; None: not known."""

    at: datetime
    predictions: int
    labelled: int
    measured: float | None
    low: float | None
    high: float | None
    estimated: float | None
    estimated_low: float | None
    estimated_high: float | None


@dataclass(frozen=True, slots=True)
class JudgedReport:
    """A test over all features at once, or a detector of change: verdict, number, why."""

    name: str
    verdict: Verdict
    value: float | None
    low: float | None
    high: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class SegmentReport:
    """The primary metric on a declared part of the labelled rows."""

    name: str
    condition: str
    rows: int
    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class LostPoints:
    """Points of health that one thing costs, and why."""

    name: str
    part: str
    points: int
    reason: str


@dataclass(frozen=True, slots=True)
class MonitorReport:
    """The whole report of the window [since, until) of the version that was champion then."""

    model: str
    version: int
    since: datetime
    until: datetime
    made_at: datetime
    rows: int
    labelled: int
    verdict: Verdict
    summary: str
    health: int | None
    lost: tuple[LostPoints, ...]
    distance: str
    reference: str
    budget: str
    features: tuple[FeatureReport, ...]
    prediction: FeatureReport | None
    looks: tuple[datetime, ...]
    metrics: tuple[MetricReport, ...]
    days: tuple[DayReport, ...]
    segments: tuple[SegmentReport, ...]
    tests: tuple[JudgedReport, ...]
