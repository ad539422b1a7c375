"""The fold from ledger entries to :class:`Recorded`: one small function per kind of entry.

An entry that does not follow from those before it (an outcome without its intent, a run that
never started) raises LedgerBrokenError naming it: the record cannot have been written so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from homeostat.domain import action as act
from homeostat.domain import event as ev
from homeostat.domain.delivery import Delivery
from homeostat.domain.entry import Entry, Kind, action_of, unreadable, value_of
from homeostat.domain.recorded import (
    Failure,
    OpenAlert,
    PendingOrder,
    Recorded,
    SourceRecord,
    Tenure,
)
from homeostat.domain.rollout import Phase, Rollout, Watch
from homeostat.domain.run import Run, RunStatus
from homeostat.domain.version import Version


class _Draft:
    """A Recorded being written: the same fields, mutable while a batch of entries is folded."""

    def __init__(self, start: Recorded) -> None:
        self.start = start
        self.sources = dict(start.sources)
        self.runs = dict(start.runs)
        self.versions = list(start.versions)
        self.tenures = list(start.tenures)
        self.alerts = dict(start.alerts)
        self.orders = list(start.orders)
        self.failures = dict(start.failures)
        self.intents = dict(start.intents)
        self.fields: dict[str, Any] = {}

    def get(self, name: str) -> Any:
        return self.fields.get(name, getattr(self.start, name))

    def freeze(self) -> Recorded:
        return replace(
            self.start,
            sources=self.sources,
            runs=self.runs,
            versions=tuple(self.versions),
            tenures=tuple(self.tenures),
            alerts=self.alerts,
            orders=tuple(self.orders),
            failures=self.failures,
            intents=self.intents,
            **self.fields,
        )


def project(entries: Iterable[Entry], start: Recorded | None = None) -> Recorded:
    """Fold ``entries`` (in order, following on ``start.position``) into the recorded state.

    Raises LedgerBrokenError naming the first entry that does not follow from those before it.
    """
    draft = _Draft(start or Recorded())
    position = draft.start.position
    entry = None
    for entry in entries:
        position += 1
        if entry.seq != position:
            raise unreadable(position, f"it is missing: entry {entry.seq} comes in its place")
        _apply(draft, entry)
        if draft.get("first_at") is None:
            draft.fields["first_at"] = entry.at
    if entry is not None:
        draft.fields |= {"position": position, "head": entry.hash, "last_at": entry.at}
    return draft.freeze()


def _apply(draft: _Draft, entry: Entry) -> None:
    if entry.kind is Kind.INTENT:
        draft.intents[entry.seq] = action_of(entry)
    elif entry.kind is Kind.OUTCOME:
        action = draft.intents.pop(entry.cause or 0, None)
        if action is None:
            raise unreadable(entry.seq, f"entry {entry.cause}, its cause, is not an open intent")
        _outcome(draft, action, value_of(entry), entry)
    elif entry.name in _FACTS:
        _FACTS[entry.name](draft, value_of(entry), entry)
    else:
        raise unreadable(entry.seq, f"a {entry.name} is neither a fact nor an order")


def _outcome(draft: _Draft, action: act.Action, event: Any, entry: Entry) -> None:
    if isinstance(event, ev.Failed):
        before = draft.failures.get(action.key)
        draft.failures[action.key] = Failure(
            (before.count if before else 0) + 1, entry.at, event.code, event.problem, event.terminal
        )
        return
    draft.failures.pop(action.key, None)
    if not isinstance(event, _ANSWERS.get(type(action), ev.Done)):
        raise unreadable(entry.seq, f"a {entry.name} is no answer to a {type(action).__name__}")
    _ACTIONS[type(action)](draft, action, event, entry)


def _run(draft: _Draft, run_id: str, entry: Entry) -> Run:
    run: Run | None = draft.runs.get(run_id)
    if run is None:
        raise unreadable(entry.seq, f"'{run_id}' never started")
    return run


def _pending(draft: _Draft, delivery: str, entry: Entry) -> tuple[str, Delivery]:
    name = delivery.rsplit("/", 2)[0]
    for pending in draft.sources.get(name, SourceRecord()).pending:
        if pending.id == delivery:
            return name, pending
    raise unreadable(entry.seq, f"delivery '{delivery}' does not wait for a judgement")


def _under_way(draft: _Draft, entry: Entry) -> Rollout:
    rollout: Rollout | None = draft.get("rollout")
    if rollout is None:
        raise unreadable(entry.seq, "no rollout is under way")
    return rollout


def _fetched(draft: _Draft, action: act.Fetch, event: ev.Fetched, entry: Entry) -> None:
    source = draft.sources.get(action.source, SourceRecord())
    cursor = max(filter(None, (source.cursor, action.window.until)))
    draft.sources[action.source] = replace(
        source, pending=(*source.pending, event.delivery), cursor=cursor
    )


def _judged(draft: _Draft, action: act.Accept | act.Quarantine, _: Any, entry: Entry) -> None:
    name, delivery = _pending(draft, action.delivery, entry)
    source = draft.sources[name]
    pending = tuple(d for d in source.pending if d.id != action.delivery)
    kept = tuple(d for d in source.quarantined if d.window != delivery.window)
    if isinstance(action, act.Accept):
        draft.sources[name] = replace(
            source, pending=pending, accepted=(*source.accepted, delivery), quarantined=kept
        )
    else:
        draft.sources[name] = replace(source, pending=pending, quarantined=(*kept, delivery))


def _started(draft: _Draft, action: act.Train, event: ev.Started, entry: Entry) -> None:
    before = draft.runs.get(action.run_id)
    draft.runs[action.run_id] = Run(
        request=event.request,
        status=RunStatus.RUNNING,
        started_at=before.started_at if before else entry.at,
        attempts=action.attempt,
    )


def _ended(draft: _Draft, event: ev.Ended, entry: Entry) -> None:
    run = _run(draft, event.run_id, entry)
    if event.interrupted:
        draft.runs[event.run_id] = replace(run, status=RunStatus.INTERRUPTED)
        return
    status = RunStatus.FINISHED if event.candidate else RunStatus.FAILED
    draft.runs[event.run_id] = replace(
        run, status=status, ended_at=entry.at, candidate=event.candidate, error=event.error
    )


def _refused(draft: _Draft, action: act.Refuse, _: Any, entry: Entry) -> None:
    draft.runs[action.run_id] = replace(_run(draft, action.run_id, entry), decided=True)


def _registered(draft: _Draft, action: act.Register, _: Any, entry: Entry) -> None:
    run = _run(draft, action.run_id, entry)
    if run.candidate is None:
        raise unreadable(entry.seq, f"'{action.run_id}' has no candidate to register")
    draft.runs[action.run_id] = replace(run, decided=True)
    number = len(draft.versions) + 1
    parent = draft.tenures[-1].version if draft.tenures else None
    draft.versions.append(Version(number, entry.at, run.candidate, parent, entry.seq))


def _rollout_began(draft: _Draft, action: act.BeginRollout, _: Any, entry: Entry) -> None:
    draft.fields["rollout"] = Rollout(
        id=f"rollout-{entry.seq}",
        version=action.version,
        replaces=draft.tenures[-1].version if draft.tenures else None,
        phase=Phase.SHADOW,
        step=-1,
        share=0.0,
        began_at=entry.at,
        phase_since=entry.at,
        run_id=action.run_id,
    )


def _advanced(draft: _Draft, action: act.Advance, _: Any, entry: Entry) -> None:
    draft.fields["rollout"] = replace(
        _under_way(draft, entry),
        phase=Phase.CANARY,
        step=action.step,
        share=action.share,
        phase_since=entry.at,
    )


def _end_rollout(draft: _Draft, phase: Phase, entry: Entry) -> None:
    rollout = draft.get("rollout")
    if rollout is not None:
        ended = replace(rollout, phase=phase, phase_since=entry.at)
        draft.fields["past_rollouts"] = (*draft.get("past_rollouts"), ended)
    draft.fields["rollout"] = None


def _aborted(draft: _Draft, action: act.Abort, _: Any, entry: Entry) -> None:
    _end_rollout(draft, Phase.ABORTED, entry)


def _crown(draft: _Draft, version: int, entry: Entry) -> None:
    """Begin a tenure where the last one ends, also when a controller's clock went back."""
    since = entry.at
    if draft.tenures:
        since = max(since, draft.tenures[-1].since)
        draft.tenures[-1] = replace(draft.tenures[-1], until=since)
    draft.tenures.append(Tenure(version, since, entry.seq))


