"""Guards of a rollout: proxies that need no labels."""

from dataclasses import replace

import pytest

from homeostat.domain.action import Abort, Advance
from homeostat.domain.evidence import Comparison
from homeostat.domain.rollout import Phase
from homeostat.domain.verdict import Verdict
from homeostat.loop.deploy import rollout
from homeostat.loop.gates.guards import DISAGREEMENT, LATENCY, guarded
from homeostat.policy.settings import GuardPolicy
from tests.worlds import NOW, compared, policy, rolling, world


def seen(where, worse, low, high, rows=500):
    """A guard's comparison: how much worse, between which ends."""
    return Comparison(
        "x", where, rows, worse, None, -worse, None if high is None else -high,
        None if low is None else -low,
    )  # fmt: skip


BOTH = GuardPolicy(disagreement=0.1, slower_ms=5.0)


@pytest.mark.parametrize(
    ("worse", "low", "high", "verdict"),
    [(0.05, 0.02, 0.09, "pass"), (0.05, 0.02, 0.2, "inconclusive"), (0.3, 0.2, 0.4, "fail"),
     (0.3, 0.2, None, "fail"), (0.05, None, 0.09, "pass"), (0.05, None, None, "inconclusive"),
     (0.1, 0.1, 0.1, "pass")],
)  # fmt: skip
def test_the_whole_interval_must_keep_the_limit(worse, low, high, verdict):
    asked = GuardPolicy(disagreement=0.1)
    (found,) = guarded([seen(DISAGREEMENT, worse, low, high)], asked, Phase.SHADOW)
    assert found.verdict == verdict


def test_a_guard_without_data_cannot_pass():
    found = guarded([], BOTH, Phase.CANARY)
    assert [one.verdict for one in found] == [Verdict.INCONCLUSIVE] * 2
    nothing = Comparison("x", LATENCY, 0, None, note="0 rows of the challenger")
    (_, latency) = guarded([nothing], BOTH, Phase.CANARY)
    assert "0 rows of the challenger" in latency.reason


def test_mistakes_are_asked_once_the_challenger_answers():
    asked = GuardPolicy(mistakes=0.02)
    worse = seen("guard:mistakes", 0.1, 0.05, 0.2)
    assert guarded([worse], asked, Phase.SHADOW) == []
    (found,) = guarded([worse], asked, Phase.CANARY)
    assert found.verdict is Verdict.FAIL


def test_latency_is_asked_once_the_challenger_answers():
    assert [one.name for one in guarded([], BOTH, Phase.SHADOW)] == [DISAGREEMENT]
    assert guarded([], GuardPolicy(), Phase.CANARY) == []


def decide(phase, *live, guards=BOTH):
    recorded = rolling(phase, days=5)
    asked = policy(rollout=replace(policy().rollout, guards=guards))
    return rollout.decide(world(recorded, *live), asked, NOW)


GOOD = compared("live", 0.01)
AGREES = seen(DISAGREEMENT, 0.05, 0.02, 0.09)


def test_a_rollout_advances_only_when_each_guard_passes():
    (action,) = decide(Phase.SHADOW, GOOD, AGREES)
    assert isinstance(action, Advance)
    assert {c.where for c in action.comparisons} == {"live", DISAGREEMENT}
    assert decide(Phase.SHADOW, GOOD) == []
    assert decide(Phase.CANARY, GOOD, AGREES) == []


def test_a_broken_guard_stops_at_once_whatever_the_labels_say():
    slow = seen(LATENCY, 20.0, 12.0, None)
    (action,) = decide(Phase.CANARY, GOOD, AGREES, slow)
    assert isinstance(action, Abort)
    assert action.reason.startswith("guard:latency")
    (early,) = decide(Phase.SHADOW, seen(DISAGREEMENT, 0.5, 0.4, 0.6))
    assert isinstance(early, Abort)
