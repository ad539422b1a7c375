"""What came of each disturbance, read from the ledger: noticed, stopped, recovered, or missed."""

from __future__ import annotations

from datetime import datetime, timedelta

from homeostat.domain import action as act
from homeostat.domain.backtest import Disturbed, Handling
from homeostat.simulation.chronicle import Chronicle, Deed, delivery_name
from homeostat.simulation.disturb import Damage
from homeostat.simulation.scenario import Disturbance, Nulls, Rename, Scenario, ShuffleLabels
from homeostat.simulation.traffic import Answered

DAY = timedelta(days=1)


def judge_disturbances(
    scenario: Scenario, damage: dict[str, Damage], chronicle: Chronicle, answered: Answered
) -> tuple[Disturbed, ...]:
    """Each declared disturbance with what the ledger says of it.

    ``damage`` says which deliveries or which run were hit in fact; all else comes from the
    ledger. ``answered`` counts predictions by time.
    """
    found = []
    for each in scenario.disturbances:
        if isinstance(each, ShuffleLabels):
            found.append(_judge_run(each, damage[each.name], chronicle))
        else:
            found.append(_judge_feed(each, damage[each.name], chronicle, answered))
    return tuple(found)


def _span(each: Disturbance) -> tuple[datetime, datetime]:
    if isinstance(each, Nulls):
        return each.since, each.until
    return each.on, each.on + DAY


def _absent(each: Disturbance, why: str) -> Disturbed:
    since, until = _span(each)
    return Disturbed(each.name, each.kind, since, until, "nothing", Handling.ABSENT, why)


# -- a damaged feed -------------------------------------------------------------------------


def _judge_feed(
    each: Nulls | Rename, damage: Damage, chronicle: Chronicle, answered: Answered
) -> Disturbed:
    if not damage.deliveries:
        return _absent(each, f"No delivery of '{each.source}' fell into it.")
    judged = _judged(chronicle, each.source)
    stopped = [d for name, d in judged.items() if name in damage.deliveries and _bad(d)]
    taken = [d for name, d in judged.items() if name in damage.deliveries and not _bad(d)]
    healed = _healed(damage, judged)
    lost = len(_windows(damage)) - len(_windows(damage) & {_window(_name(d)) for d in healed})
    again = _next_good(damage, judged) if lost else None
    closing = [*healed, *([again] if again else [])]
    over = max((d.entry.at for d in closing), default=None)
    alerts = _alerts(chronicle, f"quarantine:{each.source}", each, over)
    told = sorted([*stopped, *taken, *closing, *alerts], key=lambda d: d.entry.seq)
    since, until = _span(each)
    last = over or until
    noticed = min((d.entry.at for d in stopped), default=None)
    handling, verdict = _handled(len(stopped), len(taken), len(damage.deliveries), lost, over)
    count, fallback = answered.between(since, max(last, until), each.source)
    if handling is Handling.HANDLED and fallback:
        verdict += f" {fallback:,} predictions used the last good row of '{each.source}'."
    return Disturbed(
        name=each.name,
        kind=each.kind,
        since=since,
        until=until,
        injected=_injected(each, damage),
        handling=handling,
        verdict=verdict,
        noticed_at=noticed,
        recovered_at=over,
        answered=count,
        entries=tuple(d.entry.seq for d in told),
        story=tuple(_sentence(d) for d in told),
    )


def _judged(chronicle: Chronicle, source: str) -> dict[str, Deed]:
    """The decision on each delivery of ``source``, by delivery id."""
    return {
        _name(deed): deed
        for deed in chronicle.of(act.Accept, act.Quarantine)
        if _name(deed).startswith(f"{source}/")
    }


def _name(deed: Deed) -> str:
    assert isinstance(deed.action, (act.Accept, act.Quarantine))
    return deed.action.delivery


def _bad(deed: Deed) -> bool:
    return isinstance(deed.action, act.Quarantine)


def _window(delivery: str) -> str:
    """The delivery without its attempt."""
    return delivery.rsplit("/", 1)[0]


def _windows(damage: Damage) -> set[str]:
    return {_window(name) for name in damage.deliveries}


def _healed(damage: Damage, judged: dict[str, Deed]) -> list[Deed]:
    """Undamaged deliveries of damaged windows that were accepted."""
    return [
        deed
        for name, deed in judged.items()
        if not _bad(deed) and name not in damage.deliveries and _window(name) in _windows(damage)
    ]


def _next_good(damage: Damage, judged: dict[str, Deed]) -> Deed | None:
    """The first good delivery of a window after the damaged ones."""
    last = max(_windows(damage))
    later = [d for name, d in judged.items() if not _bad(d) and _window(name) > last]
    return min(later, key=lambda deed: deed.entry.seq, default=None)


