from dataclasses import replace

import pytest

from homeostat.domain.action import Abort, Obey, Promote, Rollback, Train
from homeostat.domain.event import Order
from homeostat.domain.recorded import PendingOrder
from homeostat.domain.rollout import Phase
from homeostat.domain.run import RunStatus
from homeostat.loop import orders
from homeostat.loop.step import step
from tests.worlds import NOW, policy, rolling, run, serving, version, world


def ordered(recorded, kind, number=None):
    pending = PendingOrder(55, NOW, Order(kind, "ada", "because", number))
    return orders.decide(world(replace(recorded, orders=(pending,))), policy(), NOW)


def test_pause_stops_training_but_not_data():
    recorded = replace(serving(1), paused_by=Order("pause", "ada", "holiday"))
    names = {type(action).__name__ for action in step(world(recorded), policy(), NOW).actions}
    assert names == {"Fetch"}
    assert "Train" in {type(a).__name__ for a in step(world(serving(1)), policy(), NOW).actions}


def test_an_order_to_retrain_ignores_the_cool_down_but_not_a_run_under_way():
    recent = {"run-0001": run("run-0001", started_at=NOW)}
    train, obey = ordered(serving(1, runs=recent), "retrain")
    assert isinstance(train, Train)
    assert train.trigger == "order"
    assert isinstance(obey, Obey)
    busy = {"run-0001": run("run-0001", RunStatus.RUNNING, candidate=None)}
    (refused,) = ordered(serving(1, runs=busy), "retrain")
    assert refused.refused


def test_a_person_may_promote_a_version_and_stops_another_rollout_by_it():
    recorded = rolling(Phase.CANARY, 0)
    recorded = replace(recorded, versions=(*recorded.versions, version(3)))
    abort, promote, obey = ordered(recorded, "promote", 3)
    assert isinstance(abort, Abort)
    assert isinstance(promote, Promote)
    assert "ada: because" in promote.reason
    assert not obey.refused


def test_rollback_goes_to_the_version_before():
    rollback, _ = ordered(serving(2), "rollback")
    assert isinstance(rollback, Rollback)
    assert rollback.to_version == 1


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        ("promote", None),
        ("promote", 9),
        ("promote", 1),
        ("rollback", None),
        ("rollback", 9),
        ("dance", None),
    ],
)
def test_an_order_that_cannot_be_carried_out_is_refused_with_the_reason(kind, number):
    (obey,) = ordered(serving(1), kind, number)
    assert obey.refused
    assert obey.reason


number_1, number_2 = version(1), version(2)


@pytest.mark.parametrize(
    ("kind", "version", "dark", "refused"),
    [
        ("deploy", 2, (), None),
        ("deploy", 9, (), "no version 9"),
        ("deploy", 1, (), "serves already"),
        ("undeploy", 2, (2,), None),
        ("undeploy", 2, (), "not deployed"),
    ],
)
def test_versions_are_deployed_dark_and_taken_away(kind, version, dark, refused):
    recorded = replace(serving(1), versions=(number_1, number_2), dark=dark)
    (action,) = ordered(recorded, kind, version)
    assert isinstance(action, Obey)
    assert action.refused == (refused is not None)
    assert refused is None or refused in action.reason
