"""Absolute limits: on metrics, on what serving costs, on how far the explanation may move."""

from __future__ import annotations

from homeostat.domain.evidence import Finding
from homeostat.domain.run import Candidate
from homeostat.domain.verdict import Verdict
from homeostat.domain.version import Version
from homeostat.policy.settings import LoopPolicy
from homeostat.stats.rank_change import rank_change

UNITS = {"latency_p95_ms": "ms", "size_mb": "MB"}


def floors(candidate: Candidate, policy: LoopPolicy) -> list[Finding]:
    """A finding per declared minimum; one whose metric was not measured is an error."""
    return [
        _limited(f"minimum:{metric}", metric, candidate.metrics.get(metric), limit,
                 less=_plain(metric) in policy.losses)
        for metric, limit in policy.minimum.items()
    ]  # fmt: skip


def costs(candidate: Candidate, policy: LoopPolicy) -> list[Finding]:
    """A finding per declared limit on latency and size."""
    return [
        _limited(f"cost:{name}", name, candidate.costs.get(name), limit, less=True,
                 unit=f" {UNITS.get(name, '')}".rstrip())
        for name, limit in policy.cost.items()
    ]  # fmt: skip


def explanation(candidate: Candidate, champion: Version, policy: LoopPolicy) -> list[Finding]:
    """Does the candidate decide by the same features as the champion? None when not asked."""
    if policy.explanation is None:
        return []
    found = rank_change(candidate.importances, champion.candidate.importances, top=3)
    if found.weighted_tau is None:
        reason = "explanation: there are no importances to compare"
        return [Finding("explanation", Verdict.INCONCLUSIVE, reason, limit=policy.explanation)]
    verdict = Verdict.PASS if found.weighted_tau >= policy.explanation else Verdict.FAIL
    moved = ", ".join(
        f"{move.feature} {move.challenger_share - move.champion_share:+.2f}" for move in found.moved
    )
    reason = (
        f"explanation: the order of importances agrees to {found.weighted_tau:.2f} with version "
        f"{champion.number}, at least {policy.explanation:g} is asked (moved most: {moved})"
    )
    return [Finding("explanation", verdict, reason, "", found.weighted_tau, policy.explanation)]


def _plain(metric: str) -> str:
    return metric.removeprefix("holdout.")


def _limited(
    name: str, metric: str, value: float | None, limit: float, *, less: bool, unit: str = ""
) -> Finding:
    word = "at most" if less else "at least"
    if value is None:
        verdict = Verdict.ERROR
        reason = f"{metric} was not measured, {word} {limit:g}{unit} is asked"
    else:
        good = value <= limit if less else value >= limit
        verdict = Verdict.PASS if good else Verdict.FAIL
        reason = f"{metric} {value:.4g}{unit}, {word} {limit:g}{unit} is asked"
    return Finding(name, verdict, reason, metric, value, limit)
