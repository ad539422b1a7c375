"""Each kind of gate: margins, parts of the rows, absolute limits."""

from dataclasses import replace

import pytest

from homeostat.domain.action import Refuse, Register
from homeostat.domain.evidence import Comparison, Finding
from homeostat.domain.run import RunStatus
from homeostat.domain.verdict import Verdict
from homeostat.loop import evaluate
from homeostat.loop.gates.limits import costs, explanation, floors
from homeostat.loop.gates.margin import judged
from homeostat.loop.gates.slices import missing_segments, worse_parts
from homeostat.policy.settings import GatePolicy, SlicePolicy
from tests.worlds import candidate, compared, policy, run, serving, world

GUARD = GatePolicy(0.05, 200)


def decide(found, recorded=None, **changes):
    recorded = recorded or serving(1)
    undecided = run("run-0002", candidate=found, decided=False)
    recorded = replace(recorded, runs={**recorded.runs, "run-0002": undecided})
    (action,) = evaluate.decide(world(recorded), policy(**changes))
    return action


@pytest.mark.parametrize(
    ("difference", "half_width", "verdict"),
    [(0.02, 0.004, "pass"), (0.01, 0.004, "pass"), (0.006, 0.004, "inconclusive"),
     (0.0, 0.004, "fail"), (-0.02, 0.004, "fail")],
)  # fmt: skip
def test_superior_must_be_above_the_margin(difference, half_width, verdict):
    found = judged(
        compared("evaluation", difference, half_width), GatePolicy(0.005, 500, superior=True)
    )
    assert found.verdict == verdict


def test_an_inconclusive_gate_says_how_many_rows_would_have_been_enough():
    found = judged(compared("evaluation", 0.0, 0.008), GatePolicy(0.005, 500))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "about 25," in found.reason
    assert "rows would probably have been enough" in found.reason
    worse = judged(compared("evaluation", -0.006, 0.008), GatePolicy(0.005, 500))
    assert "more rows are not expected to change that" in worse.reason


def test_only_rows_of_this_phase_count_towards_the_rows_that_are_asked():
    many = replace(compared("live", 0.01), fresh=40)
    found = judged(many, GatePolicy(0.005, 500))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "40 of them in this phase" in found.reason
    assert judged(replace(many, fresh=500), GatePolicy(0.005, 500)).verdict is Verdict.PASS


def test_a_further_metric_has_a_gate_of_its_own():
    good = candidate("run-0002", 1)
    other = compared("evaluation", -0.03, metric="log_loss")
    gates = {"log_loss": GatePolicy(0.01, 500)}
    assert isinstance(decide(good, metrics=gates), Refuse)  # it was not measured
    refused = decide(replace(good, comparisons=(*good.comparisons, other)), metrics=gates)
    assert isinstance(refused, Refuse)
    assert "log_loss" in refused.reason
    near = compared("evaluation", 0.001, metric="log_loss")
    assert isinstance(
        decide(replace(good, comparisons=(*good.comparisons, near)), metrics=gates), Register
    )


def parts(*differences, half_width=0.02):
    return [
        compared(f"slice:a={n}", difference, half_width, 1000)
        for n, difference in enumerate(differences)
    ]


def test_what_one_slice_alone_would_show_is_chance_among_many():
    """Worse than the margin with p = 0.012: alone that is shown, as one of twenty it is not."""
    alone = worse_parts(parts(-0.073), GUARD, SlicePolicy())
    assert alone[0].verdict is Verdict.FAIL
    among = worse_parts(parts(-0.073, *[0.0] * 19), GUARD, SlicePolicy())
    assert among[0].verdict is Verdict.INCONCLUSIVE
    assert "among 20 parts is not enough" in among[0].reason
    assert {found.verdict for found in among[1:]} == {Verdict.PASS}


