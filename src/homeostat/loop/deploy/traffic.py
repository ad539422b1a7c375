"""What the gateway should route, against what it answers that it routes.

Level-triggered: nobody remembers having told the gateway. As long as its answer differs from
the record, the plan asks again; a restarted or forgetful gateway heals by itself.
"""

from __future__ import annotations

from homeostat.domain.action import Route
from homeostat.domain.recorded import Recorded
from homeostat.domain.rollout import Arm, Phase, Routing
from homeostat.domain.world import World


def decide(world: World) -> list[Route]:
    """One action when the gateway does not route what the record says."""
    wanted = routing(world.recorded)
    if not wanted.arms or world.routing is None or same(wanted, world.routing):
        return []
    names = ", ".join(
        f"v{arm.version} {'in shadow' if arm.shadow else format(arm.share, '.1%')}"
        for arm in wanted.arms
    )
    return [Route(routing=wanted, reason=f"the gateway should route {names}")]


def same(one: Routing, other: Routing) -> bool:
    """Whether two routings send the same traffic to the same bytes."""
    return sorted(one.arms) == sorted(other.arms)


def routing(recorded: Recorded) -> Routing:
    """The routing that the record asks for; no arms before the first champion.

    In a canary both versions also score in shadow the rows that the other one answers, which
    the gateway does by itself, so that the comparison is paired.
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
        arms.append(_arm(recorded, rollout.version, share, shadow=not share))
    watched = watch is not None and watch.version == champion.number
    if watch is not None and watched and watch.predecessor not in {arm.version for arm in arms}:
        arms.append(_arm(recorded, watch.predecessor, 0.0, shadow=True))
    arms.insert(0, _arm(recorded, champion.number, round(1.0 - share, 3)))
    return Routing(tuple(arms))


def _arm(recorded: Recorded, number: int, share: float, shadow: bool = False) -> Arm:
    version = recorded.version(number)
    return Arm(number, version.digest, version.candidate.package_digest, share, shadow)
