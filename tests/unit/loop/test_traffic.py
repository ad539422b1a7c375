from dataclasses import replace

from homeostat.domain.recorded import Recorded
from homeostat.domain.rollout import Phase, Routing, Watch
from homeostat.loop.deploy import traffic
from tests.worlds import DAY, NOW, rolling, serving, world


def shares(recorded):
    return {arm.version: (arm.share, arm.shadow) for arm in traffic.routing(recorded).arms}


def test_before_the_first_champion_nothing_is_routed():
    assert traffic.routing(Recorded()) == Routing()
    assert traffic.decide(world(Recorded())) == []


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
    assert len(traffic.decide(forgot)) == 1
    assert traffic.decide(agrees) == []


def test_a_gateway_that_does_not_answer_is_not_told_blindly():
    assert traffic.decide(world(serving(1))) == []