def test_benjamini_hochberg_sees_more_than_holm_when_much_is_worse():
    worse = parts(*[-0.077] * 10, *[0.0] * 10)
    holm = worse_parts(worse, GUARD, SlicePolicy("holm"))
    shared = worse_parts(worse, GUARD, SlicePolicy("benjamini_hochberg"))
    fails = [sum(f.verdict is Verdict.FAIL for f in found) for found in (holm, shared)]
    assert fails[0] < fails[1] == 10


def test_small_and_unmeasured_parts_are_inconclusive():
    small = compared("slice:a=b", -0.3, rows=150)
    nothing = Comparison("auc", "slice:a=c", 10, None, note="200 rows are asked")
    found = worse_parts([small, nothing], GUARD, SlicePolicy())
    assert [f.verdict for f in found] == [Verdict.INCONCLUSIVE] * 2
    assert worse_parts([], GUARD, SlicePolicy()) == []


def test_a_declared_segment_must_have_rows():
    asked = SlicePolicy(segments=("night", "new", "vip"), min_rows=200)
    seen = [
        compared("segment:night", 0.0, rows=200),
        Comparison("auc", "segment:new", 10, None),
    ]
    found = missing_segments(seen, asked)
    assert [(f.subject, f.verdict) for f in found] == [
        ("new", Verdict.INCONCLUSIVE), ("vip", Verdict.FAIL),
    ]  # fmt: skip
    first = candidate("run-0001")
    (action,) = evaluate.decide(
        world(
            replace(
                serving(1),
                tenures=(),
                runs={"run-0001": run("run-0001", RunStatus.FINISHED, candidate=first,
                                      decided=False)},
            )
        ),
        policy(parts=asked),
    )  # fmt: skip
    assert isinstance(action, Refuse)


@pytest.mark.parametrize(
    ("metric", "value", "limit", "verdict"),
    [("auc", 0.7, 0.6, "pass"), ("auc", 0.5, 0.6, "fail"), ("log_loss", 0.5, 0.6, "pass"),
     ("holdout.log_loss", 0.7, 0.6, "fail"), ("holdout.auc", 0.7, 0.6, "pass")],
)  # fmt: skip
def test_a_loss_has_a_ceiling_and_another_metric_a_floor(metric, value, limit, verdict):
    found = floors(candidate(metrics={metric: value}), policy(minimum={metric: limit}))
    assert [one.verdict for one in found] == [verdict]


def test_what_was_not_measured_is_an_error_and_refuses():
    (found,) = costs(candidate(), policy(cost={"size_mb": 10.0}))
    assert found.verdict is Verdict.ERROR
    limits = {"size_mb": 10.0, "latency_p95_ms": 2.0}
    made = candidate("run-0002", 1, costs={"size_mb": 11.0, "latency_p95_ms": 0.2})
    refused = decide(made, cost=limits)
    assert isinstance(refused, Refuse)
    assert refused.reason == "size_mb 11 MB, at most 10 MB is asked"


def test_an_explanation_that_turned_round_refuses():
    champion = serving(1).versions[0]
    steady = {"a": 0.6, "b": 0.3, "c": 0.1}
    before = replace(champion, candidate=replace(champion.candidate, importances=steady))
    asked = policy(explanation=0.6)
    (same,) = explanation(candidate(importances=steady), before, asked)
    assert same.verdict is Verdict.PASS
    turned = {"a": 0.05, "b": 0.15, "c": 0.8}
    (found,) = explanation(candidate(importances=turned), before, asked)
    assert found.verdict is Verdict.FAIL
    assert "c +0.70" in found.reason
    (nothing,) = explanation(candidate(), before, asked)
    assert nothing.verdict is Verdict.INCONCLUSIVE
    assert explanation(candidate(), before, policy()) == []


def test_a_finding_of_the_run_itself_refuses_also_a_first_version():
    unfair = Finding("equalized odds by sex", Verdict.FAIL, "equalized odds by sex: 0.4 apart")
    assert isinstance(decide(candidate("run-0002", 1, findings=(unfair,))), Refuse)