def _promoted(draft: _Draft, action: act.Promote, _: Any, entry: Entry) -> None:
    _crown(draft, action.version, entry)
    _end_rollout(draft, Phase.DONE, entry)
    draft.fields["watch"] = None
    if action.replaces is not None and action.watch:
        draft.fields["watch"] = Watch(
            action.version, action.replaces, entry.at, entry.at + action.watch
        )


def _rolled_back(draft: _Draft, action: act.Rollback, _: Any, entry: Entry) -> None:
    _crown(draft, action.to_version, entry)
    _end_rollout(draft, Phase.ABORTED, entry)
    draft.fields["watch"] = None


def _looked(draft: _Draft, action: act.LookAt, _: Any, entry: Entry) -> None:
    watch = draft.get("watch")
    if action.last:
        draft.fields["watch"] = None
    elif watch is not None:
        draft.fields["watch"] = replace(watch, looks=action.look, last_look_at=entry.at)


def _routed(draft: _Draft, action: act.Route, event: ev.Routed, entry: Entry) -> None:
    draft.fields["routing"] = event.routing


def _alerted(draft: _Draft, action: act.Alert, _: Any, entry: Entry) -> None:
    draft.alerts[action.name] = OpenAlert(
        action.name, action.severity, entry.at, entry.seq, action.reason
    )


