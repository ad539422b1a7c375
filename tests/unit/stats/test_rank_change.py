import math

import numpy as np
import pytest

from homeostat.domain.verdict import Verdict
from homeostat.stats.rank_change import Move, rank_agreement, rank_change


def brute_tau(first, second):
    """Tau-b, one pair at a time."""
    agree = ties_first = ties_second = pairs = 0
    for i in range(len(first)):
        for j in range(i):
            one, other = np.sign(first[i] - first[j]), np.sign(second[i] - second[j])
            agree += one * other
            ties_first += one == 0
            ties_second += other == 0
            pairs += 1
    return agree / math.sqrt((pairs - ties_first) * (pairs - ties_second))


def brute_overlap(first, second, p=0.9):
    """Webber, Moffat and Zobel's equation 32 for two full lists of names."""
    total, depth = 0.0, len(first)
    for d in range(1, depth + 1):
        total += len(set(first[:d]) & set(second[:d])) / d * p**d
    return p**depth + (1 - p) / p * total


def named(values):
    return {f"f{at:02d}": float(value) for at, value in enumerate(values)}


@pytest.mark.parametrize("seed", range(6))
def test_tau_and_overlap_agree_with_their_definitions(seed):
    random = np.random.default_rng(seed)
    first, second = random.integers(1, 9, size=(2, 12 + seed)).astype(float)
    found = rank_change(named(first), named(second))
    assert found.tau == pytest.approx(brute_tau(first, second))
    lists = [
        sorted(named(each), key=lambda f, e=each: (-named(e)[f], f)) for each in (first, second)
    ]
    assert found.overlap == pytest.approx(brute_overlap(*lists))


def test_the_same_order_is_full_agreement_and_nothing_moved():
    found = rank_change(named([5, 4, 3]), named([10, 8, 6]))
    assert (found.tau, found.overlap, found.moved) == (1.0, 1.0, ())


def test_the_overlap_weighs_the_first_places_more_and_tau_does_not():
    base = np.arange(20.0, 0.0, -1.0)
    top, tail = base.copy(), base.copy()
    top[[0, 1]], tail[[18, 19]] = top[[1, 0]], tail[[19, 18]]
    first, last = rank_change(named(top), named(base)), rank_change(named(tail), named(base))
    assert first.tau == last.tau
    assert first.overlap < last.overlap


def test_the_features_that_moved_most_come_first():
    found = rank_change({"a": 1, "b": 8, "c": 1}, {"a": 6, "b": 3, "d": 1}, top=2)
    assert found.moved == (
        Move("a", 2, 1, pytest.approx(0.1), pytest.approx(0.6)),
        Move("b", 1, 2, pytest.approx(0.8), pytest.approx(0.3)),
    )
    assert found.features == 4


@pytest.mark.filterwarnings("error")
def test_importances_that_say_nothing():
    for first, second in (({}, {}), ({"a": 0.0}, {"a": 0.0}), ({"a": 1.0}, {"b": math.nan})):
        found = rank_change(first, second)
        assert (found.tau, found.overlap, found.moved) == (None, None, ())
    assert rank_change(named([1, 1, 1]), named([1, 2, 3])).tau is None
    assert rank_change({"a": 1.0}, {"a": 2.0}).overlap == 1.0
    dirty = rank_change(named([5, 4, 3]) | {"x": math.inf}, named([1, 2, 3]) | {"y": math.nan})
    clean = rank_change(named([5, 4, 3]), named([1, 2, 3]))
    assert (dirty.tau, dirty.overlap, dirty.skipped, dirty.features) == (-1.0, clean.overlap, 2, 3)
    huge = rank_change(named([1.5e308, 1.6e308]), named([5e-324, 0.0]))
    assert (huge.tau, huge.moved[0].champion_share) == (-1.0, 1.0)


def test_impossible_importances_are_refused():
    with pytest.raises(ValueError, match="0 or more"):
        rank_change({"a": -1.0}, {"a": 1.0})
    with pytest.raises(ValueError, match="number of features"):
        rank_change({}, {}, top=-1)


def drawn(random, rows, ours, theirs):
    """Importances with these means; the two models share half of their noise."""
    size = (rows, len(ours))
    shared = random.exponential(size=size)
    return (
        ours * (shared + random.exponential(size=size)) / 2,
        theirs * (shared + random.exponential(size=size)) / 2,
    )


STEEP = 1.0 / np.arange(1, 13)
TAIL = np.r_[STEEP[:6], STEEP[6:][::-1]]
NEAR = 1 + 0.001 * np.arange(12)


@pytest.mark.parametrize("measure", ["tau", "overlap"])
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(STEEP, STEEP), (STEEP, TAIL), (STEEP, STEEP[::-1]), (NEAR, NEAR), (NEAR, NEAR[::-1])],
    ids=["same", "tail", "reversed", "close, same", "close, reversed"],
)
@pytest.mark.parametrize("rows", [40, 300])
def test_the_interval_misses_no_more_often_than_stated(measure, ours, theirs, rows):
    random, trials, missed = np.random.default_rng(rows), 60, 0
    true = getattr(rank_change(named(ours), named(theirs)), measure)
    for _ in range(trials):
        pair = drawn(random, rows, ours, theirs)
        found = rank_agreement(*pair, minimum=0.5, seed=1, measure=measure, resamples=100)
        assert found.low <= found.estimate <= found.high
        missed += not found.low - 1e-9 <= true <= found.high + 1e-9
    assert missed / trials <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / trials)


