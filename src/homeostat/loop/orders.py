"""Carry out what people asked for, or refuse it with the reason. People come first."""

from __future__ import annotations

from datetime import datetime

from homeostat.domain.action import Abort, Action, Obey, Pause, Promote, Rollback
from homeostat.domain.recorded import PendingOrder, Recorded
from homeostat.domain.world import World
from homeostat.loop import train
from homeostat.loop.monitor import alert_name
from homeostat.policy.settings import LoopPolicy


def decide(world: World, policy: LoopPolicy, now: datetime) -> list[Action]:
    """The oldest pending order, carried out or refused; then the rules that pause."""
    if world.recorded.orders:
        return _carry_out(world.recorded.orders[0], world, policy, now)
    return _ruled_pause(world, policy, now)


def _carry_out(
    pending: PendingOrder, world: World, policy: LoopPolicy, now: datetime
) -> list[Action]:
    order, recorded = pending.order, world.recorded
    why = f"{order.who}: {order.why or order.kind}"
    if order.kind in ("pause", "resume"):
        return [Obey(order=pending.entry, reason=why, evidence=(pending.entry,))]
    if order.kind == "retrain":
        return _retrain(pending, recorded, policy, now, why)
    if order.kind == "promote":
        return _promote(pending, recorded, policy, why)
    if order.kind == "rollback":
        return _rollback(pending, recorded, why)
    if order.kind in ("deploy", "undeploy"):
        return [_dark(pending, recorded, why)]
    return [_refuse(pending, f"'{order.kind}' is not an order that is known here")]


def _obey(pending: PendingOrder, why: str) -> Obey:
    return Obey(order=pending.entry, reason=why, evidence=(pending.entry,))


def _refuse(pending: PendingOrder, reason: str) -> Obey:
    return Obey(order=pending.entry, refused=True, reason=reason, evidence=(pending.entry,))


def _retrain(
    pending: PendingOrder, recorded: Recorded, policy: LoopPolicy, now: datetime, why: str
) -> list[Action]:
    under_way = train.busy(recorded)
    if under_way:
        return [_refuse(pending, f"not now: {under_way}")]
    cause = train.Cause("order", why, (pending.entry,))
    return [train.start(recorded, policy, now, cause), _obey(pending, why)]


def _promote(
    pending: PendingOrder, recorded: Recorded, policy: LoopPolicy, why: str
) -> list[Action]:
    number = pending.order.version
    champion = recorded.champion
    if number is None or not 1 <= number <= len(recorded.versions):
        return [_refuse(pending, f"there is no version {number}")]
    if champion is not None and champion.number == number:
        return [_refuse(pending, f"version {number} serves already")]
    rollout = recorded.rollout
    actions: list[Action] = []
    if rollout is not None and rollout.version != number:
        actions.append(Abort(rollout=rollout.id, reason=f"{why} (promotes version {number})"))
    under_way = rollout is not None and rollout.version == number
    actions.append(
        Promote(
            rollout=rollout.id if rollout and under_way else f"order-{pending.entry}",
            version=number,
            replaces=champion.number if champion else None,
            watch=policy.rollout.watch,
            reason=why,
            evidence=(pending.entry,),
        )
    )
    return [*actions, _obey(pending, why)]


def _dark(pending: PendingOrder, recorded: Recorded, why: str) -> Obey:
    number = pending.order.version
    if number is None or not 1 <= number <= len(recorded.versions):
        return _refuse(pending, f"there is no version {number}")
    if pending.order.kind == "undeploy":
        if number in recorded.dark:
            return _obey(pending, why)
        return _refuse(pending, f"version {number} is not deployed dark")
    if recorded.champion is None:
        return _refuse(pending, "no version serves, so there is nothing to stand beside")
    if recorded.champion.number == number:
        return _refuse(pending, f"version {number} serves already")
    return _obey(pending, why)


def _rollback(pending: PendingOrder, recorded: Recorded, why: str) -> list[Action]:
    champion = recorded.champion
    if champion is None:
        return [_refuse(pending, "no version serves, there is nothing to roll back")]
    served = [t.version for t in recorded.tenures if t.version != champion.number]
    number = pending.order.version or (served[-1] if served else None)
    if number is None:
        return [_refuse(pending, f"version {champion.number} has no predecessor")]
    if number == champion.number or not 1 <= number <= len(recorded.versions):
        return [_refuse(pending, f"version {number} cannot be rolled back to")]
    return [
        Rollback(
            from_version=champion.number,
            to_version=number,
            cause=f"order-{pending.entry}",
            reason=why,
            evidence=(pending.entry,),
        ),
        _obey(pending, why),
    ]


def _ruled_pause(world: World, policy: LoopPolicy, now: datetime) -> list[Action]:
    """Pause once each time the condition of a pausing rule has held long enough."""
    if world.recorded.paused_by is not None:
        return []
    for rule in policy.rules:
        alert = world.recorded.alerts.get(alert_name("rule", rule.name))
        if rule.do != "pause" or alert is None or now - alert.since < rule.hold:
            continue
        if world.recorded.last_pause_entry < alert.entry:
            reason = f"rule '{rule.name}': {alert.reason}"
            return [Pause(rule=rule.name, reason=reason, evidence=(alert.entry,))]
    return []
