"""One decision about one model: ``step(world, policy, now) -> Plan``."""

from __future__ import annotations

from datetime import datetime, timedelta

from homeostat.domain.action import Action, Alert, Resolve
from homeostat.domain.plan import Plan
from homeostat.domain.recorded import Failure
from homeostat.domain.world import World
from homeostat.loop import evaluate, ingest, monitor, orders, remedy, train, validate
from homeostat.loop.deploy import rollout, traffic
from homeostat.policy.settings import LoopPolicy

BACKOFF = timedelta(minutes=1)
"""First wait after a failure; doubles each time, up to six hours."""
BACKOFF_LIMIT = timedelta(hours=6)


def step(world: World, policy: LoopPolicy, now: datetime) -> Plan:
    """Decide what to do about ``world`` at ``now``.

    The same arguments always give the same plan. While a person has paused the model, data
    still flows in and alerts still fire, but nothing trains, rolls out or rolls back. A plan
    moves at most one station that changes who serves, so that each such change is made on
    evidence observed after the one before.
    """
    actions: list[Action] = list(orders.decide(world, policy, now))
    changed = bool(actions)
    actions += traffic.decide(world, policy)
    actions += ingest.decide(world, policy, now)
    actions += validate.decide(world)
    actions += monitor.decide(world, policy)
    if world.recorded.paused_by is None and not changed:
        stations = (
            lambda: evaluate.decide(world, policy),
            lambda: rollout.decide(world, policy, now),
            lambda: remedy.decide(world, policy, now),
            lambda: train.decide(world, policy, now),
        )
        for station in stations:
            decided = station()
            actions += decided
            if decided:
                break
    return Plan(_allowed(actions, world, policy, now), now + policy.every)


def _allowed(
    actions: list[Action], world: World, policy: LoopPolicy, now: datetime
) -> tuple[Action, ...]:
    """Leave out what failed lately; tell a person about what keeps failing.

    What failed is tried again ever more rarely, but for ever, unless its failure is terminal.
    """
    allowed: list[Action] = []
    failing = {action.key for action in actions if action.key in world.recorded.failures}
    for action in actions:
        failure = world.recorded.failures.get(action.key)
        if failure is None or _again(failure, now):
            allowed.append(action)
        if failure is not None and (failure.terminal or failure.count >= policy.max_failures):
            name = f"failing:{action.key}"
            reason = f"failed {failure.count} times, last: {failure.problem}"
            if name not in world.recorded.alerts:
                allowed.append(Alert(name=name, severity="critical", reason=reason))
    allowed += [
        Resolve(name=name, reason="it no longer fails, or is no longer wanted")
        for name in world.recorded.alerts
        if name.startswith("failing:") and name.removeprefix("failing:") not in failing
    ]
    return tuple(allowed)


def _again(failure: Failure, now: datetime) -> bool:
    if failure.terminal:
        return False
    doubled: int = 2 ** min(failure.count - 1, 20)
    wait = min(BACKOFF * doubled, BACKOFF_LIMIT)
    return now >= failure.last_at + wait
