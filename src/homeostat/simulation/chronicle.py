"""From the ledger to the list of decisions that a person wants to read, and their counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from homeostat.domain import action as act
from homeostat.domain.backtest import Decision, Happening, Served, Tally
from homeostat.domain.entry import Entry, Kind, value_of
from homeostat.domain.event import Ended, Failed, Order
from homeostat.domain.recorded import Recorded
from homeostat.domain.run import RunStatus


@dataclass(frozen=True, slots=True)
class Deed:
    """One action with the entry that decided it and what came of it (None: nothing yet)."""

    entry: Entry
    action: act.Action
    outcome: Any
    outcome_entry: int | None = None

    @property
    def done(self) -> bool:
        """Whether it was carried out."""
        return self.outcome is not None and not isinstance(self.outcome, Failed)


@dataclass(frozen=True, slots=True)
class Chronicle:
    """The ledger read once: its deeds, and the facts and orders that no action caused."""

    deeds: tuple[Deed, ...]
    facts: tuple[tuple[Entry, Any], ...]
    length: int

    def of(self, *kinds: type[act.Action]) -> tuple[Deed, ...]:
        """Carried-out deeds of these kinds, in order."""
        return tuple(deed for deed in self.deeds if deed.done and isinstance(deed.action, kinds))


def read_chronicle(entries: Iterable[Entry]) -> Chronicle:
    """Pair each intent with its outcome; LedgerBrokenError for an entry that cannot be read."""
    intents: dict[int, tuple[Entry, act.Action]] = {}
    outcomes: dict[int, tuple[Any, int]] = {}
    facts = []
    length = 0
    for entry in entries:
        length += 1
        value = value_of(entry)
        if entry.kind is Kind.INTENT:
            intents[entry.seq] = (entry, value)
        elif entry.kind is Kind.OUTCOME:
            outcomes[entry.cause or 0] = (value, entry.seq)
        else:
            facts.append((entry, value))
    deeds = tuple(Deed(*intents[seq], *outcomes.get(seq, (None, None))) for seq in sorted(intents))
    return Chronicle(deeds, tuple(facts), length)


def decisions_of(chronicle: Chronicle, recorded: Recorded) -> tuple[Decision, ...]:
    """Every decision worth telling, in the order of the ledger.

    Data that came in as it should, and routings that follow from other decisions, are left out.
    """
    told = _Teller(recorded)
    found = [decision for deed in chronicle.deeds if (decision := told.about(deed)) is not None] + [
        decision for fact in chronicle.facts if (decision := _fact(*fact)) is not None
    ]
    return tuple(sorted(found, key=lambda decision: decision.entry))


def served_of(recorded: Recorded) -> tuple[Served, ...]:
    """Who was champion when."""
    return tuple(Served(t.version, t.since, t.until) for t in recorded.tenures)


def trained_at(chronicle: Chronicle) -> tuple[datetime, ...]:
    """When each training run started; a resumed one counts once."""
    return tuple(
        deed.entry.at
        for deed in chronicle.of(act.Train)
        if isinstance(deed.action, act.Train) and deed.action.attempt == 1
    )


def tally_of(
    chronicle: Chronicle, recorded: Recorded, *, events: int, predictions: int, labelled: int
) -> Tally:
    """How often things happened. The first version's promotion replaces nobody: not counted."""
    promoted = [deed.action for deed in chronicle.of(act.Promote)]
    replaced = [a for a in promoted if isinstance(a, act.Promote) and a.replaces is not None]
    failed = [run for run in recorded.runs.values() if run.status is RunStatus.FAILED]
    return Tally(
        events=events,
        predictions=predictions,
        labelled=labelled,
        deliveries=len(chronicle.of(act.Fetch)),
        quarantined=len(chronicle.of(act.Quarantine)),
        trainings=len(recorded.runs),
        failed_runs=len(failed),
        refused=len(chronicle.of(act.Refuse)),
        registered=len(recorded.versions),
        promotions=len(replaced),
        aborted=len(chronicle.of(act.Abort)),
        rollbacks=len(chronicle.of(act.Rollback)),
        alerts=len(chronicle.of(act.Alert)),
        entries=chronicle.length,
    )


def delivery_name(delivery: str) -> str:
    """A delivery as people read it.

    >>> delivery_name("weather/20130709T000000-20130710T000000/2")
    'weather of 9 Jul 2013, attempt 2'
    """
    source, window, attempt = delivery.rsplit("/", 2)
    since = datetime.strptime(window[:8], "%Y%m%d")  # noqa: DTZ007
    again = f", attempt {attempt}" if attempt != "1" else ""
    return f"{source} of {since.day} {since:%b %Y}{again}"