def test_an_order_is_wrongly_held_to_be_known_as_often_as_stated():
    """Equal means in one model and fixed values in the other: each known pair is a mistake."""
    random, trials, wrong = np.random.default_rng(8), 300, 0
    fixed = np.tile(np.arange(1.0, 7.0), (100, 1))
    for _ in range(trials):
        equal = random.exponential(size=(100, 6))
        found = rank_agreement(equal, fixed, minimum=0.0, seed=1, resamples=200)
        wrong += "15 of 15 pairs" not in found.reason
    assert wrong / trials <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / trials)
    assert wrong > 0  # and it is not so careful as to know nothing


@pytest.mark.parametrize("measure", ["tau", "overlap"])
def test_the_power_of_the_verdict(measure):
    random, found = np.random.default_rng(9), {"same": [], "reversed": []}
    for _ in range(30):
        for name, theirs in (("same", STEEP), ("reversed", STEEP[::-1])):
            pair = drawn(random, 1000, STEEP, theirs)
            answer = rank_agreement(*pair, minimum=0.7, seed=1, measure=measure, resamples=100)
            found[name].append(answer.verdict)
    assert found["same"].count(Verdict.PASS) >= 29
    assert found["reversed"].count(Verdict.FAIL) >= 29


def test_one_seed_one_answer():
    pair = drawn(np.random.default_rng(3), 100, STEEP, TAIL)
    one, same = (rank_agreement(*pair, minimum=0.5, seed=4, resamples=50) for _ in range(2))
    assert one == same


def test_the_rounding_of_a_constant_is_not_noise():
    """Thirds of a constant model must not widen what is known of the other."""
    ours = drawn(np.random.default_rng(6), 1000, STEEP[:4], STEEP[:4])[0]
    fixed = np.tile([4 / 3, 1.1, 0.7, 0.1], (1000, 1))
    found = rank_agreement(ours, fixed, minimum=0.9, seed=1, resamples=100)
    assert (found.verdict, found.low) == (Verdict.PASS, 1.0)


def test_features_that_no_model_uses_are_ties_and_not_doubts():
    random = np.random.default_rng(4)
    ours, theirs = (np.pad(each, ((0, 0), (0, 20))) for each in drawn(random, 2000, STEEP, STEEP))
    for measure in ("tau", "overlap"):
        found = rank_agreement(ours, theirs, minimum=0.9, seed=1, measure=measure, resamples=100)
        assert found.verdict is Verdict.PASS
        assert found.high == pytest.approx(1.0)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("shape", [(0, 3), (1, 3), (29, 3), (100, 1), (100, 0), (0, 0)])
def test_too_little_is_inconclusive(shape):
    found = rank_agreement(np.ones(shape), np.ones(shape), minimum=0.5, seed=1)
    assert (found.verdict, found.estimate) == (Verdict.INCONCLUSIVE, None)


@pytest.mark.filterwarnings("error")
def test_constant_and_huge_importances():
    for value in (0.0, 1.0, 1e308):
        found = rank_agreement(np.full((50, 3), value), np.ones((50, 3)), minimum=0.5, seed=1)
        assert (found.verdict, found.rows) == (Verdict.INCONCLUSIVE, 50)
    steps = np.tile([3.0, 2.0, 1.0], (50, 1))
    sure = rank_agreement(steps, steps, minimum=1.0, seed=1)
    assert (sure.verdict, sure.low, sure.high) == (Verdict.PASS, 1.0, 1.0)
    huge = rank_agreement(steps * 5e307, steps[:, ::-1] * 1e-320, minimum=0.5, seed=1)
    assert (huge.verdict, huge.estimate) == (Verdict.FAIL, -1.0)


@pytest.mark.filterwarnings("error")
def test_rows_that_are_not_numbers_are_left_out():
    ours, theirs = drawn(np.random.default_rng(5), 100, STEEP, TAIL)
    clean = rank_agreement(ours, theirs, minimum=0.5, seed=1, resamples=50)
    bad = np.ones((2, 12))
    bad[0, 3], bad[1, 0] = math.nan, -math.inf
    dirty = rank_agreement(
        np.r_[ours, bad, np.ones((1, 12))],
        np.r_[theirs, np.ones((2, 12)), np.full((1, 12), math.inf)],
        minimum=0.5, seed=1, resamples=50,
    )  # fmt: skip
    assert (dirty.verdict, dirty.low, dirty.high) == (clean.verdict, clean.low, clean.high)
    assert (dirty.skipped, dirty.rows) == (3, 100)
    none = rank_agreement(np.full((50, 3), math.nan), np.ones((50, 3)), minimum=0.5, seed=1)
    assert (none.verdict, none.skipped) == (Verdict.INCONCLUSIVE, 50)


def test_a_negative_importance_is_an_error():
    found = rank_agreement(-np.ones((50, 3)), np.ones((50, 3)), minimum=0.5, seed=1)
    assert found.verdict is Verdict.ERROR


@pytest.mark.parametrize(
    "changed",
    [
        {"minimum": 1.1},
        {"minimum": math.nan},
        {"confidence": 1.0},
        {"resamples": 0},
        {"measure": "x"},
    ],
)
def test_impossible_parameters_are_refused(changed):
    with pytest.raises(ValueError, match=r"asked|minimum"):
        rank_agreement(
            np.ones((50, 3)), np.ones((50, 3)), **({"minimum": 0.5, "seed": 1} | changed)
        )


def test_wrong_shapes_are_refused():
    with pytest.raises(ValueError, match="rows, features"):
        rank_agreement(np.ones((50, 3)), np.ones((50, 2)), minimum=0.5, seed=1)
    with pytest.raises(ValueError, match="rows, features"):
        rank_agreement(np.ones(50), np.ones(50), minimum=0.5, seed=1)
