"""Is there a reason to train, and may we."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from homeostat.domain.action import Train
from homeostat.domain.recorded import Recorded
from homeostat.domain.run import Run, RunStatus
from homeostat.domain.world import World
from homeostat.loop.monitor import alert_name
from homeostat.policy.schedule import due_at
from homeostat.policy.settings import LoopPolicy, TriggerPolicy

BUDGET_WINDOW = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a training run is wanted."""

    trigger: str
    reason: str
    evidence: tuple[int, ...] = ()


def decide(world: World, policy: LoopPolicy, now: datetime) -> list[Train]:
    """At most one run: an interrupted one again, or a new one when a trigger has fired.

    Single flight: nothing starts while a run is under way or undecided, or while a rollout
    is under way. A new run respects the cool-down and the budget of runs in 30 days.
    """
    recorded = world.recorded
    interrupted = next(
        (run for run in recorded.runs.values() if run.status is RunStatus.INTERRUPTED), None
    )
    if interrupted is not None:
        return _resume(interrupted, policy)
    if busy(recorded) or not _may_start(recorded, policy, now):
        return []
    cause = next(_causes(world, policy, now), None)
    return [start(recorded, policy, now, cause)] if cause else []


def busy(recorded: Recorded) -> str:
    """What is under way that forbids another run; empty when nothing is."""
    for run in recorded.runs.values():
        if run.status in (RunStatus.RUNNING, RunStatus.INTERRUPTED):
            return f"{run.request.id} is under way"
        if run.status is RunStatus.FINISHED and not run.decided:
            return f"{run.request.id} waits for its gates"
    if recorded.rollout is not None:
        return f"version {recorded.rollout.version} is being rolled out"
    return ""


def start(recorded: Recorded, policy: LoopPolicy, now: datetime, cause: Cause) -> Train:
    """A new run for ``cause``."""
    return Train(
        run_id=f"run-{len(recorded.runs) + 1:04d}",
        trigger=cause.trigger,
        seed=policy.seed,
        search=_search(recorded, policy, now),
        reason=cause.reason,
        evidence=cause.evidence,
    )


def _resume(run: Run, policy: LoopPolicy) -> list[Train]:
    if run.attempts > policy.max_failures:
        return []
    return [
        Train(
            run_id=run.request.id,
            trigger=run.request.trigger,
            seed=run.request.seed,
            search=run.request.parameters is None,
            attempt=run.attempts + 1,
            reason=f"its process died; resumed at the first missing step ({run.request.reason})",
        )
    ]


def _may_start(recorded: Recorded, policy: LoopPolicy, now: datetime) -> bool:
    starts = [run.started_at for run in recorded.runs.values()]
    if starts and now - max(starts) < policy.cool_down:
        return False
    return sum(now - begun < BUDGET_WINDOW for begun in starts) < policy.retrain_budget


def _search(recorded: Recorded, policy: LoopPolicy, now: datetime) -> bool:
    if policy.search_again_after is None:
        return True
    searched = [
        run.started_at
        for run in recorded.runs.values()
        if run.request.parameters is None and run.status is RunStatus.FINISHED
    ]
    return not searched or now - max(searched) >= policy.search_again_after


def _causes(world: World, policy: LoopPolicy, now: datetime) -> Iterator[Cause]:
    for trigger in policy.triggers:
        if trigger.schedule is not None:
            yield from _scheduled(trigger, world, now)
        elif trigger.new_labels is not None:
            yield from _labelled(trigger, world)
        else:
            yield from _signalled(trigger, world, now)
    for rule in policy.rules:
        if rule.do == "retrain":
            yield from _alerted(alert_name("rule", rule.name), rule.hold, world, now)


def _scheduled(trigger: TriggerPolicy, world: World, now: datetime) -> Iterator[Cause]:
    assert trigger.schedule is not None
    last = world.recorded.last_run
    since = last.started_at if last else world.recorded.first_at
    due = due_at(trigger.schedule, since, now) if since else None
    if due is not None:
        yield Cause(
            f"schedule:{trigger.name}",
            f"schedule '{trigger.schedule}' fell due at {due:%Y-%m-%d %H:%M}",
        )


def _labelled(trigger: TriggerPolicy, world: World) -> Iterator[Cause]:
    assert trigger.new_labels is not None
    signal = world.signals.get("new_labels")
    if signal is not None and signal.value is not None and signal.value >= trigger.new_labels:
        yield Cause(
            f"labels:{trigger.name}",
            f"{signal.value:,.0f} labels since the last training, "
            f"{trigger.new_labels:,} are enough",
        )


def _signalled(trigger: TriggerPolicy, world: World, now: datetime) -> Iterator[Cause]:
    yield from _alerted(alert_name("trigger", trigger.name), trigger.hold, world, now)


def _alerted(name: str, hold: timedelta, world: World, now: datetime) -> Iterator[Cause]:
    """A cause when the alert has been open for ``hold``, and opened or held since the last run."""
    alert = world.recorded.alerts.get(name)
    if alert is not None and now - alert.since >= hold:
        yield Cause(
            f"signal:{name}",
            f"{alert.reason}, held since {alert.since:%Y-%m-%d %H:%M}",
            (alert.entry,),
        )