def _alerts(
    chronicle: Chronicle, name: str, each: Disturbance, over: datetime | None
) -> list[Deed]:
    """The alert that it raised, and its end."""
    since, until = _span(each)
    last = max(over or until, until) + DAY
    return [
        deed
        for deed in chronicle.of(act.Alert, act.Resolve)
        if isinstance(deed.action, (act.Alert, act.Resolve))
        and deed.action.name == name
        and since <= deed.entry.at <= last
    ]


def _handled(
    stopped: int, taken: int, damaged: int, lost: int, over: datetime | None
) -> tuple[Handling, str]:
    some = "It was" if damaged == 1 else f"All {damaged} damaged deliveries were"
    if taken == damaged or not stopped:
        return Handling.MISSED, "Damaged data passed the data gate and was used."
    if taken:
        return Handling.PARTLY, f"{stopped} of {damaged} damaged deliveries were quarantined."
    kept = f"{some} stopped at the data gate; the champion went on answering."
    if over is None:
        return Handling.PARTLY, f"{kept} Good data had not come by the end of the back-test."
    if lost:
        few = "One window never came whole" if lost == 1 else f"{lost} windows never came whole"
        return Handling.HANDLED, f"{kept} {few}; later data was taken again."
    return Handling.HANDLED, f"{kept} The lost data was taken when the feed was whole again."


def _injected(each: Nulls | Rename, damage: Damage) -> str:
    by_window = {_window(name): rows for name, rows in damage.deliveries.items()}
    rows, number = sum(by_window.values()), len(by_window)
    where = f"in {'one window' if number == 1 else f'{number} windows'} of '{each.source}'"
    times = len(damage.deliveries)
    often = f", delivered {times} times" if times > number else ""
    if isinstance(each, Rename):
        what = ", ".join(f"'{old}' named '{new}'" for old, new in each.columns.items())
    else:
        columns = len(each.columns)
        what = f"'{each.columns[0]}' empty" if columns == 1 else f"{columns} columns empty"
    return f"{what} {where} ({rows:,} rows){often}"


# -- a damaged training ---------------------------------------------------------------------


def _judge_run(each: ShuffleLabels, damage: Damage, chronicle: Chronicle) -> Disturbed:
    if not damage.run_id:
        return _absent(each, f"No training run started on or after {each.on:%Y-%m-%d}.")
    deeds = [
        deed
        for deed in chronicle.of(act.Train, act.Refuse, act.Register)
        if isinstance(deed.action, (act.Train, act.Refuse, act.Register))
        and deed.action.run_id == damage.run_id
    ]
    refused = [deed for deed in deeds if isinstance(deed.action, act.Refuse)]
    registered = [deed for deed in deeds if isinstance(deed.action, act.Register)]
    began = min((deed.entry.at for deed in deeds), default=each.on)
    if refused:
        handling, verdict = Handling.HANDLED, "Refused at the gate; the champion went on serving."
    elif registered:
        handling, verdict = Handling.MISSED, "The gate let it pass."
    else:
        handling, verdict = Handling.PARTLY, "The run came to no decision; it never served."
    at = refused[0].entry.at if refused else None
    return Disturbed(
        name=each.name,
        kind=each.kind,
        since=began,
        until=at or began + DAY,
        injected=f"the labels that {damage.run_id} learned from, in random order",
        handling=handling,
        verdict=verdict,
        noticed_at=at,
        recovered_at=at,
        entries=tuple(deed.entry.seq for deed in deeds),
        story=tuple(_sentence(deed) for deed in deeds),
    )


def _sentence(deed: Deed) -> str:
    action = deed.action
    day = f"{deed.entry.at:%Y-%m-%d}"
    if isinstance(action, act.Quarantine):
        return f"{day}: quarantined {delivery_name(action.delivery)}: {_short(action.reason)}"
    if isinstance(action, act.Accept):
        return f"{day}: took {delivery_name(action.delivery)}: {action.reason}"
    if isinstance(action, act.Alert):
        return f"{day}: alert {action.name}"
    if isinstance(action, act.Resolve):
        return f"{day}: closed {action.name}: {action.reason}"
    word = {act.Train: "trained", act.Refuse: "refused", act.Register: "registered"}[type(action)]
    return f"{day}: {word} {getattr(action, 'run_id', '')}: {_short(action.reason)}"


def _short(reason: str) -> str:
    """The first of several findings; the ledger has them all."""
    first, *others = reason.split("; ")
    return f"{first}; and {len(others)} more" if others else first
