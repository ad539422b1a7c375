"""The loop and the engine, unchanged, in simulated worlds from seeds: safety and liveness."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest

from homeostat.domain.action import Promote, Register, Rollback, Train
from homeostat.domain.entry import Entry, Kind, draft, value_of, verified
from homeostat.domain.event import Failed, Order
from homeostat.domain.projection import project
from homeostat.domain.run import RunStatus
from homeostat.loop.deploy import traffic
from homeostat.policy.settings import SourcePolicy, TriggerPolicy
from homeostat.testing.sim_world import START, Faults, SimWorld, calm
from tests.worlds import DAY, policy

FAULTS = Faults(
    bad_delivery=0.1,
    source_down=0.05,
    run_dies=0.2,
    run_fails=0.1,
    gateway_forgets=0.1,
    gateway_away=0.1,
    route_fails=0.1,
    crash=0.05,
    no_labels=0.3,
)
SEEDS = range(12)


def sim(seed: int, faults: Faults | None = None, **changes: object) -> SimWorld:
    sources = tuple(SourcePolicy(name, DAY, START, 3) for name in ("orders", "weather"))
    return SimWorld(policy(sources=sources, **changes), seed, faults)


def outcomes(world: SimWorld, kind: type) -> list[tuple[Entry, object]]:
    """Each carried-out action of ``kind`` with the entry of its outcome."""
    entries = {entry.seq: entry for entry in world.entries}
    done = []
    for entry in entries.values():
        if entry.kind is Kind.OUTCOME and not isinstance(value_of(entry), Failed):
            action = value_of(entries[entry.cause])
            if isinstance(action, kind):
                done.append((entry, action))
    return done


@pytest.mark.parametrize("seed", SEEDS)
def test_safety_in_a_faulty_world(seed):
    world = sim(seed, FAULTS)
    world.day(120)
    entries = world.entries
    list(verified(entries))
    intents = {entry.seq for entry in entries if entry.kind is Kind.INTENT}
    assert all(e.cause in intents for e in entries if e.kind is Kind.OUTCOME)
    registered = set()
    for entry in entries:
        if entry.kind is Kind.OUTCOME and isinstance(value_of(entries[entry.cause - 1]), Register):
            registered.add(len(registered) + 1)
        if entry.kind is Kind.OUTCOME and isinstance(value_of(entries[entry.cause - 1]), Promote):
            assert value_of(entries[entry.cause - 1]).version in registered
    recorded = world.recorded
    open_tenures = [tenure for tenure in recorded.tenures if tenure.until is None]
    assert len(open_tenures) <= 1
    for version in recorded.versions[1:]:
        low = [c.low for c in version.candidate.comparisons if c.where in ("evaluation", "holdout")]
        assert len(low) == 2
        assert min(low) > -0.005
    starts = sorted(run.started_at for run in recorded.runs.values())
    for begun in starts:
        assert sum(begun <= other < begun + 30 * DAY for other in starts) <= 6


@pytest.mark.parametrize("seed", SEEDS)
def test_when_faults_stop_the_world_heals(seed):
    world = sim(seed, FAULTS)
    world.day(60)
    calm(world)
    world.day(30)
    recorded = world.recorded
    assert recorded.champion is not None
    assert traffic.same(world.routed, traffic.routing(recorded))
    assert not [r for r in recorded.runs.values() if r.status is RunStatus.INTERRUPTED]
    assert not recorded.intents
    for source in recorded.sources.values():
        assert not source.pending
        assert source.cursor == world.clock.now()
    assert not [name for name in recorded.alerts if name.startswith("failing:")]


@pytest.mark.parametrize("seed", SEEDS)
def test_promotions_make_the_model_better(seed):
    world = sim(seed)
    world.day(200)
    recorded = world.recorded
    first, last = recorded.versions[0], recorded.champion
    assert len(recorded.versions) > 1
    assert world.quality[last.digest] > world.quality[first.digest]


def test_the_same_seed_gives_the_same_ledger():
    first, second = sim(3, FAULTS), sim(3, FAULTS)
    for world in (first, second):
        world.day(60)
    assert [e.hash for e in first.entries] == [e.hash for e in second.entries]


def test_a_version_that_turns_bad_after_promotion_is_rolled_back_and_served_no_more():
    monthly = (TriggerPolicy("monthly", schedule="0 0 1 * *"),)
    world = sim(1, triggers=monthly)
    while len({t.version for t in world.recorded.tenures}) < 2:
        world.day()
    promoted = world.recorded.champion
    world.quality[promoted.digest] -= 5.0
    world.day(8)
    ((_, rollback),) = outcomes(world, Rollback)
    assert rollback.from_version == promoted.number
    assert promoted.number not in [arm.version for arm in world.routed.answering]
    assert world.recorded.champion.number == rollback.to_version


def test_folding_a_prefix_and_then_the_rest_equals_folding_the_whole():
    world = sim(5, FAULTS)
    world.day(40)
    entries = world.entries
    whole = project(entries)
    for cut in range(0, len(entries), max(1, len(entries) // 25)):
        assert project(entries[cut:], project(entries[:cut])) == whole


def test_a_paused_model_takes_data_and_does_nothing_else():
    world = sim(2)
    world.day(20)
    now = world.clock.now()
    world.ledger.append([draft(now, Kind.ORDER, Order("pause", "ada", "holiday"))])
    world.day()
    position = world.recorded.position
    world.day(20)
    names = {e.name for e in world.entries[position:] if e.kind is Kind.INTENT}
    assert names <= {"Fetch", "Accept", "Quarantine", "Alert", "Resolve"}
    world.ledger.append([draft(now, Kind.ORDER, Order("resume", "ada", ""))])
    world.day(10)
    assert "Train" in {e.name for e in world.entries[position:]}


def test_a_run_whose_process_keeps_dying_is_given_up_and_told():
    world = sim(4, Faults(run_dies=1.0))
    world.day(10)
    run = next(iter(world.recorded.runs.values()))
    assert run.status is RunStatus.FAILED
    assert "died 3 times" in run.error
    assert "run-failed" in world.recorded.alerts


def test_what_keeps_failing_is_told_to_a_person_and_heals_when_it_can():
    world = sim(4, Faults(source_down=1.0))
    world.day(5)
    alerts = [name for name in world.recorded.alerts if name.startswith("failing:fetch")]
    assert len(alerts) == 2
    calm(world)
    world.day(2)
    assert not [name for name in world.recorded.alerts if name.startswith("failing:fetch")]
    assert world.recorded.sources["orders"].cursor == world.clock.now()


def test_cool_down_holds_between_runs():
    world = sim(6, cool_down=9 * DAY)
    world.day(120)
    starts = [entry.at for entry, _ in outcomes(world, Train)]
    gaps = [later - earlier for earlier, later in itertools.pairwise(starts)]
    assert gaps
    assert min(gaps) >= timedelta(days=9)


def test_a_back_up_controller_waits_for_the_lease():
    from homeostat.errors import LeaseHeldError

    world = sim(7)
    world.day(3)
    rival = world._controller()
    with pytest.raises(LeaseHeldError):
        rival.settle(world.clock.now())