class _Teller:
    """Tells each kind of action in words; knows which version a rollout or run is about."""

    def __init__(self, recorded: Recorded) -> None:
        rollouts = [*recorded.past_rollouts, *([recorded.rollout] if recorded.rollout else [])]
        self._version = {rollout.id: rollout.version for rollout in rollouts}
        self._of_run = {v.candidate.run_id: v.number for v in recorded.versions}

    def about(self, deed: Deed) -> Decision | None:
        """The decision, None for one that is not worth telling."""
        tell = _TELL.get(type(deed.action))
        if tell is None:
            return None
        if isinstance(deed.outcome, Failed):
            return _decision(deed, Happening.FAILURE, deed.action.key, f"Failed: {deed.action.key}",
                             deed.outcome.problem)  # fmt: skip
        told = tell(self, deed.action)
        if told is None:
            return None
        kind, subject, title = told
        return _decision(deed, kind, subject, title, deed.action.reason)

    def version_of(self, rollout: str) -> str:
        """The version that a rollout is about."""
        number = self._version.get(rollout)
        return f"v{number}" if number is not None else rollout

    def version_from(self, run_id: str) -> str:
        """The version that came of a run."""
        number = self._of_run.get(run_id)
        return f"v{number}" if number is not None else run_id


def _decision(deed: Deed, kind: Happening, subject: str, title: str, reason: str) -> Decision:
    return Decision(deed.entry.at, kind, subject, title, reason, deed.entry.seq)


Told = tuple[Happening, str, str]


def _accept(_: _Teller, action: act.Accept) -> Told | None:
    if action.delivery.rsplit("/", 1)[1] == "1":
        return None
    name = delivery_name(action.delivery)
    return Happening.RECOVERY, action.delivery.split("/")[0], f"Took {name}"


def _quarantine(_: _Teller, action: act.Quarantine) -> Told:
    name = delivery_name(action.delivery)
    return Happening.QUARANTINE, action.delivery.split("/")[0], f"Quarantined {name}"


def _train(_: _Teller, action: act.Train) -> Told:
    verb = "Trained" if action.attempt == 1 else "Resumed"
    return Happening.TRAINING, action.run_id, f"{verb} {action.run_id}"


def _refuse(_: _Teller, action: act.Refuse) -> Told:
    return Happening.REFUSAL, action.run_id, f"Refused {action.run_id}"


def _register(teller: _Teller, action: act.Register) -> Told:
    version = teller.version_from(action.run_id)
    return Happening.REGISTRATION, version, f"Registered {version} from {action.run_id}"


def _begin(_: _Teller, action: act.BeginRollout) -> Told:
    version = f"v{action.version}"
    return Happening.ROLLOUT, version, f"Began to roll out {version}"


def _advance(teller: _Teller, action: act.Advance) -> Told:
    version = teller.version_of(action.rollout)
    return Happening.ROLLOUT, version, f"Gave {version} {action.share:.0%} of traffic"


def _abort(teller: _Teller, action: act.Abort) -> Told:
    version = teller.version_of(action.rollout)
    return Happening.ABORT, version, f"Stopped the rollout of {version}"


def _promote(_: _Teller, action: act.Promote) -> Told:
    version = f"v{action.version}"
    instead = f" in place of v{action.replaces}" if action.replaces is not None else ""
    return Happening.PROMOTION, version, f"Promoted {version}{instead}"


def _rollback(_: _Teller, action: act.Rollback) -> Told:
    version = f"v{action.to_version}"
    return Happening.ROLLBACK, version, f"Went back to {version} from v{action.from_version}"


def _look(_: _Teller, action: act.LookAt) -> Told:
    version = f"v{action.version}"
    return Happening.LOOK, version, f"Looked at {version} again"


def _alert(_: _Teller, action: act.Alert) -> Told:
    return Happening.ALERT, action.name, f"Alert {action.name}"


def _resolve(_: _Teller, action: act.Resolve) -> Told:
    return Happening.RESOLVED, action.name, f"Closed {action.name}"


def _obey(_: _Teller, action: act.Obey) -> Told:
    verb = "Refused" if action.refused else "Carried out"
    return Happening.ORDER, f"order {action.order}", f"{verb} order {action.order}"


def _pause(_: _Teller, action: act.Pause) -> Told:
    return Happening.ORDER, action.rule, f"Paused by rule {action.rule}"


def _nothing(_: _Teller, action: act.Action) -> None:
    """Told only when it fails."""
    del action


_TELL: dict[type[act.Action], Callable[[_Teller, Any], Told | None]] = {
    act.Accept: _accept,
    act.Quarantine: _quarantine,
    act.Train: _train,
    act.Refuse: _refuse,
    act.Register: _register,
    act.BeginRollout: _begin,
    act.Advance: _advance,
    act.Abort: _abort,
    act.Promote: _promote,
    act.Rollback: _rollback,
    act.LookAt: _look,
    act.Alert: _alert,
    act.Resolve: _resolve,
    act.Obey: _obey,
    act.Pause: _pause,
    act.Fetch: _nothing,
    act.Route: _nothing,
}


def _fact(entry: Entry, value: Any) -> Decision | None:
    """A run that failed, or a person's order."""
    if isinstance(value, Ended) and value.error:
        title = f"{value.run_id} failed"
        return Decision(entry.at, Happening.FAILURE, value.run_id, title, value.error, entry.seq)
    if isinstance(value, Order):
        title = f"{value.who} ordered: {value.kind}"
        return Decision(entry.at, Happening.ORDER, value.kind, title, value.why, entry.seq)
    return None
