import itertools
import math

import numpy as np
import pytest
from scipy.stats import norm

from homeostat.domain.verdict import Verdict
from homeostat.stats.fairness import MAX_GROUPS, demographic_parity, equalized_odds


def brute(actual, chosen, group):
    """Fairlearn's two definitions, one row at a time."""
    rates = {}
    for name in set(group):
        rows = [(t, c) for t, c, g in zip(actual, chosen, group, strict=True) if g == name]
        for rate, kept in (
            ("all", rows),
            ("tpr", [row for row in rows if row[0] == 1]),
            ("fpr", [row for row in rows if row[0] == 0]),
        ):
            rates.setdefault(rate, []).append(sum(c for _, c in kept) / len(kept))
    spread = {rate: max(found) - min(found) for rate, found in rates.items()}
    return spread["all"], max(spread["tpr"], spread["fpr"])


@pytest.mark.parametrize("seed", range(8))
def test_the_estimates_agree_with_the_definitions(seed):
    random = np.random.default_rng(seed)
    group = random.choice(["a", "b", "c", "d"], size=600)
    truth = (random.random(600) < 0.4).astype(float)
    scores = random.random(600) ** (1 + 0.3 * (group == "b"))
    parity, odds = brute(truth, scores >= 0.6, group)
    found = demographic_parity(scores, group, threshold=0.6, limit=0.1)
    assert found.estimate == pytest.approx(parity)
    both = equalized_odds(truth, scores, group, threshold=0.6, limit=0.1)
    assert both.estimate == pytest.approx(odds)
    assert (found.rows, both.rows) == (600, 600)
    for each in (found, both):
        assert 0 <= each.low <= each.estimate <= each.high <= 1


def newcombe(first, rows, second, others, tail):
    """Newcombe 1998, method 10, as printed: Wilson limits l and u of both rates."""
    z = norm.isf(tail)

    def wilson(x, n):
        spread = z * math.sqrt(z * z + 4 * x * (1 - x / n))
        return ((2 * x + z * z + s * spread) / (2 * (n + z * z)) for s in (-1, 1))

    (l1, u1), (l2, u2) = wilson(first, rows), wilson(second, others)
    p, q = first / rows, second / others
    return (
        p - q - math.hypot(p - l1, u2 - q),
        p - q + math.hypot(u1 - p, q - l2),
    )


def test_newcombes_own_example():
    """56/70 and 48/80: 0.0524 to 0.3339 (Newcombe 1998, table II, row a)."""
    assert newcombe(56, 70, 48, 80, 0.025) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def rows_of(counts):
    """Predictions and groups from {group: (chosen, rows)}."""
    chosen = [np.arange(rows) < positive for positive, rows in counts.values()]
    group = [name for name, (_, rows) in counts.items() for _ in range(rows)]
    return np.concatenate(chosen).astype(float), np.array(group, dtype=object)


def test_the_interval_is_newcombes_for_each_pair():
    counts = {"a": (56, 70), "b": (48, 80), "c": (70, 100)}
    found = demographic_parity(*rows_of(counts), threshold=0.5, limit=0.1)
    pairs = list(itertools.permutations(counts.values(), 2))
    assert found.high == pytest.approx(max(newcombe(*x, *y, 0.025)[1] for x, y in pairs))
    low = max(newcombe(*x, *y, 0.025 / 6)[0] for x, y in pairs)
    assert found.low == pytest.approx(max(0.0, low))


def missed(rates, sizes, trials, seed):
    """How often the interval is all above, and all below, the true difference."""
    random = np.random.default_rng(seed)
    true = max(rates) - min(rates)
    above = below = 0
    for _ in range(trials):
        drawn = random.binomial(sizes, rates)
        counts = {str(at): (int(k), n) for at, (k, n) in enumerate(zip(drawn, sizes, strict=True))}
        found = demographic_parity(*rows_of(counts), threshold=0.5, limit=0.1)
        above += found.low > true + 1e-12
        below += found.high < true - 1e-12
    return above / trials, below / trials


