import math

import numpy as np
import pytest
from scipy.stats import levene, ttest_ind

from homeostat.domain.verdict import Verdict
from homeostat.stats.drift.moments import Moments, mean_shift, spread_shift

TINY = 1e-12


def bounded(rate, trials):
    """``rate`` and three standard deviations of the simulation."""
    return rate + 3 * math.sqrt(rate * (1 - rate) / trials)


def shift_of(one, other):
    return mean_shift(Moments.of(one), Moments.of(other))


def alarms(test, before, after):
    failed = [test(*pair).verdict is Verdict.FAIL for pair in zip(before, after, strict=True)]
    return sum(failed) / len(failed)


def close(one, other):
    return (one.count, one.skipped) == (other.count, other.skipped) and (
        one.mean,
        one.m2,
    ) == pytest.approx((other.mean, other.m2), rel=1e-9)


@pytest.mark.parametrize("seed", range(20))
def test_moments_agree_with_numpy_in_whatever_parts_and_order(seed):
    random = np.random.default_rng(seed)
    values = random.normal(1e6, 3.0, size=300)
    values[random.random(300) < 0.05] = np.nan
    kept = values[np.isfinite(values)]
    whole = Moments.of(values)
    assert whole.mean == pytest.approx(kept.mean())
    assert whole.variance == pytest.approx(kept.var(ddof=1))
    assert (whole.count, whole.skipped) == (kept.size, 300 - kept.size)
    a, b, c = (Moments.of(part) for part in np.split(values, [17, 120]))
    assert close(a + b + c, whole)
    assert close(a + (b + c), whole)
    assert close(c + a + b, whole)
    assert a + b == b + a
    assert close(Moments.of(random.permutation(values)), whole)
    assert whole + Moments() == whole == Moments() + whole


def test_moments_of_hardly_anything():
    assert Moments.of([]) == Moments()
    assert Moments.of([np.nan, np.inf]) == Moments(skipped=2)
    assert Moments.of([7.0]).variance is None
    assert Moments.of([0.1] * 7) == Moments(7, 0.1, 0.0)
    assert (Moments.of([0.1] * 7) + Moments.of([0.1] * 3)).m2 == 0.0


def test_moments_of_huge_values_are_no_crash():
    found = Moments.of([1e308, 1.2e308, 1e308])
    assert found.mean == pytest.approx(1.0666666e308)
    assert found.m2 == math.inf
    assert (found + Moments.of([-1e308, -1.7e308])).m2 == math.inf
    assert mean_shift(found, found).verdict is Verdict.INCONCLUSIVE
    assert Moments.of([1e308] * 3) == Moments(3, 1e308, 0.0)


@pytest.mark.parametrize("seed", range(10))
def test_the_mean_shift_agrees_with_scipy(seed):
    random = np.random.default_rng(seed)
    one, other = random.normal(size=80), random.normal(0.2, 2.0, size=35)
    expected = ttest_ind(other, one, equal_var=False)
    interval = expected.confidence_interval(0.95)
    found = shift_of(one, other)
    assert (found.p_value, found.low, found.high) == pytest.approx(
        (expected.pvalue, interval.low, interval.high)
    )
    assert found.estimate == pytest.approx(other.mean() - one.mean())


@pytest.mark.parametrize("seed", range(10))
def test_the_spread_shift_agrees_with_scipy(seed):
    random = np.random.default_rng(seed)
    one, other = random.normal(size=80), random.normal(0.2, 1.5, size=35)
    found = spread_shift(one, other)
    assert found.p_value == pytest.approx(levene(one, other, center="median").pvalue)
    shuffled = spread_shift(random.permutation(one), random.permutation(other))
    assert shuffled.p_value == pytest.approx(found.p_value)
    scaled = spread_shift(one * 1e300, other * 1e300)
    assert (scaled.p_value, scaled.low) == pytest.approx((found.p_value, found.low))
    moved = spread_shift(one + 50, other - 50)
    assert moved.p_value == pytest.approx(found.p_value)


@pytest.mark.parametrize("test", [shift_of, spread_shift])
@pytest.mark.parametrize("sizes", [(30, 30), (1000, 30)])
def test_the_false_alarm_rate_is_the_stated_one_for_normal_values(test, sizes):
    random, trials = np.random.default_rng(sum(sizes)), 3000
    before, after = (random.normal(size=(trials, size)) for size in sizes)
    assert 0.03 < alarms(test, before, after) <= bounded(0.05, trials)


def test_the_false_alarm_rate_of_the_mean_is_higher_for_skewed_values():
    random, trials = np.random.default_rng(1), 2000
    for size, least, most in ((30, 0.06, 0.12), (300, 0.04, 0.07)):
        before, after = (random.lognormal(size=(trials, n)) for n in (1000, size))
        rate = alarms(shift_of, before, after)
        assert least < rate <= bounded(most, trials)


