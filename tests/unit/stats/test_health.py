import dataclasses
import itertools
import math

import numpy as np
import pytest

from homeostat.stats.health import NOT_KNOWN, PARTS, Symptom, health

FINE = (
    Symptom("AUC", "quality", 0.80, limit=0.75, worst=0.60),
    Symptom("features drifted", "drift", 0.1, limit=0.2, worst=0.8),
    Symptom("rows refused", "data", 0.0, limit=0.01, worst=0.2),
    Symptom("p95 latency", "service", 0.2, limit=1.0, worst=5.0, unit="s"),
    Symptom("open alerts", "rollout", 0.0, limit=0.0, worst=3.0),
)


def with_value(name, value):
    return [dataclasses.replace(each, value=value) if each.name == name else each for each in FINE]


def test_within_its_limits_a_model_loses_nothing():
    assert (health(FINE).score, health(FINE).losses) == (100, ())
    at_the_limit = [dataclasses.replace(each, value=each.limit) for each in FINE]
    assert (health(at_the_limit).score, health(at_the_limit).losses) == (100, ())


def test_at_its_worst_a_model_loses_all():
    worst = health([dataclasses.replace(each, value=each.worst) for each in FINE])
    assert worst.score == 0
    assert {loss.part: loss.points for loss in worst.losses} == PARTS
    beyond = health([dataclasses.replace(each, value=3 * each.worst) for each in FINE[1:]])
    assert sum(loss.points for loss in beyond.losses if loss.known) == 65


@pytest.mark.parametrize(
    ("seconds", "score"), [(1.0, 100), (1.2, 99), (2.0, 95), (3.0, 90), (5.0, 80), (9.0, 80)]
)
def test_the_cost_grows_linearly_from_the_limit_to_the_worst(seconds, score):
    assert health(with_value("p95 latency", seconds)).score == score


def test_less_may_be_worse():
    found = health(with_value("AUC", 0.69))
    assert found.score == 100 - round(35 * 0.4)
    assert found.losses[0].reason == (
        "AUC is 0.69, below its limit 0.75: 40% of the way to the worst, 0.6"
    )


def test_the_reason_has_the_unit():
    (loss,) = health(with_value("p95 latency", 3.0)).losses
    assert loss.reason == (
        "p95 latency is 3 s, above its limit 1 s: 50% of the way to the worst, 5 s"
    )


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf])
def test_a_signal_without_data_costs_a_part_and_says_so(value):
    found = health(with_value("rows refused", value))
    (loss,) = found.losses
    assert (found.score, loss.points, loss.known) == (90, 10, False)
    assert "not known" in loss.reason
    assert 0 < NOT_KNOWN < 1


def test_a_part_without_signals_costs_a_part_and_says_so():
    found = health(FINE[1:])
    (loss,) = found.losses
    assert (loss.name, loss.points, loss.known) == ("quality", 100 - found.score, False)
    assert loss.points in (17, 18)


def test_of_nothing_nothing_is_known():
    found = health([])
    assert found.score == 50
    assert [loss.part for loss in found.losses] == [
        "quality",
        "data",
        "service",
        "drift",
        "rollout",
    ]
    assert not any(loss.known for loss in found.losses)


def test_weights_share_the_points_of_a_part():
    found = health(
        [
            *FINE[:4],
            Symptom("alerts", "rollout", 9.0, limit=0.0, worst=3.0, weight=1.5e308),
            Symptom("rollbacks", "rollout", 9.0, limit=0.0, worst=3.0, weight=1e308),
        ]
    )
    assert [(loss.name, loss.points) for loss in found.losses] == [("alerts", 6), ("rollbacks", 4)]


def test_a_tiny_loss_shows_and_costs_a_point():
    found = health(with_value("p95 latency", 1.0001))
    assert (found.score, len(found.losses)) == (99, 1)


