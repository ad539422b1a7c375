from dataclasses import replace

from homeostat.domain.recorded import OpenAlert, Recorded
from homeostat.domain.rollout import Phase
from homeostat.domain.run import RunStatus
from homeostat.loop import train
from homeostat.policy.expression import compile_expression
from homeostat.policy.settings import TriggerPolicy
from tests.worlds import DAY, NOW, policy, rolling, run, serving, world


def decide(recorded, signals=None, **changes):
    return train.decide(world(recorded, **(signals or {})), policy(**changes), NOW)


def test_a_schedule_that_fell_due_since_the_last_run_starts_one():
    (action,) = decide(serving(1))
    assert action.run_id == "run-0002"
    assert "fell due at 2024-02-26" in action.reason


def test_nothing_is_due_twice():
    recent = {"run-0001": run("run-0001", started_at=NOW - 4 * DAY)}
    assert decide(serving(1, runs=recent)) == []


def test_single_flight_and_undecided_runs_and_rollouts_hold_the_next_run_back():
    for status in (RunStatus.RUNNING,):
        runs = {"run-0001": run("run-0001", status, candidate=None)}
        assert decide(serving(1, runs=runs)) == []
    undecided = {"run-0001": run("run-0001", decided=False)}
    assert decide(serving(1, runs=undecided)) == []
    assert decide(rolling(Phase.SHADOW)) == []


def test_the_cool_down_holds_a_run_back():
    labels = (TriggerPolicy("labels", new_labels=100),)
    recent = {"run-0001": run("run-0001", started_at=NOW - 2 * DAY)}
    recorded = serving(1, runs=recent)
    assert decide(recorded, {"new_labels": 500.0}, triggers=labels) == []
    assert decide(recorded, {"new_labels": 500.0}, triggers=labels, cool_down=DAY) != []


def test_the_budget_of_runs_in_thirty_days_holds_a_run_back():
    runs = {f"run-{n}": run(f"run-{n}", started_at=NOW - (n + 7) * DAY) for n in range(6)}
    assert decide(serving(1, runs=runs)) == []
    assert decide(serving(1, runs=runs), retrain_budget=7) != []


def test_missing_labels_do_not_count_as_labels():
    labels = (TriggerPolicy("labels", new_labels=100),)
    for signals in ({}, {"new_labels": None}, {"new_labels": 99.0}):
        assert decide(serving(1), signals, triggers=labels) == []
    assert decide(serving(1), {"new_labels": 100.0}, triggers=labels) != []


def test_a_condition_must_have_held_for_the_debounce_time():
    when = TriggerPolicy("drop", when=compile_expression("auc < 0.6"), hold=3 * DAY)
    young = OpenAlert("trigger:drop", "info", NOW - 2 * DAY, 42, "auc < 0.6 (auc = 0.55)")
    old = replace(young, since=NOW - 3 * DAY)
    assert decide(serving(1, alerts={young.name: young}), triggers=(when,)) == []
    (action,) = decide(serving(1, alerts={old.name: old}), triggers=(when,))
    assert action.evidence == (42,)
    assert "auc = 0.55" in action.reason


def test_an_interrupted_run_is_resumed_under_its_own_id_before_anything_new():
    runs = {"run-0001": run("run-0001", RunStatus.INTERRUPTED, candidate=None)}
    (action,) = decide(serving(1, runs=runs))
    assert (action.run_id, action.attempt) == ("run-0001", 2)


def test_a_search_is_repeated_only_after_its_time():
    (first,) = decide(Recorded(first_at=NOW - 10 * DAY))
    (second,) = decide(serving(1))
    assert (first.search, second.search) == (True, False)