def _resolved(draft: _Draft, action: act.Resolve, _: Any, entry: Entry) -> None:
    draft.alerts.pop(action.name, None)


def _obeyed(draft: _Draft, action: act.Obey, _: Any, entry: Entry) -> None:
    pending = next((p for p in draft.orders if p.entry == action.order), None)
    draft.orders = [p for p in draft.orders if p.entry != action.order]
    if pending is None or action.refused:
        return
    if pending.order.kind == "pause":
        draft.fields["paused_by"] = pending.order
    elif pending.order.kind == "resume":
        draft.fields["paused_by"] = None
    elif pending.order.kind in ("deploy", "undeploy"):
        others = [number for number in draft.get("dark") if number != pending.order.version]
        more = [pending.order.version] if pending.order.kind == "deploy" else []
        draft.fields["dark"] = tuple(others + more)


def _paused(draft: _Draft, action: act.Pause, _: Any, entry: Entry) -> None:
    draft.fields |= {
        "paused_by": ev.Order("pause", f"rule {action.rule}", action.reason),
        "last_pause_entry": entry.seq,
    }


def _declared(draft: _Draft, event: ev.Declared, entry: Entry) -> None:
    draft.fields |= {
        "model": event.model,
        "owner": event.owner,
        "spec_digest": event.spec_digest,
    }


def _ordered(draft: _Draft, event: ev.Order, entry: Entry) -> None:
    draft.orders.append(PendingOrder(entry.seq, entry.at, event))


def _scored(draft: _Draft, event: ev.Scored, entry: Entry) -> None:
    """A batch changes nothing that is decided about; its entry is the record."""


def _recovered(draft: _Draft, event: ev.Recovered, entry: Entry) -> None:
    draft.intents.clear()


_ACTIONS: dict[type[act.Action], Callable[[_Draft, Any, Any, Entry], None]] = {
    act.Fetch: _fetched,
    act.Accept: _judged,
    act.Quarantine: _judged,
    act.Train: _started,
    act.Refuse: _refused,
    act.Register: _registered,
    act.BeginRollout: _rollout_began,
    act.Advance: _advanced,
    act.Abort: _aborted,
    act.Promote: _promoted,
    act.Rollback: _rolled_back,
    act.LookAt: _looked,
    act.Route: _routed,
    act.Alert: _alerted,
    act.Resolve: _resolved,
    act.Obey: _obeyed,
    act.Pause: _paused,
}

_ANSWERS: dict[type[act.Action], type] = {
    act.Fetch: ev.Fetched,
    act.Train: ev.Started,
    act.Route: ev.Routed,
}
"""What comes of an action when it is not plain :class:`~homeostat.domain.event.Done`."""

_FACTS: dict[str, Callable[[_Draft, Any, Entry], None]] = {
    "Declared": _declared,
    "Ended": _ended,
    "Order": _ordered,
    "Scored": _scored,
    "Recovered": _recovered,
}