def test_many_tiny_losses_stay_in_the_list():
    many = [Symptom(f"f{i}", "drift", None, limit=0.0, worst=1.0) for i in range(100)]
    found = health([FINE[0], *FINE[2:], *many])
    assert len(found.losses) == 100
    assert sum(loss.points for loss in found.losses) == 100 - found.score == 8


def random_symptoms(random):
    symptoms = []
    for part, i in itertools.product(PARTS, range(random.integers(0, 5))):
        limit, worst = random.normal(size=2)
        value = None if random.random() < 0.2 else float(random.normal())
        symptoms.append(Symptom(f"s{i}", part, value, limit, worst, float(random.exponential())))
    return symptoms


def test_points_add_up_whatever_the_order_and_stay_near_the_exact_cost():
    random = np.random.default_rng(1)
    for _ in range(500):
        symptoms = random_symptoms(random)
        found = health(symptoms)
        assert 0 <= found.score <= 100
        assert sum(loss.points for loss in found.losses) == 100 - found.score
        assert all(loss.points >= 0 and loss.reason for loss in found.losses)
        mixed = [symptoms[at] for at in random.permutation(len(symptoms))]
        assert health(mixed) == found
        for loss in found.losses:
            peers = {each.name: each for each in symptoms if each.part == loss.part}
            share = peers[loss.name].weight / sum(p.weight for p in peers.values()) if peers else 1
            severity = peers[loss.name].severity() if peers else NOT_KNOWN
            assert abs(loss.points - PARTS[loss.part] * share * severity) <= 1


def test_a_worse_value_never_gives_a_better_score():
    random = np.random.default_rng(2)
    for _ in range(500):
        symptoms = random_symptoms(random)
        known = [at for at, each in enumerate(symptoms) if each.value is not None]
        if not known:
            continue
        at = int(random.choice(known))
        chosen = symptoms[at]
        towards = math.copysign(random.exponential(), chosen.worst - chosen.limit)
        worse = dataclasses.replace(chosen, value=chosen.value + towards)
        assert health([*symptoms[:at], worse, *symptoms[at + 1 :]]).score <= health(symptoms).score


@pytest.mark.parametrize(
    ("value", "limit", "worst", "severity"),
    [
        (1e308, -1e308, 1.7e308, 2 / 2.7),
        (-1.7e308, 1.7e308, -1.7e308, 1.0),
        (1.7e308, -1.7e308, 0.0, 1.0),
        (5e-324, 0.0, 5e-324, 1.0),
        (-1e308, 0.0, 1e-300, 0.0),
    ],
)
def test_the_ends_of_the_range_of_a_float(value, limit, worst, severity):
    assert Symptom("s", "data", value, limit, worst).severity() == pytest.approx(severity)


@pytest.mark.parametrize(
    "changed",
    [
        {"limit": 1.0, "worst": 1.0},
        {"limit": math.nan},
        {"worst": math.inf},
        {"weight": 0.0},
        {"weight": math.inf},
    ],
)
def test_impossible_symptoms_are_refused(changed):
    with pytest.raises(ValueError, match="s: "):
        Symptom(**({"name": "s", "part": "data", "value": 1.0, "limit": 0, "worst": 1} | changed))


def test_impossible_sets_are_refused():
    with pytest.raises(ValueError, match="unknown part"):
        health([Symptom("s", "weather", 1.0, 0.0, 1.0)])
    with pytest.raises(ValueError, match="two symptoms"):
        health([FINE[0], FINE[0]])
    with pytest.raises(ValueError, match="add up to 100"):
        health([], parts={"quality": 50.0})
    with pytest.raises(ValueError, match="from 0 to 100"):
        health([], parts={"quality": 150.0, "data": -50.0})


def test_the_parts_add_up_to_100_and_may_be_others():
    assert sum(PARTS.values()) == 100
    only = health([Symptom("s", "data", 1.0, 0.0, 2.0)], parts={"data": 100.0})
    assert only.score == 50