@pytest.mark.parametrize(
    ("rates", "rows"),
    [
        ([0.5, 0.5], 40),
        ([0.1, 0.1], 100),
        ([0.3, 0.3, 0.3, 0.3], 100),
        ([0.02] * 8, 100),
        ([0.3, 0.5], 200),
        ([0.9, 0.1], 30),
        ([0.2, 0.35, 0.3, 0.25], 150),
    ],
)
def test_the_interval_misses_no_more_often_than_stated(rates, rows):
    trials = 1200
    above, below = missed(rates, [rows] * len(rates), trials, seed=len(rates) + rows)
    assert above + below <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / trials)


def test_false_alarms_and_power_of_the_verdict():
    random = np.random.default_rng(5)
    names = np.repeat(["a", "b", "c"], 400)

    def verdicts(rates, trials):
        found = []
        for _ in range(trials):
            chosen = random.random(1200) < np.repeat(rates, 400)
            found.append(demographic_parity(chosen, names, threshold=0.5, limit=0.1).verdict)
        return {verdict: found.count(verdict) / trials for verdict in Verdict}

    bound = 0.025 + 3 * math.sqrt(0.025 * 0.975 / 400)
    at_the_limit = verdicts([0.3, 0.35, 0.4], 400)
    assert at_the_limit[Verdict.FAIL] <= bound
    assert at_the_limit[Verdict.PASS] <= bound
    assert verdicts([0.3, 0.35, 0.6], 200)[Verdict.FAIL] >= 0.95
    assert verdicts([0.05, 0.05, 0.05], 200)[Verdict.PASS] >= 0.95


def test_false_alarms_of_equalized_odds():
    """True and false positive rates are equal in every group: limit 0 is the hardest."""
    random = np.random.default_rng(6)
    names, trials = np.repeat(["a", "b", "c"], 150), 800
    alarms = 0
    for _ in range(trials):
        truth = (random.random(450) < 0.4).astype(float)
        chosen = random.random(450) < np.where(truth == 1, 0.7, 0.2)
        found = equalized_odds(truth, chosen, names, threshold=0.5, limit=0.0)
        alarms += found.verdict is Verdict.FAIL
    assert alarms / trials <= 0.025 + 3 * math.sqrt(0.025 * 0.975 / trials)


def test_equalized_odds_sees_either_rate():
    truth, group = np.tile([1.0, 0.0], 400), np.repeat(["a", "b"], 400)
    for harmed in (1.0, 0.0):
        chosen = np.where((truth == harmed) & (group == "b"), 1 - truth, truth)
        found = equalized_odds(truth, chosen, group, threshold=0.5, limit=0.2)
        assert (found.verdict, found.estimate) == (Verdict.FAIL, 1.0)
        assert ("true" if harmed else "false") + " positive rate" in found.reason


def test_none_is_a_group_of_its_own():
    counts = {"a": (50, 100), None: (90, 100)}
    chosen, group = rows_of(counts)
    found = demographic_parity(chosen, group, threshold=0.5, limit=0.1)
    assert (found.verdict, found.estimate) == (Verdict.FAIL, pytest.approx(0.4))
    assert "'null'" in found.reason
    group[100:150] = math.nan
    assert demographic_parity(chosen, group, threshold=0.5, limit=0.1) == found


def test_groups_that_are_too_small_are_named_and_left_out():
    counts = {"a": (50, 100), "b": (50, 100), "tiny": (29, 29)}
    found = demographic_parity(*rows_of(counts), threshold=0.5, limit=0.3)
    assert (found.verdict, found.estimate, found.rows) == (Verdict.PASS, 0.0, 200)
    assert "tiny" in found.reason
    many = {"a": (50, 100), "b": (50, 100)} | {f"t{at}": (1, 1) for at in range(MAX_GROUPS + 1)}
    found = demographic_parity(*rows_of(many), threshold=0.5, limit=0.3)
    assert found.verdict is Verdict.PASS
    assert found.reason.endswith("and 996 more")


