"""The gate: register a candidate, or refuse it.

A candidate passes when each required gate has verdict *pass*: the intersection-union test
(Berger 1982), so that several gates need no correction for their number. An inconclusive gate is
a refusal: no evidence is never a pass. Slices are a guard, see ``gates/slices.py``.
"""

from __future__ import annotations

from dataclasses import replace

from homeostat.domain.action import Refuse, Register
from homeostat.domain.evidence import Finding, explain
from homeostat.domain.run import Candidate, Run, RunStatus
from homeostat.domain.verdict import Verdict, worst
from homeostat.domain.world import World
from homeostat.loop.gates.limits import costs, explanation, floors
from homeostat.loop.gates.margin import judged
from homeostat.loop.gates.slices import is_part, missing_segments, worse_parts
from homeostat.policy.settings import GatePolicy, LoopPolicy


def decide(world: World, policy: LoopPolicy) -> list[Refuse | Register]:
    """One decision for each finished run that has none yet."""
    return [
        _decide(run, world, policy)
        for run in world.recorded.runs.values()
        if run.status is RunStatus.FINISHED and not run.decided
    ]


def _decide(run: Run, world: World, policy: LoopPolicy) -> Refuse | Register:
    assert run.candidate is not None
    findings = gate(run.candidate, world, policy)
    required = [f for f in findings if not is_part(f.name)]
    guards = [f for f in findings if is_part(f.name) and f.verdict is Verdict.FAIL]
    verdict = worst(finding.verdict for finding in (*required, *guards))
    if verdict is Verdict.PASS:
        return Register(run_id=run.request.id, findings=findings, reason=explain(tuple(required)))
    stopping = tuple(f for f in (*required, *guards) if f.verdict is not Verdict.PASS)
    return Refuse(run_id=run.request.id, findings=findings, reason=explain(stopping))


def gate(candidate: Candidate, world: World, policy: LoopPolicy) -> tuple[Finding, ...]:
    """All gates of ``candidate`` with their verdicts, each with its numbers."""
    champion = world.recorded.champion
    findings = [
        *candidate.findings,
        *floors(candidate, policy),
        *costs(candidate, policy),
        *missing_segments(candidate.comparisons, policy.parts),
    ]
    if champion is None:
        return tuple(findings) or (
            Finding("first", Verdict.PASS, "a first version, and no minimum is declared"),
        )
    if candidate.champion_version != champion.number:
        return (
            Finding(
                "stale",
                Verdict.FAIL,
                f"compared with version {candidate.champion_version}, but version "
                f"{champion.number} serves now",
            ),
        )
    if candidate.model_digest == champion.digest:
        return (Finding("same", Verdict.FAIL, f"the same bytes as version {champion.number}"),)
    findings.append(_compared("evaluation", candidate, policy.evaluation, policy.primary))
    if policy.holdout_used:
        findings.append(_compared("holdout", candidate, policy.holdout, policy.primary))
    findings += [
        replace(found, name=f"metric:{metric}")
        for metric, gate_ in policy.metrics.items()
        for found in [_compared("evaluation", candidate, gate_, metric)]
    ]
    findings += explanation(candidate, champion, policy)
    compared = [c for c in candidate.comparisons if c.metric == policy.primary]
    findings += worse_parts(compared, policy.slices, policy.parts)
    return tuple(findings)


def _compared(where: str, candidate: Candidate, gate_: GatePolicy, metric: str) -> Finding:
    for comparison in candidate.comparisons:
        if comparison.where == where and comparison.metric == metric:
            return judged(comparison, gate_)
    return Finding(where, Verdict.ERROR, f"there is no comparison of {metric} on the {where} rows")
