from dataclasses import replace

from homeostat.domain.action import Alert, Resolve, Route
from homeostat.domain.recorded import Failure, OpenAlert, Recorded
from homeostat.domain.rollout import Phase, Routing, Watch
from homeostat.errors import ModelLoadError
from homeostat.loop.deploy import traffic
from tests.worlds import DAY, NOW, policy, rolling, serving, version, world


def shares(recorded):
    return {arm.version: (arm.share, arm.shadow) for arm in traffic.routing(recorded).arms}


def test_before_the_first_champion_nothing_is_routed():
    assert traffic.routing(Recorded()) == Routing()
    assert traffic.decide(world(Recorded()), policy()) == []


def test_a_shadow_never_answers_and_a_canary_gets_its_share():
    assert shares(rolling(Phase.SHADOW)) == {1: (1.0, False), 2: (0.0, True)}
    assert shares(rolling(Phase.CANARY, 0)) == {1: (0.9, False), 2: (0.1, False)}


def test_the_predecessor_scores_in_shadow_while_the_promotion_is_watched():
    watch = Watch(2, 1, NOW - DAY, NOW + 27 * DAY)
    assert shares(serving(2, watch=watch)) == {2: (1.0, False), 1: (0.0, True)}


def test_a_gateway_that_forgot_is_told_again_and_one_that_agrees_is_left_alone():
    recorded = serving(1)
    forgot = replace(world(recorded), routing=Routing())
    agrees = replace(world(recorded), routing=traffic.routing(recorded))
    assert len(traffic.decide(forgot, policy())) == 1
    assert traffic.decide(agrees, policy()) == []


def test_a_gateway_that_does_not_answer_is_not_told_blindly():
    assert traffic.decide(world(serving(1)), policy()) == []


def with_rollout(**changes):
    return replace(policy().rollout, **changes)


def test_how_arms_are_assigned_comes_from_the_policy():
    routed = traffic.routing(serving(1), with_rollout(assignment="random", explore=0.1))
    assert (routed.assignment, routed.explore, routed.salt) == ("random", 0.1, "")


def test_each_fixed_assignment_has_a_salt_of_its_own():
    recorded = rolling(Phase.CANARY, 0)
    assert traffic.routing(recorded, with_rollout(strategy="ab")).salt == recorded.rollout.id
    assert traffic.routing(recorded, with_rollout()).salt == ""


def test_a_blue_green_challenger_is_loaded_dark():
    (_, arm) = traffic.routing(rolling(Phase.SHADOW), with_rollout(strategy="blue_green")).arms
    assert (arm.share, arm.shadow) == (0.0, False)


def test_another_assignment_is_another_routing():
    one = traffic.routing(serving(1))
    assert traffic.same(one, one)
    for change in ({"explore": 0.1}, {"assignment": "random"}, {"salt": "x"}):
        other = replace(one, **change)
        assert not traffic.same(one, other)
        assert Route(routing=one, reason="").key != Route(routing=other, reason="").key


DARK = replace(serving(1), versions=(version(1), version(2)), dark=(2,))


def test_what_people_deploy_is_loaded_dark_beside_the_champion():
    assert shares(DARK) == {1: (1.0, False), 2: (0.0, False)}
    assert [arm.version for arm in traffic.routing(DARK).answering] == [1]


def test_a_dark_version_that_cannot_be_loaded_is_left_out_and_told():
    wanted = Route(routing=traffic.routing(DARK, policy().rollout), reason="")
    failed = replace(
        DARK, failures={wanted.key: Failure(1, NOW, ModelLoadError.code, "broken", True)}
    )
    alert, route = traffic.decide(replace(world(failed), routing=Routing()), policy())
    assert isinstance(alert, Alert)
    assert alert.name == "dark:v2"
    assert isinstance(route, Route)
    assert [arm.version for arm in route.routing.arms] == [1]


def test_the_alert_ends_when_nobody_asks_for_the_version_any_more():
    told = {"dark:v2": OpenAlert("dark:v2", "warning", NOW, 9, "broken")}
    asked = replace(DARK, alerts=told)
    agrees = replace(world(asked), routing=traffic.routing(asked, policy().rollout))
    assert traffic.decide(agrees, policy()) == []
    over = replace(asked, dark=())
    agrees = replace(world(over), routing=traffic.routing(over, policy().rollout))
    (action,) = traffic.decide(agrees, policy())
    assert isinstance(action, Resolve)
