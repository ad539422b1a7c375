"""Accept a fetched delivery, or set it aside. What is set aside is kept and never used."""

from __future__ import annotations

from homeostat.domain.action import Accept, Action, Alert, Quarantine, Resolve
from homeostat.domain.delivery import Delivery
from homeostat.domain.evidence import explain
from homeostat.domain.recorded import SourceRecord
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
        if not record.pending:
            actions += _tell(name, record, f"quarantine:{name}" in world.recorded.alerts)
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


def _tell(name: str, record: SourceRecord, is_open: bool) -> list[Action]:
    """Open the source's alert when it is bad and not yet told, close it when it is good again."""
    alert = f"quarantine:{name}"
    bad = _is_bad(record)
    if bad and not is_open:
        found = explain(record.quarantined[-1].findings)
        reason = f"a delivery of '{name}' is quarantined: {found}"
        return [Alert(name=alert, severity="warning", reason=reason)]
    if is_open and not bad:
        return [Resolve(name=alert, reason=f"'{name}' delivers good data again")]
    return []


def _is_bad(record: SourceRecord) -> bool:
    """Whether the newest window of a source is quarantined."""
    newest_bad = max((d.window.until for d in record.quarantined), default=None)
    newest_good = max((d.window.until for d in record.accepted), default=None)
    return newest_bad is not None and (newest_good is None or newest_bad >= newest_good)
