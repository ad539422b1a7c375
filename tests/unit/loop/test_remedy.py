from homeostat.domain.action import LookAt, Rollback
from homeostat.domain.recorded import OpenAlert
from homeostat.domain.rollout import Watch
from homeostat.loop import remedy
from homeostat.policy.expression import compile_expression
from homeostat.policy.settings import RulePolicy
from tests.worlds import DAY, NOW, compared, policy, serving, world


def watched(days, looks=0):
    since = NOW - days * DAY
    return serving(2, watch=Watch(2, 1, since, since + 28 * DAY, looks, None))


def live(difference, half_width=0.005):
    return compared("live", difference, half_width, metric="log_loss")


def test_a_promotion_that_made_things_worse_is_rolled_back():
    (action,) = remedy.decide(world(watched(7), live(-0.02)), policy(), NOW)
    assert isinstance(action, Rollback)
    assert (action.from_version, action.to_version) == (2, 1)
    assert "-0.0200" in action.reason


def test_noise_is_not_a_reason_to_go_back():
    (action,) = remedy.decide(world(watched(7), live(-0.003)), policy(), NOW)
    assert isinstance(action, LookAt)
    assert not action.last


def test_between_looks_nothing_is_written_down_and_harm_is_still_stopped():
    assert remedy.decide(world(watched(6), live(0.0)), policy(), NOW) == []
    (action,) = remedy.decide(world(watched(6), live(-0.02)), policy(), NOW)
    assert isinstance(action, Rollback)


def test_the_last_look_ends_the_watch_also_without_labels():
    (action,) = remedy.decide(world(watched(28, looks=3)), policy(), NOW)
    assert isinstance(action, LookAt)
    assert action.last
    assert "no labelled rows" in action.reason


def test_a_rule_rolls_back_only_for_what_happened_under_the_present_champion():
    rule = RulePolicy("errors", compile_expression("error_rate > 0.1"), "rollback", DAY, "critical")
    for since, acts in ((NOW - 2 * DAY, True), (NOW - DAY / 2, False), (NOW - 50 * DAY, False)):
        alert = OpenAlert("rule:errors", "critical", since, 77, "error_rate > 0.1")
        recorded = serving(2, alerts={alert.name: alert})
        actions = remedy.decide(world(recorded), policy(rules=(rule,)), NOW)
        assert bool(actions) is acts, since
