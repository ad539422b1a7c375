"""The gate: register a candidate, or refuse it.

A candidate passes when each required gate has verdict *pass*. The test behind a gate is one of
non-inferiority with a margin (Piaggio et al. 2012, CONSORT extension): the lower end of the
interval of (challenger - champion) must be above ``-margin``. An interval that spans ``-margin``
is inconclusive, and that is a refusal: no evidence is never a pass. Slices are a guard and not
a requirement: one that is shown to be worse than its margin refuses the candidate, one with too
few rows to tell is reported and does not.
"""

from __future__ import annotations

from homeostat.domain.action import Refuse, Register
from homeostat.domain.evidence import Comparison, Finding, explain
from homeostat.domain.run import Candidate, Run, RunStatus
from homeostat.domain.verdict import Verdict, worst
from homeostat.domain.world import World
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
    required = [f for f in findings if not f.name.startswith("slice:")]
    guards = [f for f in findings if f.name.startswith("slice:") and f.verdict is Verdict.FAIL]
    verdict = worst(finding.verdict for finding in (*required, *guards))
    if verdict is Verdict.PASS:
        return Register(run_id=run.request.id, findings=findings, reason=explain(tuple(required)))
    stopping = tuple(f for f in (*required, *guards) if f.verdict is not Verdict.PASS)
    return Refuse(run_id=run.request.id, findings=findings, reason=explain(stopping))


def gate(candidate: Candidate, world: World, policy: LoopPolicy) -> tuple[Finding, ...]:
    """All gates of ``candidate`` with their verdicts, each with its numbers."""
    champion = world.recorded.champion
    findings = [*candidate.findings, *_floors(candidate, policy)]
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
        non_inferior(comparison, policy.slices)
        for comparison in candidate.comparisons
        if comparison.where.startswith("slice:") and comparison.metric == policy.primary
    ]
    return tuple(findings)


def _floors(candidate: Candidate, policy: LoopPolicy) -> list[Finding]:
    findings = []
    for metric, limit in policy.minimum.items():
        value = candidate.metrics.get(metric)
        less = metric in policy.losses
        word = "at most" if less else "at least"
        if value is None:
            verdict, reason = Verdict.ERROR, f"{metric} was not measured, {word} {limit:g} is asked"
        else:
            good = value <= limit if less else value >= limit
            verdict = Verdict.PASS if good else Verdict.FAIL
            reason = f"{metric} {value:.4f}, {word} {limit:g} is asked"
        findings.append(Finding(f"minimum:{metric}", verdict, reason, metric, value, limit))
    return findings


def _compared(where: str, candidate: Candidate, gate_: GatePolicy, primary: str) -> Finding:
    for comparison in candidate.comparisons:
        if comparison.where == where and comparison.metric == primary:
            return non_inferior(comparison, gate_)
    return Finding(where, Verdict.ERROR, f"there is no comparison on the {where} rows")


def non_inferior(comparison: Comparison, gate_: GatePolicy) -> Finding:
    """Verdict of a non-inferiority test, from the comparison's interval and row count."""
    name, limit = comparison.where, -gate_.margin
    if comparison.low is None or comparison.high is None or comparison.difference is None:
        reason = f"{name}: no comparison, {comparison.note or 'no rows'}"
        return Finding(name, Verdict.INCONCLUSIVE, reason)
    numbers = (
        f"{name}: {comparison.metric} {comparison.challenger:.4f} against "
        f"{comparison.champion:.4f} on {comparison.rows:,} rows, difference "
        f"{comparison.difference:+.4f} [{comparison.low:+.4f}, {comparison.high:+.4f}], "
        f"must be above {limit:+.4f}"
    )
    if comparison.rows < gate_.min_rows:
        reason = f"{numbers}; {gate_.min_rows:,} rows are asked"
        return Finding(name, Verdict.INCONCLUSIVE, reason, value=comparison.low, limit=limit)
    if comparison.low > limit:
        verdict = Verdict.PASS
    elif comparison.high < limit:
        verdict = Verdict.FAIL
    else:
        verdict = Verdict.INCONCLUSIVE
    return Finding(name, verdict, numbers, comparison.metric, comparison.low, limit)
