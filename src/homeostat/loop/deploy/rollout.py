"""Shadow, canary steps, champion; a fixed A/B; or blue-green. Judged on evidence that arrived.

Each step needs a time *and* a number of labelled rows, and its comparison on the same rows must
not be inferior by more than the margin. Enough time without enough rows is not a pass: the
rollout waits, and gives up as inconclusive in the end.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from homeostat.domain.action import Abort, Action, Advance, BeginRollout, Promote, Route
from homeostat.domain.evidence import Comparison, Finding, explain
from homeostat.domain.recorded import Recorded
from homeostat.domain.rollout import Phase, Rollout
from homeostat.domain.verdict import Verdict, worst
from homeostat.domain.world import World
from homeostat.errors import ModelLoadError
from homeostat.loop.deploy.traffic import routing
from homeostat.loop.gates.guards import guarded
from homeostat.loop.gates.margin import judged
from homeostat.policy.settings import GatePolicy, LoopPolicy


def decide(world: World, policy: LoopPolicy, now: datetime) -> list[Action]:
    """The next move of the rollout under way, or the start of the next one."""
    rollout = world.recorded.rollout
    if rollout is None:
        return _begin(world.recorded)
    if rollout.replaces is None:
        return [_promote(rollout, policy, (), "the first version: there is nothing to compare")]
    failed = _cannot_load(world, policy)
    if failed:
        return [Abort(rollout=rollout.id, reason=failed)]
    if policy.rollout.strategy == "blue_green":
        return _switch(rollout, world, policy)
    if policy.rollout.strategy == "ab" and rollout.phase is Phase.SHADOW:
        return [_assign(rollout, policy)]
    return _judge(rollout, world, policy, now)


def _begin(recorded: Recorded) -> list[Action]:
    """Roll out the newest version, if it never was."""
    if not recorded.versions:
        return []
    newest = recorded.versions[-1]
    tried = {past.version for past in recorded.past_rollouts}
    served = {tenure.version for tenure in recorded.tenures}
    if newest.number in tried | served:
        return []
    return [
        BeginRollout(
            version=newest.number,
            run_id=newest.candidate.run_id,
            evidence=(newest.entry,),
            reason=f"version {newest.number} is registered and has not been rolled out",
        )
    ]


def _switch(rollout: Rollout, world: World, policy: LoopPolicy) -> list[Action]:
    """Blue-green: only when the gateway itself says that it has loaded and tested the bytes."""
    digest = world.recorded.version(rollout.version).digest
    held = world.routing.arms if world.routing is not None else ()
    if not any(arm.version == rollout.version and arm.digest == digest for arm in held):
        return []
    return [_promote(rollout, policy, (), "blue-green: it passed its gates and is loaded")]


def _assign(rollout: Rollout, policy: LoopPolicy) -> Advance:
    """A/B: a fixed assignment from the beginning, without a time in shadow."""
    share = policy.rollout.steps[0].share
    return Advance(
        rollout=rollout.id,
        step=0,
        share=share,
        reason=f"A/B: {share:.1%} of traffic, assigned for {policy.rollout.steps[0].hold}",
    )


def _judge(rollout: Rollout, world: World, policy: LoopPolicy, now: datetime) -> list[Action]:
    hold, min_labels = _asked(rollout, policy)
    finding, comparison = _live(world, GatePolicy(policy.rollout.margin, min_labels))
    evidence: tuple[Comparison, ...] = (comparison,) if comparison else ()
    waited = now - rollout.phase_since
    guards = guarded(world.live, policy.rollout.guards, rollout.phase)
    findings = (finding, *guards)
    evidence += tuple(c for c in world.live if c.where in {guard.name for guard in guards})
    verdict = worst(one.verdict for one in findings)
    if verdict is Verdict.FAIL:
        reason = explain(findings, only=Verdict.FAIL)
        return [Abort(rollout=rollout.id, comparisons=evidence, reason=reason)]
    if verdict is Verdict.PASS and waited >= hold:
        return _advance(rollout, policy, evidence, explain(findings))
    if waited >= max(policy.rollout.give_up, hold):
        told = explain(findings, only=Verdict.INCONCLUSIVE) or finding.reason
        reason = f"no verdict within {policy.rollout.give_up.days} days; {told}"
        return [Abort(rollout=rollout.id, comparisons=evidence, reason=reason)]
    return []


def _asked(rollout: Rollout, policy: LoopPolicy) -> tuple[timedelta, int]:
    if rollout.phase is Phase.SHADOW:
        return policy.rollout.shadow, policy.rollout.shadow_min_labels
    step = policy.rollout.steps[min(rollout.step, len(policy.rollout.steps) - 1)]
    return step.hold, step.min_labels


def _live(world: World, gate: GatePolicy) -> tuple[Finding, Comparison | None]:
    for comparison in world.live:
        if comparison.where == "live":
            return judged(comparison, gate), comparison
    nothing = Finding("live", Verdict.INCONCLUSIVE, "no labelled rows have arrived")
    return nothing, None


def _advance(
    rollout: Rollout, policy: LoopPolicy, evidence: tuple[Comparison, ...], reason: str
) -> list[Action]:
    following = rollout.step + 1
    if following < len(policy.rollout.steps) and policy.rollout.strategy != "ab":
        share = policy.rollout.steps[following].share
        return [
            Advance(
                rollout=rollout.id,
                step=following,
                share=share,
                comparisons=evidence,
                reason=f"to {share:.1%} of traffic; {reason}",
            )
        ]
    if policy.rollout.approval:
        return []
    return [_promote(rollout, policy, evidence, reason)]


def _promote(
    rollout: Rollout, policy: LoopPolicy, evidence: tuple[Comparison, ...], reason: str
) -> Promote:
    return Promote(
        rollout=rollout.id,
        version=rollout.version,
        replaces=rollout.replaces,
        watch=policy.rollout.watch,
        comparisons=evidence,
        reason=reason,
    )


def _cannot_load(world: World, policy: LoopPolicy) -> str:
    """Why the gateway refuses the routing with the challenger in it; empty when it does not."""
    wanted = Route(routing=routing(world.recorded, policy.rollout), reason="")
    failure = world.recorded.failures.get(wanted.key)
    if failure is None or failure.code != ModelLoadError.code:
        return ""
    return f"the gateway cannot serve it: {failure.problem}"
