"""What the gateway should route, against what it answers that it routes.

Level-triggered: nobody remembers having told the gateway. As long as its answer differs from
the record, the plan asks again; a restarted or forgetful gateway heals by itself.
"""

from __future__ import annotations

from dataclasses import replace

from homeostat.domain.action import Action, Alert, Resolve, Route
from homeostat.domain.recorded import Recorded
from homeostat.domain.rollout import Arm, Phase, Routing
from homeostat.domain.world import World
from homeostat.policy.settings import LoopPolicy, RolloutPolicy


def decide(world: World, policy: LoopPolicy) -> list[Action]:
    """One action when the gateway does not route what the record says.

    A dark version that cannot be loaded is left out, with an alert, and disturbs no other.
    """
    recorded = world.recorded
    wanted = routing(recorded, policy.rollout)
    failure = recorded.failures.get(Route(routing=wanted, reason="").key)
    alerts: list[Action] = []
    if recorded.dark and failure is not None and failure.terminal:
        wanted = routing(replace(recorded, dark=()), policy.rollout)
        alerts = _unloadable(recorded, failure.problem)
    alerts += _over(recorded)
    if not wanted.arms or world.routing is None or same(wanted, world.routing):
        return alerts
    names = ", ".join(f"v{arm.version} {_part(arm)}" for arm in wanted.arms)
    return [*alerts, Route(routing=wanted, reason=f"the gateway should route {names}")]


def same(one: Routing, other: Routing) -> bool:
    """Whether two routings send the same traffic to the same bytes, in the same way."""
    return replace(one, arms=tuple(sorted(one.arms))) == replace(
        other, arms=tuple(sorted(other.arms))
    )


def routing(recorded: Recorded, policy: RolloutPolicy | None = None) -> Routing:
    """The routing that the record asks for; no arms before the first champion.

    In a canary both versions also score in shadow the rows that the other one answers, which
    the gateway does by itself, so that the comparison is paired. A blue-green challenger and
    what people deploy are loaded dark.
    """
    champion = recorded.champion
    if champion is None:
        return Routing()
    arms: list[Arm] = []
    share = 0.0
    rollout, watch = recorded.rollout, recorded.watch
    if rollout is not None and rollout.version != champion.number:
        if rollout.phase is Phase.CANARY:
            share = rollout.share
        beside = not share and (policy is None or policy.strategy != "blue_green")
        arms.append(_arm(recorded, rollout.version, share, shadow=beside))
    watched = watch is not None and watch.version == champion.number
    if watch is not None and watched and watch.predecessor not in {arm.version for arm in arms}:
        arms.append(_arm(recorded, watch.predecessor, 0.0, shadow=True))
    named = {champion.number, *(arm.version for arm in arms)}
    arms += [_arm(recorded, number, 0.0) for number in recorded.dark if number not in named]
    arms.insert(0, _arm(recorded, champion.number, round(1.0 - share, 3)))
    if policy is None:
        return Routing(tuple(arms))
    fixed = policy.strategy == "ab" and rollout is not None and bool(share)
    return Routing(
        tuple(arms),
        assignment=policy.assignment,
        salt=rollout.id if fixed and rollout is not None else "",
        explore=policy.explore,
    )


def _arm(recorded: Recorded, number: int, share: float, shadow: bool = False) -> Arm:
    version = recorded.version(number)
    return Arm(number, version.digest, version.candidate.package_digest, share, shadow)


def _part(arm: Arm) -> str:
    if arm.shadow:
        return "in shadow"
    return format(arm.share, ".1%") if arm.share else "dark"


def _unloadable(recorded: Recorded, problem: str) -> list[Action]:
    return [
        Alert(name=_alert(number), severity="warning", reason=f"left out: {problem}")
        for number in recorded.dark
        if _alert(number) not in recorded.alerts
    ]


def _over(recorded: Recorded) -> list[Action]:
    """Alerts about dark versions that are no longer asked for."""
    wanted = {_alert(number) for number in recorded.dark}
    return [
        Resolve(name=name, reason="it is no longer asked for")
        for name in recorded.alerts
        if name.startswith("dark:") and name not in wanted
    ]


def _alert(number: int) -> str:
    return f"dark:v{number}"