def test_too_many_groups_are_no_groups():
    found = demographic_parity(
        np.ones(2002), np.repeat(np.arange(1001), 2), threshold=0.5, limit=0.3, min_rows=2
    )
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, "1001 groups, over 1000")


def test_one_rate_alone_may_fail_but_not_pass():
    truth = np.r_[np.zeros(200), np.zeros(200), np.ones(10)]
    group = np.repeat(["a", "b", "a"], [200, 200, 10])
    same = equalized_odds(truth, np.zeros(410), group, threshold=0.5, limit=0.2)
    assert same.verdict is Verdict.INCONCLUSIVE
    assert "true positive rate: fewer than two groups" in same.reason
    apart = equalized_odds(truth, group == "b", group, threshold=0.5, limit=0.2)
    assert apart.verdict is Verdict.FAIL


def test_fewer_than_two_groups_are_inconclusive():
    assert demographic_parity([], [], threshold=0.5, limit=0.1).verdict is Verdict.INCONCLUSIVE
    assert demographic_parity([1.0], ["a"], threshold=0.5, limit=0.1).rows == 0
    one = demographic_parity(np.ones(100), ["a"] * 100, threshold=0.5, limit=0.1)
    assert (one.verdict, one.rows) == (Verdict.INCONCLUSIVE, 100)
    odds = equalized_odds([], [], [], threshold=0.5, limit=0.1)
    assert (odds.verdict, odds.rows) == (Verdict.INCONCLUSIVE, 0)


@pytest.mark.filterwarnings("error")
def test_values_that_are_not_numbers_are_left_out():
    counts = {"a": (60, 100), "b": (30, 100)}
    chosen, group = rows_of(counts)
    clean = demographic_parity(chosen, group, threshold=0.5, limit=0.1)
    bad = [math.nan, math.inf, -math.inf]
    dirty = demographic_parity([*chosen, *bad], [*group, "a", "b", "c"], threshold=0.5, limit=0.1)
    assert (dirty.verdict, dirty.low, dirty.high) == (clean.verdict, clean.low, clean.high)
    assert (clean.skipped, dirty.skipped) == (0, 3)
    none = demographic_parity(np.full(100, math.nan), group[50:150], threshold=0.5, limit=0.1)
    assert (none.verdict, none.skipped) == (Verdict.INCONCLUSIVE, 100)
    huge = demographic_parity(chosen * 1e308, group, threshold=0.5, limit=0.1)
    assert huge == clean
    odds = equalized_odds([math.nan] * 200, chosen, group, threshold=0.5, limit=0.1)
    assert (odds.verdict, odds.skipped) == (Verdict.INCONCLUSIVE, 200)


def test_constant_decisions_do_not_give_certainty():
    group = np.repeat(["a", "b"], 50)
    found = demographic_parity(np.zeros(100), group, threshold=0.5, limit=0.05)
    assert (found.estimate, found.verdict) == (0.0, Verdict.INCONCLUSIVE)
    assert found.high > 0.05


def test_a_truth_that_is_neither_is_an_error():
    found = equalized_odds([0.0, 2.0], [0.0, 1.0], ["a", "b"], threshold=0.5, limit=0.1)
    assert found.verdict is Verdict.ERROR


@pytest.mark.parametrize(
    "changed",
    [
        {"threshold": math.nan},
        {"limit": -0.1},
        {"limit": 1.1},
        {"confidence": 1.0},
        {"min_rows": 0},
    ],
)
def test_impossible_parameters_are_refused(changed):
    given = {"threshold": 0.5, "limit": 0.1} | changed
    with pytest.raises(ValueError):
        demographic_parity([1.0], ["a"], **given)
    with pytest.raises(ValueError):
        equalized_odds([1.0], [1.0], ["a"], **given)


def test_wrong_shapes_are_refused():
    with pytest.raises(ValueError, match="one group per row"):
        demographic_parity([1.0, 0.0], ["a"], threshold=0.5, limit=0.1)
    with pytest.raises(ValueError, match="one truth"):
        equalized_odds([1.0], [1.0, 0.0], ["a", "b"], threshold=0.5, limit=0.1)
