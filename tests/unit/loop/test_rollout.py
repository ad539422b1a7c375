from dataclasses import replace

import pytest

from homeostat.domain.action import Abort, Advance, BeginRollout, Promote, Route
from homeostat.domain.recorded import Failure
from homeostat.domain.rollout import Phase
from homeostat.loop.deploy import rollout, traffic
from tests.worlds import NOW, compared, policy, rolling, serving, version, world


def live(difference, half_width=0.01, rows=1000):
    return compared("live", difference, half_width, rows, metric="log_loss")


def decide(recorded, *comparisons, **changes):
    asked = policy()
    asked = replace(asked, rollout=replace(asked.rollout, **changes))
    return rollout.decide(world(recorded, *comparisons), asked, NOW)


def test_a_registered_version_is_rolled_out_once():
    recorded = replace(serving(1), versions=(version(1), version(2)))
    (action,) = decide(recorded)
    assert isinstance(action, BeginRollout)
    assert action.version == 2
    ended = replace(rolling(Phase.SHADOW).rollout, phase=Phase.ABORTED)
    assert decide(replace(recorded, past_rollouts=(ended,))) == []


def test_the_first_version_is_promoted_without_a_comparison():
    first = rolling(Phase.SHADOW)
    first = replace(first, tenures=(), rollout=replace(first.rollout, version=1, replaces=None))
    (action,) = decide(first)
    assert isinstance(action, Promote)


@pytest.mark.parametrize("phase", [Phase.SHADOW, Phase.CANARY])
def test_time_alone_is_no_evidence(phase):
    assert decide(rolling(phase, 0, days=5)) == []
    assert decide(rolling(phase, 0, days=5), live(0.0, rows=99)) == []


def test_rows_alone_are_not_enough_time():
    assert decide(rolling(Phase.CANARY, 0, days=0.5), live(0.0, rows=100_000)) == []


def test_shadow_then_each_step_then_champion():
    (first,) = decide(rolling(Phase.SHADOW), live(0.0))
    (second,) = decide(rolling(Phase.CANARY, 0), live(0.0))
    (last,) = decide(rolling(Phase.CANARY, 1), live(0.0))
    assert isinstance(first, Advance)
    assert (first.step, first.share) == (0, 0.1)
    assert isinstance(second, Advance)
    assert (second.step, second.share) == (1, 0.5)
    assert isinstance(last, Promote)


def test_a_challenger_that_is_shown_to_be_worse_is_stopped_at_once():
    (action,) = decide(rolling(Phase.CANARY, 0, days=0.1), live(-0.05))
    assert isinstance(action, Abort)


def test_a_rollout_without_a_verdict_gives_up_and_keeps_the_champion():
    (action,) = decide(rolling(Phase.CANARY, 0, days=14))
    assert isinstance(action, Abort)
    assert "no verdict within 14 days" in action.reason


def switching(routing):
    """A blue-green rollout under way, with what the gateway says that it routes."""
    recorded = rolling(Phase.SHADOW, days=0)
    asked = policy()
    asked = replace(asked, rollout=replace(asked.rollout, strategy="blue_green"))
    seen = replace(world(recorded), routing=routing(recorded, asked.rollout))
    return rollout.decide(seen, asked, NOW)


def test_blue_green_switches_only_to_what_the_gateway_has_loaded():
    assert switching(lambda *_: None) == []
    assert switching(lambda recorded, _: traffic.routing(serving(1))) == []
    (action,) = switching(traffic.routing)
    assert isinstance(action, Promote)


def test_blue_green_does_not_believe_a_digest_that_is_not_the_versions():
    def other(recorded, asked):
        wanted = traffic.routing(recorded, asked)
        return replace(wanted, arms=tuple(replace(arm, digest="f" * 64) for arm in wanted.arms))

    assert switching(other) == []


def test_a_fixed_assignment_begins_at_once_and_ends_with_a_verdict():
    (begin,) = decide(rolling(Phase.SHADOW, days=0), strategy="ab")
    assert isinstance(begin, Advance)
    assert (begin.step, begin.share) == (0, 0.1)
    early = rolling(Phase.CANARY, 0, days=0.2)
    assert decide(early, live(0.0), strategy="ab") == []
    (stopped,) = decide(early, live(-0.05), strategy="ab")
    assert isinstance(stopped, Abort)
    (end,) = decide(rolling(Phase.CANARY, 0), live(0.0), strategy="ab")
    assert isinstance(end, Promote)
    (without,) = decide(rolling(Phase.CANARY, 0, days=14), strategy="ab")
    assert isinstance(without, Abort)


def test_required_approval_waits_for_a_person():
    assert decide(rolling(Phase.CANARY, 1), live(0.0), approval=True) == []


def test_a_version_that_the_gateway_cannot_load_is_given_up():
    recorded = rolling(Phase.SHADOW)
    route = Route(routing=traffic.routing(recorded), reason="")
    failure = Failure(1, NOW, "H504", "its self-test differs", True)
    (action,) = decide(replace(recorded, failures={route.key: failure}), live(0.0))
    assert isinstance(action, Abort)
    assert "self-test" in action.reason
