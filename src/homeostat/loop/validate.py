"""Accept a fetched delivery, or set it aside. What is set aside is kept and never used."""

from __future__ import annotations

from homeostat.domain.action import Accept, Action, Alert, Quarantine, Resolve
from homeostat.domain.delivery import Delivery
from homeostat.domain.evidence import explain
from homeostat.domain.verdict import Verdict
from homeostat.domain.world import World

STOPS = frozenset({Verdict.FAIL, Verdict.ERROR})


def decide(world: World) -> list[Action]:
    """One judgement per pending delivery, and one alert per source with bad windows.

    A delivery whose only open question is one that needs more rows (verdict inconclusive) is
    accepted, and its reason says what could not be checked.
    """
    actions: list[Action] = []
    for name, record in world.recorded.sources.items():
        actions += [_judge(delivery) for delivery in record.pending]
        alert = f"quarantine:{name}"
        if not record.pending and record.quarantined and alert not in world.recorded.alerts:
            latest = record.quarantined[-1]
            actions.append(
                Alert(
                    name=alert,
                    severity="warning",
                    reason=f"a delivery of '{name}' is quarantined: {explain(latest.findings)}",
                )
            )
        elif alert in world.recorded.alerts and not record.pending and _recovered(world, name):
            actions.append(Resolve(name=alert, reason=f"'{name}' delivers good data again"))
    return actions


def _judge(delivery: Delivery) -> Accept | Quarantine:
    if delivery.verdict in STOPS:
        stopping = tuple(f for f in delivery.findings if f.verdict in STOPS)
        return Quarantine(
            delivery=delivery.id,
            findings=stopping,
            reason=explain(stopping) or "the delivery could not be checked",
        )
    unknown = explain(delivery.findings, only=Verdict.INCONCLUSIVE)
    return Accept(
        delivery=delivery.id,
        reason=f"{delivery.rows} rows; " + (f"not checked: {unknown}" if unknown else "all checks"),
    )


def _recovered(world: World, name: str) -> bool:
    record = world.recorded.sources[name]
    if not record.quarantined:
        return True
    newest_good = max((d.window.until for d in record.accepted), default=None)
    newest_bad = max(d.window.until for d in record.quarantined)
    return newest_good is not None and newest_good > newest_bad
