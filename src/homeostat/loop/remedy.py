"""Judge each promotion on labelled traffic, and go back when it made things worse.

After a promotion the predecessor goes on scoring the same rows in shadow. The pair is judged
at every pass, and each ``look_every`` that is written down, until the watch ends. The interval
is a confidence sequence at the rollout's confidence c: over any number of looks a promotion
that changed nothing is rolled back with probability at most (1 - c) / 2, about.
"""

from __future__ import annotations

from datetime import datetime

from homeostat.domain.action import Action, LookAt, Rollback
from homeostat.domain.evidence import Comparison
from homeostat.domain.rollout import Watch
from homeostat.domain.world import World
from homeostat.loop.monitor import alert_name
from homeostat.policy.settings import LoopPolicy


def decide(world: World, policy: LoopPolicy, now: datetime) -> list[Action]:
    """A rollback, a look that is written down, or nothing."""
    ruled = _ruled(world, policy, now)
    if ruled:
        return ruled
    watch = world.recorded.watch
    if watch is None or world.recorded.rollout is not None:
        return []
    comparison = next((c for c in world.live if c.where == "live"), None)
    if comparison is not None and comparison.high is not None and comparison.high < 0:
        return [_rollback(watch, comparison)]
    due = (watch.last_look_at or watch.since) + policy.rollout.look_every
    if now < min(due, watch.until):
        return []
    return [_look(watch, comparison, now)]


def _rollback(watch: Watch, comparison: Comparison) -> Rollback:
    return Rollback(
        from_version=watch.version,
        to_version=watch.predecessor,
        cause=f"watch-{watch.looks + 1}",
        comparisons=(comparison,),
        reason=f"worse than its predecessor on labelled traffic: {_numbers(comparison)}",
    )


def _look(watch: Watch, comparison: Comparison | None, now: datetime) -> LookAt:
    evidence = (comparison,) if comparison else ()
    last = now >= watch.until
    return LookAt(
        version=watch.version,
        predecessor=watch.predecessor,
        look=watch.looks + 1,
        last=last,
        comparisons=evidence,
        reason=(
            f"version {watch.version} against {watch.predecessor}: {_numbers(comparison)}"
            + ("; the watch ends" if last else "")
        ),
    )


def _numbers(comparison: Comparison | None) -> str:
    if comparison is None or comparison.low is None or comparison.difference is None:
        return "no labelled rows that both have scored"
    return (
        f"{comparison.metric} better by {comparison.difference:+.4f} "
        f"[{comparison.low:+.4f}, {comparison.high:+.4f}] on {comparison.rows:,} rows"
    )


def _ruled(world: World, policy: LoopPolicy, now: datetime) -> list[Action]:
    """Rollbacks that a declared rule asks for: once per tenure, to the version before."""
    tenures = world.recorded.tenures
    if len(tenures) < 2 or tenures[-1].until is not None:
        return []
    for rule in policy.rules:
        alert = world.recorded.alerts.get(alert_name("rule", rule.name))
        since_promotion = alert is not None and alert.since >= tenures[-1].since
        if rule.do == "rollback" and alert and since_promotion and now - alert.since >= rule.hold:
            return [
                Rollback(
                    from_version=tenures[-1].version,
                    to_version=tenures[-2].version,
                    cause=f"rule-{rule.name}-{alert.entry}",
                    evidence=(alert.entry,),
                    reason=f"rule '{rule.name}': {alert.reason}",
                )
            ]
    return []
