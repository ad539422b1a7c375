"""Whether a challenger is better, or not worse, by a margin.

Non-inferiority (Piaggio et al. 2012, CONSORT extension): the lower end of the interval of
(challenger - champion) must be above ``-margin``; superiority: above ``+margin``. An interval
that spans the limit is inconclusive, and says how many rows would probably have been enough.
"""

from __future__ import annotations

from homeostat.domain.evidence import Comparison, Finding
from homeostat.domain.verdict import Verdict
from homeostat.policy.settings import GatePolicy
from homeostat.stats.compare.sample_size import rows_needed


def judged(comparison: Comparison, gate: GatePolicy) -> Finding:
    """Verdict of the test, from the comparison's interval and row count."""
    name = comparison.where
    limit = gate.margin if gate.superior else -gate.margin
    if comparison.low is None or comparison.high is None or comparison.difference is None:
        reason = f"{name}: no comparison, {comparison.note or 'no rows'}"
        return Finding(name, Verdict.INCONCLUSIVE, reason)
    numbers = (
        f"{name}: {comparison.metric} {comparison.challenger:.4f} against "
        f"{comparison.champion:.4f} on {comparison.rows:,} rows, difference "
        f"{comparison.difference:+.4f} [{comparison.low:+.4f}, {comparison.high:+.4f}], "
        f"must be above {limit:+.4f}"
    )
    counted = comparison.rows if comparison.fresh is None else comparison.fresh
    if counted < gate.min_rows:
        since = "" if comparison.fresh is None else f", {counted:,} of them in this phase"
        reason = f"{numbers}{since}; {gate.min_rows:,} rows are asked"
        return Finding(name, Verdict.INCONCLUSIVE, reason, value=comparison.low, limit=limit)
    if comparison.low > limit:
        verdict = Verdict.PASS
    elif comparison.high < limit:
        verdict = Verdict.FAIL
    else:
        verdict = Verdict.INCONCLUSIVE
        numbers += enough(comparison, limit)
    return Finding(name, verdict, numbers, comparison.metric, comparison.low, limit)


def enough(comparison: Comparison, limit: float) -> str:
    """How many rows would probably tell, as the end of a sentence."""
    assert comparison.difference is not None
    if comparison.error is None:
        return ""
    needed = rows_needed(
        comparison.rows,
        comparison.error,
        comparison.difference - limit,
        confidence=comparison.confidence,
    )
    if needed is None:
        return "; more rows are not expected to change that"
    return f"; about {needed:,} rows would probably have been enough"
