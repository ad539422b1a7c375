"""Who gets which arm: shares, stickiness, and the odds that are logged."""

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from homeostat.domain.rollout import Arm, Routing
from homeostat.gateway.router import BUCKETS, Choice, bucket

ENTITIES = [f"customer-{n}" for n in range(20_000)]


def routing(*shares, **settings):
    arms = [Arm(number, "d", "p", share) for number, share in enumerate(shares, start=1)]
    return Routing(tuple(arms), **settings)


def arm_of(choice, entity):
    return choice.choose(entity, 0.5, 1.0, 0.5).arm.version


@given(st.integers(1, 999))
@settings(max_examples=60, deadline=None)
def test_shares_are_met_in_steps_of_a_tenth_of_a_percent(thousandths):
    choice = Choice(routing(1 - thousandths / 1000, thousandths / 1000))
    places = Counter(place.arm.version for place in choice._places)
    assert places[2] == thousandths
    assert places[1] == BUCKETS - thousandths


def test_an_entity_keeps_the_challenger_while_its_share_grows():
    had = set()
    for share in (0.001, 0.01, 0.05, 0.25, 0.5, 0.999):
        choice = Choice(routing(1 - share, share))
        has = {entity for entity in ENTITIES[:5000] if arm_of(choice, entity) == 2}
        assert had <= has
        had = has


def test_shadows_and_dark_arms_are_never_chosen():
    arms = (Arm(1, "d", "p", 1.0), Arm(2, "d", "p", 0.0, shadow=True), Arm(3, "d", "p", 0.0))
    choice = Choice(Routing(arms, explore=0.5, assignment="random"))
    chosen = {
        choice.choose(entity, n / 5000, 0.0, n / 5000).arm.version
        for n, entity in enumerate(ENTITIES[:5000])
    }
    assert chosen == {1}


def test_no_arm_that_answers_is_an_error():
    with pytest.raises(ValueError, match="no arm"):
        Choice(Routing((Arm(1, "d", "p", 0.0),)))


def test_two_experiments_assign_independently():
    one, other = (Choice(routing(0.5, 0.5, salt=salt)) for salt in ("rollout-1", "rollout-2"))
    table = Counter((arm_of(one, e), arm_of(other, e)) for e in ENTITIES)
    counts = [[table[a, b] for b in (1, 2)] for a in (1, 2)]
    assert stats.chi2_contingency(counts).pvalue > 1e-4


@pytest.mark.parametrize("assignment", ["sticky", "random"])
@pytest.mark.parametrize("explore", [0.0, 0.1, 0.5])
def test_choices_come_as_often_as_their_propensity_says(assignment, explore):
    choice = Choice(routing(0.7, 0.2, 0.1, assignment=assignment, explore=explore))
    drawn = random.Random(7)
    entity, seen, odds = "customer-7", Counter(), {}
    for _ in range(60_000):
        chosen = choice.choose(entity, drawn.random(), drawn.random(), drawn.random())
        seen[chosen.arm.version] += 1
        odds[chosen.arm.version] = chosen.propensity
    assert sum(odds.values()) == pytest.approx(1.0)
    expected = [odds[version] * 60_000 for version in sorted(odds)]
    observed = [seen[version] for version in sorted(odds)]
    assert sum(observed) == 60_000
    if len(odds) > 1:
        assert stats.chisquare(observed, expected).pvalue > 1e-4


def test_weighting_by_propensity_gives_the_mean_of_an_arm_without_bias():
    """Sticky choices depend on the entity, and so may the reward: explored ones undo that."""
    choice = Choice(routing(0.8, 0.2, explore=0.2))
    drawn = random.Random(11)
    weighted = 0.0
    for entity in ENTITIES * 5:
        chosen = choice.choose(entity, drawn.random(), drawn.random(), drawn.random())
        reward = bucket(entity) / BUCKETS  # what places differ in
        if chosen.arm.version == 2:
            weighted += reward / chosen.propensity
    truth = sum(bucket(entity) / BUCKETS for entity in ENTITIES) * 5
    assert weighted / truth == pytest.approx(1.0, abs=0.05)


def test_one_arm_is_certain_whatever_is_explored():
    chosen = Choice(routing(1.0, explore=0.5)).choose("x", 0.1, 0.0, 0.9)
    assert (chosen.arm.version, chosen.propensity) == (1, 1.0)
