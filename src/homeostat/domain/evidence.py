"""What is known, with its age and its sample size: signals, comparisons, findings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from homeostat.domain.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Signal:
    """A named number about one model over one window. ``value`` None means: no data."""

    name: str
    value: float | None
    at: datetime
    window_s: float
    rows: int
    source: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Challenger against champion on the same rows, for one metric.

    ``difference`` is oriented so that **positive means the challenger is better**, whatever
    the metric. ``[low, high]`` is its confidence interval at ``confidence``. ``where`` names
    the rows: ``evaluation``, ``holdout``, ``live``, ``slice:<column>=<value>``,
    ``slice:found:<condition>`` or ``segment:<name>``.
    ``champion`` and the interval are None where there was nothing to compare with. ``error`` is
    the standard error of the difference, from ``blocks`` independent blocks of rows, and
    ``method`` names how the interval was made. On live traffic ``fresh`` counts the rows that came
    since the present phase began.
    """

    metric: str
    where: str
    rows: int
    challenger: float | None
    champion: float | None = None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    confidence: float = 0.95
    note: str = ""
    error: float | None = None
    blocks: int = 0
    method: str = ""
    fresh: int | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check or a gate found, with the numbers in its text."""

    name: str
    verdict: Verdict
    reason: str
    subject: str = ""
    value: float | None = None
    limit: float | None = None


def explain(findings: tuple[Finding, ...], *, only: Verdict | None = None) -> str:
    """The reasons of ``findings`` as one sentence list, worst first when ``only`` is None."""
    chosen = [f for f in findings if only is None or f.verdict is only]
    order = (Verdict.ERROR, Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS)
    chosen.sort(key=lambda finding: order.index(finding.verdict))
    return "; ".join(finding.reason for finding in chosen)
