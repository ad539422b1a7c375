from dataclasses import replace

import pytest

from homeostat.domain.evidence import Signal
from homeostat.domain.recorded import OpenAlert, Recorded
from homeostat.monitoring.health import health_of, health_signal
from homeostat.spec.project import Project
from homeostat.stats.metrics import own
from tests.unit.monitoring.test_service import DECLARED
from tests.worlds import NOW, serving

WELL = {
    "auc": 0.80,
    "auc_at_promotion": 0.80,
    "estimated.auc": 0.80,
    "drifted_weight": 0.0,
    "prediction_drift_p": 0.5,
    "data_age_h.events": 20.0,
    "data_age_h.labels": 20.0,
    "quarantined.events": 0.0,
    "quarantined.labels": 0.0,
    "slow": 0.0,
    "failing": 0.0,
    "busy": 0.0,
    "log_lag_s": 1800.0,
}


def project(**changes):
    return Project.model_validate({**DECLARED, **changes})


def signals(**changes):
    """The signals of a healthy model, but for ``changes``; ``__`` stands for a dot."""
    values = WELL | {name.replace("__", "."): value for name, value in changes.items()}
    return {name: Signal(name, value, NOW, 0.0, 0) for name, value in values.items()}


def alert(name="rule:late", severity="critical"):
    return OpenAlert(name, severity, NOW, 1, "because")


def scored(declared=None, alerts=(), **changes):
    return health_of(declared or project(), signals(**changes), alerts)


def only(found):
    """The one loss that there is."""
    (loss,) = found.losses
    assert loss.points == 100 - found.score
    return loss


def test_a_healthy_model_loses_nothing():
    assert scored().score == 100
    assert scored().losses == ()


def test_nothing_known_is_half_of_all():
    found = health_of(project(), {}, None)
    assert found.score == 50
    assert all(not loss.known for loss in found.losses)
    assert {loss.part for loss in found.losses} == {
        "quality", "drift", "data", "service", "rollout",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("value", "points"), [(0.85, 0), (0.761, 0), (0.68, 18), (0.60, 35), (0.5, 35)]
)
def test_quality_is_lost_from_5_to_25_percent_below_the_promotion(value, points):
    found = scored(auc=value)
    assert 100 - found.score == pytest.approx(points, abs=1)
    if points:
        assert only(found).name == "auc"


def test_of_a_loss_more_is_worse():
    declared = project(metrics={"primary": "log_loss"})
    well = {"log_loss_at_promotion": 0.4}
    assert scored(declared, log_loss=0.3, **well).score == 100
    assert scored(declared, log_loss=0.5, **well).score == 65
    assert only(scored(declared, log_loss=0.46, **well)).part == "quality"


def test_a_metric_of_the_projects_own_says_which_way_is_worse():
    declared = project(
        metrics={"primary": "cost", "own": {"cost": {"function": "m:f", "better": "less"}}}
    )
    less = {"cost": own("cost", lambda truth, predicted: 0.0, less_is_better=True)}
    worse = signals(cost=2.0, cost_at_promotion=1.0)
    assert health_of(declared, worse, (), less).score == 65
    assert health_of(declared, signals(cost=0.5, cost_at_promotion=1.0), (), less).score == 100


def test_without_labels_the_estimate_counts():
    assert scored(auc=None).score == 100
    assert only(scored(auc=None, estimated__auc=0.6)).name == "estimated.auc"
    unknown = only(scored(auc=None, estimated__auc=None))
    assert (unknown.name, unknown.points, unknown.known) == ("auc", 18, False)


def test_measured_quality_comes_before_the_estimate():
    assert scored(estimated__auc=0.5).score == 100


def test_without_a_promotion_there_is_nothing_to_compare_with():
    loss = only(scored(auc_at_promotion=None))
    assert (loss.part, loss.known) == ("quality", False)


def test_a_metric_of_nothing_at_promotion_is_no_crash():
    assert scored(auc=0.0, auc_at_promotion=0.0).score == 100
    assert scored(auc=-1.0, auc_at_promotion=0.0).score == 65


def test_drift_of_half_the_weight_is_the_worst():
    assert only(scored(drifted_weight=0.5)).points in (7, 8)
    assert only(scored(drifted_weight=0.25)).points == 4
    assert scored(prediction_drift_p=0.02).score == 100  # looks every day, one alarm in 90
    assert only(scored(prediction_drift_p=0.0)).points in (7, 8)


def test_the_worst_source_counts_however_many_are_well():
    sources = {f"s{n}": {"path": "x.csv", "known_at": "at"} for n in range(20)}
    many = project(sources={**DECLARED["sources"], **sources})
    well = {f"data_age_h__s{n}": 1.0 for n in range(20)}
    well |= {f"quarantined__s{n}": 0.0 for n in range(20)}
    assert scored(many, **well).score == 100
    loss = only(scored(many, **well | {"data_age_h__s7": 24 * 7.0}))
    assert (loss.name, loss.points) == ("data_age_h.s7", 10)


@pytest.mark.parametrize(("hours", "points"), [(48, 0), (108, 5), (168, 10), (1000, 10)])
def test_data_may_be_twice_as_old_as_it_is_asked_for(hours, points):
    assert 100 - scored(data_age_h__events=float(hours)).score == points


def test_a_source_that_is_asked_all_the_time_is_no_crash():
    sources = {"events": {"path": "e.csv", "known_at": "at", "every": "0s"}}
    declared = project(sources={**DECLARED["sources"], **sources})
    assert scored(declared).score == 90


def test_three_windows_in_quarantine_are_the_worst():
    assert only(scored(quarantined__labels=3.0)).points == 10


@pytest.mark.parametrize(("name", "points"), [("slow", 4), ("busy", 4), ("failing", 8)])
def test_failing_costs_twice_what_slow_or_busy_does(name, points):
    assert only(scored(**{name: 1.0})).points == points
    assert only(scored(**{name: None})).points == points / 2


def test_a_log_that_is_not_sealed_for_hours_costs():
    assert scored(log_lag_s=7200.0).score == 100
    assert only(scored(log_lag_s=4 * 3600.0)).points == 2


def test_alerts_cost_by_their_severity():
    assert scored(alerts=(alert(severity="info"),)).score == 100
    assert 100 - scored(alerts=(alert(severity="warning"),)).score == 3
    assert 100 - scored(alerts=(alert(), alert("rule:other"))).score == 10


def test_an_alert_on_the_health_itself_does_not_hold_it_down():
    rules = {"ill": {"when": "health < 99.0", "do": "alert"}}
    triggers = {"again": {"when": "health < 50.0 && labels > 10.0"}}
    declared = project(policy={"rules": rules}, triggers=triggers)
    assert scored(declared, (alert("rule:ill"), alert("trigger:again"))).score == 100
    assert scored(declared, (alert("rule:ill"), alert("run-failed"))).score == 90


def test_the_signal_is_the_score_with_the_alerts_that_are_open():
    recorded = replace(serving(1), alerts={"rule:late": alert()})
    found = health_signal(project(), signals(), recorded, NOW)
    assert (found.name, found.value, found.at) == ("health", 90.0, NOW)


def test_without_a_champion_there_is_no_health():
    assert health_signal(project(), signals(), Recorded(), NOW).value is None
