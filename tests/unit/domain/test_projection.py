"""The fold from the ledger to the recorded state."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeostat.domain import action as act
from homeostat.domain import event as ev
from homeostat.domain import projection
from homeostat.domain.entry import GENESIS, Entry, Kind, chain, draft
from homeostat.domain.projection import project
from homeostat.domain.recorded import Recorded, Tenure
from homeostat.domain.rollout import Arm, Phase, Routing
from homeostat.domain.run import RunStatus
from homeostat.domain.verdict import Verdict
from homeostat.errors import LedgerBrokenError
from homeostat.policy.settings import SourcePolicy
from homeostat.testing.sim_world import START, Faults, SimWorld
from tests.unit.domain.samples import AT, DAY, WINDOW, candidate, delivery, request
from tests.worlds import policy


class History:
    """Writes a ledger by hand, an hour between entries."""

    def __init__(self):
        self.entries: list[Entry] = []

    def write(self, kind, value, cause=None, at=None):
        head = self.entries[-1].hash if self.entries else GENESIS
        at = at or AT + len(self.entries) * timedelta(hours=1)
        seq = len(self.entries) + 1
        self.entries.append(chain(head, seq, "m", draft(at, kind, value, cause)))
        return self.entries[-1]

    def do(self, action, event=None, at=None):
        """An intent and its outcome; the outcome."""
        intent = self.write(Kind.INTENT, action, at=at)
        return self.write(Kind.OUTCOME, event or ev.Done(), intent.seq, at)

    def fact(self, event):
        return self.write(Kind.FACT, event)

    def order(self, kind, version=None):
        return self.write(Kind.ORDER, ev.Order(kind, "ann", "because", version))

    # -- common stretches -------------------------------------------------------------------

    def fetch(self, bad=False, attempt=1, window=WINDOW, source="orders"):
        verdict = Verdict.FAIL if bad else Verdict.PASS
        came = delivery(source, window, attempt, verdict)
        self.do(
            act.Fetch(source=source, window=window, attempt=attempt, reason=""), ev.Fetched(came)
        )
        return came

    def train(self, run_id="run-0001", attempt=1):
        asked = act.Train(
            run_id=run_id, trigger="t", seed=1, search=False, attempt=attempt, reason=""
        )
        return self.do(asked, ev.Started(request(run_id)))

    def register(self, run_id="run-0001"):
        self.train(run_id)
        self.fact(ev.Ended(run_id, candidate(run_id)))
        return self.do(act.Register(run_id=run_id, reason=""))

    def promote(self, version, replaces=None, watch=28 * DAY, at=None):
        return self.do(
            act.Promote(rollout="r", version=version, replaces=replaces, watch=watch, reason=""),
            at=at,
        )

    @property
    def now(self) -> Recorded:
        return project(self.entries)


@pytest.fixture
def history():
    return History()


def test_every_action_and_fact_has_a_fold():
    assert set(projection._ACTIONS) == set(act.ACTIONS.values())
    outcomes = {*projection._ANSWERS.values(), ev.Done, ev.Failed}
    facts = {ev.EVENTS[name] for name in projection._FACTS}
    assert outcomes | facts == set(ev.EVENTS.values())


def test_of_nothing_nothing_is_known():
    assert project([]) == Recorded()
    assert Recorded().champion is None
    assert Recorded().last_run is None


def test_place_head_and_times_follow_the_last_entry(history):
    history.fact(ev.Declared("m", "team", "spec-1"))
    history.fact(ev.Declared("m", "other team", "spec-2"))
    now = history.now
    assert (now.model, now.owner, now.spec_digest) == ("m", "other team", "spec-2")
    assert (now.position, now.head) == (2, history.entries[1].hash)
    assert (now.first_at, now.last_at) == tuple(entry.at for entry in history.entries)


# -- data -----------------------------------------------------------------------------------


def test_a_delivery_waits_until_it_is_judged(history):
    came = history.fetch()
    source = history.now.sources["orders"]
    assert source.pending == (came,)
    assert source.cursor == WINDOW.until
    history.do(act.Accept(delivery=came.id, reason=""))
    source = history.now.sources["orders"]
    assert (source.pending, source.accepted, source.quarantined) == ((), (came,), ())


def test_a_good_attempt_ends_the_quarantine_of_its_window(history):
    bad = history.fetch(bad=True)
    history.do(act.Quarantine(delivery=bad.id, reason=""))
    worse = history.fetch(bad=True, attempt=2)
    history.do(act.Quarantine(delivery=worse.id, reason=""))
    assert history.now.sources["orders"].quarantined == (worse,)
    good = history.fetch(attempt=3)
    history.do(act.Accept(delivery=good.id, reason=""))
    source = history.now.sources["orders"]
    assert (source.accepted, source.quarantined) == ((good,), ())


def test_asking_for_an_old_window_does_not_move_the_cursor_back(history):
    later = replace(WINDOW, since=WINDOW.until, until=WINDOW.until + DAY)
    history.fetch(window=later)
    history.fetch(attempt=2)
    assert history.now.sources["orders"].cursor == later.until


def test_a_sources_name_may_hold_a_slash(history):
    came = history.fetch(source="shop/orders")
    history.do(act.Accept(delivery=came.id, reason=""))
    assert history.now.sources["shop/orders"].accepted == (came,)


# -- runs and versions ----------------------------------------------------------------------


def test_a_run_starts_dies_goes_on_and_ends(history):
    started = history.train()
    assert history.now.runs["run-0001"].status is RunStatus.RUNNING
    history.fact(ev.Ended("run-0001", interrupted=True))
    assert history.now.runs["run-0001"].status is RunStatus.INTERRUPTED
    history.train(attempt=2)
    ended = history.fact(ev.Ended("run-0001", candidate()))
    run = history.now.runs["run-0001"]
    assert (run.status, run.attempts) == (RunStatus.FINISHED, 2)
    assert (run.started_at, run.ended_at) == (started.at, ended.at)
    assert run.candidate == candidate()
    assert not run.decided


def test_a_run_that_failed_says_why(history):
    history.train()
    history.fact(ev.Ended("run-0001", error="did not converge"))
    run = history.now.runs["run-0001"]
    assert (run.status, run.error, run.candidate) == (RunStatus.FAILED, "did not converge", None)


def test_a_refused_run_is_decided_and_no_version(history):
    history.train()
    history.fact(ev.Ended("run-0001", candidate()))
    history.do(act.Refuse(run_id="run-0001", reason="worse"))
    assert history.now.runs["run-0001"].decided
    assert history.now.versions == ()


def test_versions_are_numbered_in_order_and_know_their_parent(history):
    first = history.register()
    history.promote(1)
    history.register("run-0002")
    now = history.now
    assert [version.number for version in now.versions] == [1, 2]
    assert [version.parent for version in now.versions] == [None, 1]
    assert now.version(1).entry == first.seq
    assert now.version(2).digest == "model-run-0002"
    for none in (0, 3, -1):
        with pytest.raises(KeyError):
            now.version(none)


def test_of_runs_that_started_at_one_instant_the_last_is_the_last(history):
    for run_id in ("run-0001", "run-0002"):
        intent = act.Train(run_id=run_id, trigger="t", seed=1, search=False, reason="")
        history.do(intent, ev.Started(request(run_id)), at=AT)
    assert history.now.last_run.request.id == "run-0002"


# -- rollouts -------------------------------------------------------------------------------


def test_a_rollout_goes_from_shadow_to_canary_to_champion(history):
    history.register()
    history.promote(1)
    history.register("run-0002")
    began = history.do(act.BeginRollout(version=2, run_id="run-0002", reason=""))
    rollout = history.now.rollout
    assert (rollout.version, rollout.replaces, rollout.phase) == (2, 1, Phase.SHADOW)
    assert (rollout.step, rollout.share, rollout.began_at) == (-1, 0.0, began.at)
    advanced = history.do(act.Advance(rollout=rollout.id, step=0, share=0.1, reason=""))
    rollout = history.now.rollout
    assert (rollout.phase, rollout.step, rollout.share) == (Phase.CANARY, 0, 0.1)
    assert (rollout.began_at, rollout.phase_since) == (began.at, advanced.at)
    promoted = history.promote(2, 1)
    now = history.now
    assert now.champion.number == 2
    assert now.rollout is None
    assert [past.phase for past in now.past_rollouts] == [Phase.DONE]
    assert (now.watch.version, now.watch.predecessor) == (2, 1)
    assert now.watch.until == promoted.at + 28 * DAY


def test_an_aborted_rollout_leaves_the_champion(history):
    history.register()
    history.promote(1)
    history.register("run-0002")
    history.do(act.BeginRollout(version=2, run_id="run-0002", reason=""))
    history.do(act.Abort(rollout=history.now.rollout.id, reason="worse"))
    now = history.now
    assert now.champion.number == 1
    assert now.rollout is None
    assert [past.phase for past in now.past_rollouts] == [Phase.ABORTED]


def test_a_first_version_has_no_predecessor_to_watch_with(history):
    history.register()
    history.promote(1)
    assert history.now.watch is None


def test_looks_are_counted_until_the_last(history):
    history.register()
    history.promote(1)
    history.register("run-0002")
    history.promote(2, 1)
    looked = history.do(act.LookAt(version=2, predecessor=1, look=1, last=False, reason=""))
    assert (history.now.watch.looks, history.now.watch.last_look_at) == (1, looked.at)
    history.do(act.LookAt(version=2, predecessor=1, look=2, last=True, reason=""))
    assert history.now.watch is None


def test_a_rollback_brings_the_predecessor_back_and_ends_watch_and_rollout(history):
    history.register()
    history.promote(1)
    history.register("run-0002")
    history.promote(2, 1)
    history.register("run-0003")
    history.do(act.BeginRollout(version=3, run_id="run-0003", reason=""))
    back = history.do(act.Rollback(from_version=2, to_version=1, cause="watch", reason=""))
    now = history.now
    assert now.champion.number == 1
    assert [tenure.version for tenure in now.tenures] == [1, 2, 1]
    assert now.tenures[-1] == Tenure(1, back.at, back.seq)
    assert now.tenures[-2].until == back.at
    assert (now.watch, now.rollout) == (None, None)


def test_routing_is_what_the_gateway_answered(history):
    asked, answered = Routing((Arm(1, "a", "p", 1.0),)), Routing((Arm(1, "b", "p", 1.0),))
    history.do(act.Route(routing=asked, reason=""), ev.Routed(answered))
    assert history.now.routing == answered


# -- who served when ------------------------------------------------------------------------


def test_a_tenure_holds_its_first_instant_and_not_its_last(history):
    history.register()
    first = history.promote(1)
    history.register("run-0002")
    second = history.promote(2, 1)
    now, instant = history.now, timedelta(microseconds=1)
    assert now.champion_at(first.at - instant) is None
    assert now.champion_at(first.at).version == 1
    assert now.champion_at(second.at - instant).version == 1
    assert now.champion_at(second.at).version == 2
    assert now.champion_at(second.at + 1000 * DAY).version == 2


def test_of_two_changes_at_one_instant_the_later_counts(history):
    history.register()
    history.promote(1)
    history.register("run-0002")
    later = AT + 9 * DAY
    history.promote(2, 1, at=later)
    history.do(act.Rollback(from_version=2, to_version=1, cause="c", reason=""), at=later)
    assert history.now.champion_at(later).version == 1


def test_tenures_follow_each_other_even_when_a_clock_went_back(history):
    history.register()
    history.promote(1, at=AT + 9 * DAY)
    history.register("run-0002")
    history.promote(2, 1, at=AT + 8 * DAY)
    first, second = history.now.tenures
    assert first.since <= first.until == second.since
    assert history.now.champion_at(AT + 9 * DAY).version == 2


# -- people, alerts, failures ---------------------------------------------------------------


def test_an_order_waits_until_it_is_carried_out(history):
    paused = history.order("pause")
    history.order("retrain")
    assert [p.order.kind for p in history.now.orders] == ["pause", "retrain"]
    history.do(act.Obey(order=paused.seq, reason=""))
    now = history.now
    assert [p.order.kind for p in now.orders] == ["retrain"]
    assert now.paused_by.who == "ann"
    resumed = history.order("resume")
    history.do(act.Obey(order=resumed.seq, reason=""))
    assert history.now.paused_by is None


def test_a_refused_order_changes_nothing_and_waits_no_longer(history):
    paused = history.order("pause")
    history.do(act.Obey(order=paused.seq, refused=True, reason="no"))
    assert (history.now.orders, history.now.paused_by) == ((), None)


def test_a_rule_may_pause(history):
    done = history.do(act.Pause(rule="low", reason="auc 0.5"))
    now = history.now
    assert (now.paused_by.who, now.paused_by.why) == ("rule low", "auc 0.5")
    assert now.last_pause_entry == done.seq


def test_an_alert_is_open_until_it_is_resolved(history):
    opened = history.do(act.Alert(name="rule:low", severity="warning", reason="auc 0.5"))
    alert = history.now.alerts["rule:low"]
    assert (alert.since, alert.entry, alert.reason) == (opened.at, opened.seq, "auc 0.5")
    history.do(act.Resolve(name="rule:low", reason="over"))
    assert history.now.alerts == {}


def test_failures_are_counted_in_a_row_and_forgotten_after_success(history):
    fetch = act.Fetch(source="orders", window=WINDOW, attempt=1, reason="")
    history.do(fetch, ev.Failed("H201", "down"))
    last = history.do(fetch, ev.Failed("H201", "still down", terminal=True))
    failure = history.now.failures[fetch.key]
    assert (failure.count, failure.last_at, failure.problem) == (2, last.at, "still down")
    assert failure.terminal
    assert history.now.sources == {}
    history.fetch()
    assert history.now.failures == {}


# -- crashes and damage ---------------------------------------------------------------------


def test_an_intent_is_open_until_its_outcome(history):
    fetch = act.Fetch(source="orders", window=WINDOW, attempt=1, reason="")
    intent = history.write(Kind.INTENT, fetch)
    assert history.now.intents == {intent.seq: fetch}
    history.write(Kind.OUTCOME, ev.Fetched(delivery()), intent.seq)
    assert history.now.intents == {}


def test_a_new_controller_forgets_what_the_old_one_left_open(history):
    history.write(Kind.INTENT, act.Fetch(source="orders", window=WINDOW, attempt=1, reason=""))
    history.fact(ev.Recovered("host:2"))
    assert history.now.intents == {}
    assert history.now.sources == {}


def test_an_outcome_whose_intent_was_forgotten_is_named(history):
    intent = history.write(Kind.INTENT, act.Refuse(run_id="run-0001", reason=""))
    history.fact(ev.Recovered("host:2"))
    history.write(Kind.OUTCOME, ev.Done(), intent.seq)
    with pytest.raises(LedgerBrokenError, match="entry 3:"):
        _ = history.now


def test_a_missing_entry_is_named(history):
    for _ in range(3):
        history.order("pause")
    with pytest.raises(LedgerBrokenError, match="entry 2:"):
        project([history.entries[0], history.entries[2]])


@pytest.mark.parametrize(
    ("action", "event"),
    [
        (act.Fetch(source="s", window=WINDOW, attempt=1, reason=""), ev.Done()),
        (act.Accept(delivery="orders/w/1", reason=""), ev.Done()),
        (act.Quarantine(delivery="odd", reason=""), ev.Done()),
        (act.Train(run_id="r", trigger="", seed=1, search=False, reason=""), ev.Done()),
        (act.Refuse(run_id="r", reason=""), ev.Done()),
        (act.Register(run_id="r", reason=""), ev.Done()),
        (act.Advance(rollout="r", step=0, share=0.1, reason=""), ev.Done()),
        (act.Route(routing=Routing(), reason=""), ev.Done()),
        (act.Alert(name="a", severity="info", reason=""), ev.Recovered("x")),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_outcome_that_cannot_follow_is_named(history, action, event):
    history.do(action, event)
    with pytest.raises(LedgerBrokenError, match="entry 2:"):
        _ = history.now


@pytest.mark.parametrize("event", [ev.Ended("r"), ev.Done(), ev.Routed(Routing())])
def test_a_fact_that_cannot_follow_is_named(history, event):
    history.fact(event)
    with pytest.raises(LedgerBrokenError, match="entry 1:"):
        _ = history.now


def test_a_run_without_a_candidate_cannot_be_registered(history):
    history.train()
    history.do(act.Register(run_id="run-0001", reason=""))
    with pytest.raises(LedgerBrokenError, match="entry 4:"):
        _ = history.now


# -- folding in pieces ----------------------------------------------------------------------

FAULTS = Faults(
    bad_delivery=0.2,
    source_down=0.1,
    run_dies=0.2,
    run_fails=0.2,
    gateway_forgets=0.1,
    route_fails=0.1,
    crash=0.05,
    no_labels=0.2,
)


@pytest.fixture(scope="module")
def long_history():
    world = SimWorld(policy(sources=(SourcePolicy("orders", DAY, START, 3),)), 5, FAULTS)
    world.day(60)
    assert len(world.recorded.tenures) > 1
    return world.entries


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_folding_in_pieces_is_folding_at_once(long_history, data):
    cuts = sorted(data.draw(st.sets(st.integers(0, len(long_history)), max_size=6)))
    recorded = Recorded()
    for begin, end in zip([0, *cuts], [*cuts, len(long_history)], strict=True):
        recorded = project(long_history[begin:end], recorded)
    assert recorded == project(long_history)


def test_folding_entry_by_entry_never_changes_an_earlier_state(long_history):
    states = [Recorded()]
    for entry in long_history:
        states.append(project([entry], states[-1]))
    for place in range(0, len(states), 40):
        assert states[place] == project(long_history[:place])


def test_who_was_champion_then_is_who_was_champion_in_the_record_of_then(long_history):
    whole = project(long_history)
    state = Recorded()
    for entry, following in zip(long_history, [*long_history[1:], None], strict=True):
        state = project([entry], state)
        if following is None or following.at > entry.at:
            tenure = whole.champion_at(entry.at)
            champion = state.champion
            assert (tenure.version if tenure else None) == (champion.number if champion else None)