@pytest.mark.parametrize(
    "draw",
    [
        lambda random, size: random.standard_t(3, size=size),
        lambda random, size: random.lognormal(size=size),
    ],
)
def test_the_false_alarm_rate_of_the_spread_holds_for_heavy_tails(draw):
    random, trials = np.random.default_rng(2), 3000
    before, after = (draw(random, (trials, size)) for size in (200, 50))
    assert alarms(spread_shift, before, after) <= bounded(0.05, trials)


def test_both_have_power():
    random, trials = np.random.default_rng(3), 300
    before = random.normal(size=(trials, 500))
    assert alarms(shift_of, before, random.normal(0.4, 1, size=(trials, 150))) > 0.95
    assert alarms(spread_shift, before, random.normal(0, 1.4, size=(trials, 150))) > 0.95
    assert alarms(spread_shift, before, random.normal(0, 0.7, size=(trials, 150))) > 0.95


def test_each_sees_what_is_its_own_only():
    random, trials = np.random.default_rng(4), 1000
    before = random.normal(size=(trials, 100))
    assert alarms(shift_of, before, random.normal(0, 3, (trials, 100))) <= bounded(0.05, trials)
    assert alarms(spread_shift, before, random.normal(9, 1, (trials, 100))) <= bounded(0.05, trials)


def test_the_interval_of_the_spread_holds_the_truth():
    random, trials = np.random.default_rng(5), 2000
    found = [
        spread_shift(random.normal(size=300), random.normal(scale=2, size=60))
        for _ in range(trials)
    ]
    held = sum(result.low <= 2 <= result.high for result in found) / trials
    assert held >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / trials)


@pytest.mark.parametrize("test", [shift_of, spread_shift])
def test_values_that_are_not_finite_neither_alarm_nor_silence(test):
    random = np.random.default_rng(6)
    one, other = random.normal(size=100), random.normal(2.0, 3.0, size=100)
    dirty = test(np.append(one, [np.nan] * 60), np.append([np.inf, -np.inf], other))
    clean = test(one, other)
    assert clean.verdict is Verdict.FAIL
    assert (dirty.p_value, dirty.low, dirty.rows, dirty.skipped) == (
        clean.p_value,
        clean.low,
        200,
        62,
    )


@pytest.mark.parametrize("test", [shift_of, spread_shift])
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([], []),
        ([], [1.0, 2.0]),
        ([1.0], [2.0]),
        ([1.0, 2.0], [8.0, 9.0]),
        ([np.nan] * 90, [1.0] * 90),
        ([1.0] * 19, [2.0] * 90),
    ],
)
def test_too_few_rows_are_inconclusive(test, one, other):
    found = test(one, other)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.reason


def test_constants():
    assert shift_of([0.1] * 30, [0.1] * 40).verdict is Verdict.PASS
    assert shift_of([0.1] * 30, [0.2] * 40).verdict is Verdict.FAIL
    assert spread_shift([0.1] * 30, [0.2] * 40).verdict is Verdict.PASS
    varied = spread_shift([0.1] * 30, np.arange(40.0))
    assert (varied.verdict, varied.estimate) == (Verdict.FAIL, None)
    assert spread_shift([0.0] * 30, [1e308, -1e308] * 20).verdict is Verdict.FAIL
    assert spread_shift([1e308] * 30, [1e308] * 30).verdict is Verdict.PASS


def test_two_values_in_equal_parts_do_not_alarm_by_rounding():
    for low, high in ((0.1, 0.4), (1 / 3, 0.7), (1e-5, 3.3)):
        assert spread_shift([low, high] * 31, [low, high] * 40).p_value == 1.0
    assert spread_shift([-1.0, 1.0] * 31, [-2.0, 2.0] * 40).p_value < TINY


def test_what_cannot_be_is_refused():
    for alpha in (0.0, 1.0, np.nan):
        with pytest.raises(ValueError, match="alpha"):
            mean_shift(Moments(), Moments(), alpha=alpha)
        with pytest.raises(ValueError, match="alpha"):
            spread_shift([1.0], [1.0], alpha=alpha)
    with pytest.raises(ValueError, match="shape"):
        Moments.of([[1.0]])
    with pytest.raises(ValueError, match="shape"):
        spread_shift([[1.0]], [1.0])


def test_spreads_that_are_orders_of_magnitude_apart_do_not_crash():
    random = np.random.default_rng(1)
    small, large = random.normal(size=100) * 1e-200, random.normal(size=100)
    wider, narrower = spread_shift(small, large), spread_shift(large, small)
    assert wider.verdict is narrower.verdict is Verdict.FAIL
    assert np.log10(wider.estimate) == pytest.approx(200, abs=0.2)
    assert narrower.estimate == pytest.approx(1 / wider.estimate)
    assert narrower.low < narrower.estimate < narrower.high
    beyond = spread_shift(random.normal(size=100) * 1e-300, large * 1e100)
    assert (beyond.verdict, beyond.estimate, beyond.high) == (Verdict.FAIL, None, None)
