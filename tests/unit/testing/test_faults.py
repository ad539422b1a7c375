"""Faults strike where they should, fail as the real thing does, and the loop lives with them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from homeostat.domain.action import Promote, Register
from homeostat.domain.delivery import Window
from homeostat.domain.entry import Kind, draft, value_of, verified
from homeostat.domain.event import Ended, Order
from homeostat.domain.projection import project
from homeostat.domain.rollout import Arm, Routing
from homeostat.domain.run import RunRequest
from homeostat.errors import (
    DiskFullError,
    ModelLoadError,
    RunError,
    SourceError,
    StateError,
    StateLockedError,
)
from homeostat.policy.settings import SourcePolicy
from homeostat.testing.faults import (
    FAULTS,
    Chance,
    FaultyLedger,
    FaultyRunner,
    FaultyServing,
    FaultySource,
    ProcessDeath,
)
from homeostat.testing.memory import MemoryLedger
from homeostat.testing.sim_world import START, SimWorld
from tests.worlds import DAY, policy

AT = datetime(2024, 1, 1, tzinfo=UTC)
REQUEST = RunRequest("run-1", AT, "", "", 1, "snapshot")
ROUTING = Routing((Arm(1, "d", "p", 1.0),))
NOTE = draft(AT, Kind.ORDER, Order("retrain", "tests", ""))


def once(name):
    return Chance(at={name: [1]})


def test_the_same_seed_strikes_at_the_same_places():
    shares = {"ledger.full": 0.3, "source.down": 0.5}

    def run(seed):
        chance = Chance(seed, shares)
        for _ in range(50):
            chance.strikes("ledger.full")
            chance.strikes("source.down")
        return chance.struck

    assert run(1) == run(1) != run(2)
    assert 5 < len([name for name, _ in run(1) if name == "ledger.full"]) < 25


def test_a_fault_may_be_put_at_a_place():
    chance = Chance(at={"ledger.full": [2, 4]})
    assert [chance.strikes("ledger.full") for _ in range(5)] == [False, True, False, True, False]
    assert chance.struck == [("ledger.full", 2), ("ledger.full", 4)]


def test_a_misspelled_fault_is_refused():
    with pytest.raises(AssertionError):
        Chance(shares={"ledger.fool": 1.0})


def test_after_stop_nothing_strikes():
    chance = Chance(shares=dict.fromkeys(FAULTS, 1.0))
    chance.stop()
    assert not any(chance.strikes(name) for name in FAULTS)


@pytest.mark.parametrize(
    ("name", "error", "written"),
    [
        ("ledger.full", DiskFullError, 0),
        ("ledger.locked", StateLockedError, 0),
        ("ledger.death_before", ProcessDeath, 0),
        ("ledger.death_after", ProcessDeath, 1),
        ("ledger.lost", StateError, 1),
    ],
)
def test_a_ledger_fails_before_or_after_it_wrote(name, error, written):
    ledger = FaultyLedger(MemoryLedger("m"), once(name))
    with pytest.raises(error):
        ledger.append([NOTE])
    assert len(list(ledger.read())) == written
    (entry,) = ledger.append([NOTE])
    assert ledger.entry(written + 1) == entry
    token = ledger.acquire("me", AT + DAY, AT)
    ledger.append([NOTE], token=token)
    ledger.release("me")


class Runs:
    def __init__(self):
        self.started = []

    def start(self, request):
        self.started.append(request.id)

    def poll(self, run_id):
        return Ended(run_id)


@pytest.mark.parametrize(
    ("name", "error", "started"),
    [
        ("runner.refused", RunError, []),
        ("runner.lost", RunError, ["run-1"]),
        ("runner.death_after", ProcessDeath, ["run-1"]),
    ],
)
def test_a_runner_fails_before_or_after_it_began(name, error, started):
    runs = Runs()
    with pytest.raises(error):
        FaultyRunner(runs, once(name)).start(REQUEST)
    assert runs.started == started


def test_a_silent_runner_answers_later():
    runner = FaultyRunner(Runs(), once("runner.silent"))
    assert runner.poll("run-1") is None
    assert runner.poll("run-1") == Ended("run-1")


class Gateway:
    def __init__(self):
        self.routing = Routing()

    def route(self, routing):
        self.routing = routing

    def observe(self):
        return self.routing


@pytest.mark.parametrize(
    ("name", "error", "routed"),
    [("serving.refused", ModelLoadError, Routing()), ("serving.lost", StateError, ROUTING)],
)
def test_a_gateway_fails_before_or_after_it_took_a_routing(name, error, routed):
    serving = FaultyServing(Gateway(), once(name))
    with pytest.raises(error):
        serving.route(ROUTING)
    assert serving.observe() == routed


@pytest.mark.parametrize(("name", "seen"), [("serving.away", None), ("serving.forgets", Routing())])
def test_a_gateway_may_be_away_or_forget(name, seen):
    serving = FaultyServing(Gateway(), once(name))
    serving.route(ROUTING)
    assert serving.observe() == seen
    serving.route(ROUTING)
    assert serving.observe() == ROUTING


class Rows:
    frame = pl.DataFrame({"id": [1, 2, 3, 4], "x": [0.5, 1.5, 2.5, 3.5]})

    def read(self, source, window, attempt=1):
        return self.frame


@pytest.mark.parametrize(
    ("name", "spoiled"),
    [
        ("source.empty", {"id": [], "x": []}),
        ("source.cut", {"id": [1, 2], "x": [0.5, 1.5]}),
        ("source.doubled", {"id": [1, 2, 3, 4] * 2, "x": [0.5, 1.5, 2.5, 3.5] * 2}),
        ("source.nulls", {"id": [1, 2, 3, 4], "x": [None] * 4}),
        ("source.text", {"id": [1, 2, 3, 4], "x": ["0.5", "1.5", "2.5", "3.5"]}),
        ("source.renamed", {"id": [1, 2, 3, 4], "x_v2": [0.5, 1.5, 2.5, 3.5]}),
    ],
)
def test_a_source_is_spoiled_once_and_good_when_asked_again(name, spoiled):
    source = FaultySource(Rows(), once(name))
    window = Window(AT, AT + DAY)
    assert source.read("rows", window).to_dict(as_series=False) == spoiled
    assert source.read("rows", window, 2).equals(Rows.frame)


def test_a_source_that_is_down_says_so():
    source = FaultySource(Rows(), once("source.down"), column="id")
    with pytest.raises(SourceError):
        source.read("rows", Window(AT, AT + DAY))


LEDGER_FAULTS = {
    "ledger.full": 0.02,
    "ledger.locked": 0.02,
    "ledger.lost": 0.02,
    "ledger.death_before": 0.02,
    "ledger.death_after": 0.02,
}


@pytest.mark.parametrize("seed", range(4))
def test_the_loop_lives_with_a_ledger_that_fails_and_a_process_that_dies(seed):
    sources = (SourcePolicy("orders", DAY, START, 3),)
    world = SimWorld(policy(sources=sources), seed)
    chance = Chance(seed, LEDGER_FAULTS)
    world.ledger = FaultyLedger(world.ledger, chance)

    def restart():
        world.engine.release()
        world.engine = world._controller()

    def live_through(days):
        for _ in range(days):
            world.clock.advance(timedelta(days=1))
            while True:
                try:
                    world.engine.settle(world.clock.now())
                    break
                except (StateError, ProcessDeath):
                    restart()

    restart()
    live_through(60)
    assert {name for name, _ in chance.struck} == set(LEDGER_FAULTS)
    chance.stop()
    live_through(30)

    entries = list(verified(world.ledger.read()))
    recorded = project(entries)
    assert recorded.champion is not None
    assert world.routed.arms[0].version == recorded.champion.number
    registered = [value_of(e).run_id for e in entries if e.name == Register.__name__]
    carried_out = {entry.cause for entry in entries if entry.kind is Kind.OUTCOME}
    done = [e for e in entries if e.kind is Kind.INTENT and e.seq in carried_out]
    for kind in (Register, Promote):
        keys = [value_of(entry).key for entry in done if entry.name == kind.__name__]
        assert len(keys) == len(set(keys)), kind
    assert len(recorded.versions) == len(set(registered))
