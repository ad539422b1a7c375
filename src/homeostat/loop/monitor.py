"""Which alerts open and which close.

Every condition over signals, whether of a rule or of a trigger, has one alert of its name.
Being open *since* a time is what debouncing reads, so the memory of a condition is in the
ledger and survives a restart.
"""

from __future__ import annotations

from homeostat.domain.action import Action, Alert, Resolve
from homeostat.domain.run import RunStatus
from homeostat.domain.world import World
from homeostat.policy.expression import Expression
from homeostat.policy.settings import LoopPolicy


def alert_name(kind: str, name: str) -> str:
    """Name of the alert that stands for a rule's or a trigger's condition."""
    return f"{kind}:{name}"


def decide(world: World, policy: LoopPolicy) -> list[Action]:
    """Open alerts whose condition has become true, close those that have become false.

    Unknown (a signal has no data) changes nothing.
    """
    conditions: list[tuple[str, Expression, str]] = [
        (alert_name("rule", rule.name), rule.when, rule.severity) for rule in policy.rules
    ]
    conditions += [
        (alert_name("trigger", trigger.name), trigger.when, "info")
        for trigger in policy.triggers
        if trigger.when is not None
    ]
    actions: list[Action] = _failed_run(world)
    for name, when, severity in conditions:
        truth = when.evaluate(world.signals)
        is_open = name in world.recorded.alerts
        if truth.value is True and not is_open:
            actions.append(Alert(name=name, severity=severity, reason=truth.reading))
        elif truth.value is False and is_open:
            actions.append(Resolve(name=name, reason=f"no longer: {truth.reading}"))
    return actions


def _failed_run(world: World) -> list[Action]:
    """One alert while the last run has failed."""
    name, last = "run-failed", world.recorded.last_run
    failed = last is not None and last.status is RunStatus.FAILED
    if failed and name not in world.recorded.alerts:
        assert last is not None
        reason = f"{last.request.id} failed: {last.error}"
        return [Alert(name=name, severity="warning", reason=reason)]
    if not failed and name in world.recorded.alerts:
        return [Resolve(name=name, reason="a later run did not fail")]
    return []
