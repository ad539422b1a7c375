"""What a rollout may not do to its users: answer otherwise, or wrongly more often, or slowly.

Each guard is a confidence sequence, so it may be looked at on every pass. One that is shown to
be broken stops the rollout at once; one that cannot tell yet, or has no data, lets nothing
advance.
"""

from __future__ import annotations

from collections.abc import Sequence

from homeostat.domain.evidence import Comparison, Finding
from homeostat.domain.rollout import Phase
from homeostat.domain.verdict import Verdict
from homeostat.policy.settings import GuardPolicy

DISAGREEMENT, MISTAKES, LATENCY = "guard:disagreement", "guard:mistakes", "guard:latency"


def guarded(live: Sequence[Comparison], policy: GuardPolicy, phase: Phase) -> list[Finding]:
    """A finding for each declared guard; latency and mistakes once the challenger answers."""
    asked = []
    if policy.disagreement is not None:
        asked.append((DISAGREEMENT, policy.disagreement))
    if policy.mistakes is not None and phase is Phase.CANARY:
        asked.append((MISTAKES, policy.mistakes))
    if policy.slower_ms is not None and phase is Phase.CANARY:
        asked.append((LATENCY, policy.slower_ms))
    return [_finding(name, _named(live, name), limit) for name, limit in asked]


def _named(live: Sequence[Comparison], name: str) -> Comparison | None:
    return next((comparison for comparison in live if comparison.where == name), None)


def _finding(name: str, seen: Comparison | None, limit: float) -> Finding:
    """``difference`` counts against the challenger: at least ``-limit`` is allowed."""
    if seen is None or seen.difference is None:
        why = seen.note if seen is not None and seen.note else "no rows"
        return Finding(name, Verdict.INCONCLUSIVE, f"{name}: {why}", limit=limit)
    verdict = Verdict.INCONCLUSIVE
    if seen.high is not None and seen.high < -limit:
        verdict = Verdict.FAIL
    elif seen.low is not None and seen.low >= -limit:
        verdict = Verdict.PASS
    reason = (
        f"{name}: {seen.metric} {-seen.difference:+.4g} "
        f"[{_end(seen.high)}, {_end(seen.low)}] on {seen.rows:,} rows, at most {limit:g} is allowed"
    )
    return Finding(name, verdict, reason, seen.metric, -seen.difference, limit)


def _end(value: float | None) -> str:
    return "-" if value is None else f"{-value:+.4g}"
