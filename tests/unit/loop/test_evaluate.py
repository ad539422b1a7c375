from dataclasses import replace

import pytest

from homeostat.domain.action import Refuse, Register
from homeostat.domain.evidence import Comparison
from homeostat.domain.run import RunStatus
from homeostat.domain.verdict import Verdict
from homeostat.loop import evaluate
from homeostat.loop.gates.margin import judged
from homeostat.policy.settings import GatePolicy
from tests.worlds import candidate, compared, policy, run, serving, world


def decide(found, recorded=None, **changes):
    recorded = recorded or serving(1)
    undecided = run("run-0002", candidate=found, decided=False)
    recorded = replace(recorded, runs={**recorded.runs, "run-0002": undecided})
    (action,) = evaluate.decide(world(recorded), policy(**changes))
    return action


def test_a_candidate_that_passes_each_gate_is_registered():
    assert isinstance(decide(candidate("run-0002", champion=1)), Register)


def test_a_candidate_that_wins_lately_but_loses_on_the_long_term_holdout_is_refused():
    found = candidate(
        "run-0002", 1, comparisons=(compared("evaluation", 0.02), compared("holdout", -0.03))
    )
    action = decide(found)
    assert isinstance(action, Refuse)
    assert "holdout" in action.reason
    assert "-0.0300" in action.reason


@pytest.mark.parametrize(
    ("difference", "half_width", "rows", "verdict"),
    [
        (0.010, 0.004, 5000, Verdict.PASS),
        (0.000, 0.004, 5000, Verdict.PASS),
        (-0.002, 0.004, 5000, Verdict.INCONCLUSIVE),
        (-0.020, 0.004, 5000, Verdict.FAIL),
        (0.010, 0.004, 499, Verdict.INCONCLUSIVE),
        (0.010, 0.100, 5000, Verdict.INCONCLUSIVE),
    ],
)
def test_the_whole_interval_must_be_above_the_margin(difference, half_width, rows, verdict):
    comparison = compared("evaluation", difference, half_width, rows)
    assert judged(comparison, GatePolicy(0.005, 500)).verdict is verdict


def test_no_comparison_is_never_a_pass():
    nothing = Comparison("auc", "evaluation", 0, None, note="no rows")
    assert judged(nothing, GatePolicy(0.005, 500)).verdict is Verdict.INCONCLUSIVE
    assert isinstance(decide(candidate("run-0002", 1, comparisons=())), Refuse)


def test_an_inconclusive_gate_refuses():
    found = candidate(
        "run-0002", 1, comparisons=(compared("evaluation", 0.0, 0.02), compared("holdout", 0.01))
    )
    assert isinstance(decide(found), Refuse)


def test_a_slice_that_is_shown_to_be_worse_refuses_and_a_small_one_does_not():
    good = candidate("run-0002", champion=1)
    worse = replace(good, comparisons=(*good.comparisons, compared("slice:a=b", -0.2)))
    small = replace(good, comparisons=(*good.comparisons, compared("slice:a=b", -0.2, rows=50)))
    assert "slice:a=b" in decide(worse).reason
    assert isinstance(decide(small), Register)


def test_a_candidate_compared_with_a_version_that_no_longer_serves_is_refused():
    action = decide(candidate("run-0002", champion=1), serving(3))
    assert isinstance(action, Refuse)
    assert "version 3 serves now" in action.reason


def test_the_same_bytes_are_not_a_new_version():
    found = candidate("run-0002", champion=1, model_digest="model-run-0001")
    assert "same bytes" in decide(found).reason


@pytest.mark.parametrize(
    ("minimum", "metrics", "registered"),
    [
        ({"auc": 0.7}, {"auc": 0.75}, True),
        ({"auc": 0.8}, {"auc": 0.75}, False),
        ({"log_loss": 0.5}, {"log_loss": 0.4}, True),
        ({"log_loss": 0.3}, {"log_loss": 0.4}, False),
        ({"auc": 0.7}, {}, False),
        ({"auc": 0.7}, {"auc": float("nan")}, False),
    ],
)
def test_absolute_floors_hold_also_for_a_first_version(minimum, metrics, registered):
    empty = replace(serving(1), versions=(), tenures=(), runs={})
    action = decide(candidate("run-0002", metrics=metrics), empty, minimum=minimum)
    assert isinstance(action, Register) is registered


def test_runs_that_have_not_ended_wait():
    recorded = serving(1)
    running = run("run-0002", RunStatus.RUNNING, decided=False)
    recorded = replace(recorded, runs={**recorded.runs, "run-0002": running})
    assert evaluate.decide(world(recorded), policy()) == []
