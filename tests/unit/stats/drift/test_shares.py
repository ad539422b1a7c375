import numpy as np
import pytest
from scipy.stats import binom, binomtest, chi2_contingency, fisher_exact

from homeostat.domain.verdict import Verdict
from homeostat.stats.drift.shares import share_shift, wilson


@pytest.mark.parametrize(
    ("window", "reference", "low", "high"),
    [  # Newcombe (1998), table II, method 10
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((0, 10), (0, 10), -0.2775, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0000),
        ((10, 10), (0, 10), 0.6075, 1.0000),
    ],
)
def test_the_interval_is_that_of_the_paper(window, reference, low, high):
    found = share_shift(reference, window)
    assert (found.low, found.high) == pytest.approx((low, high), abs=6e-5)
    assert found.estimate == window[0] / window[1] - reference[0] / reference[1]


@pytest.mark.parametrize("rows", [1, 7, 100])
def test_wilson_agrees_with_scipy(rows):
    for count in range(rows + 1):
        expected = binomtest(count, rows).proportion_ci(0.9, method="wilson")
        assert wilson(count, rows, 0.1) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert wilson(0, 0) == (0.0, 1.0)


def test_the_p_value_is_fishers_for_few_and_the_z_tests_for_many():
    table = [[2, 98], [9, 31]]
    assert share_shift((2, 100), (9, 40)).p_value == pytest.approx(fisher_exact(table)[1])
    table = [[200, 800], [90, 310]]
    expected = chi2_contingency(table, correction=False).pvalue
    assert share_shift((200, 1000), (90, 400)).p_value == pytest.approx(expected)


def exactly(sizes, share, of):
    """Probability of ``of(result)`` when both sides have ``share``, over all outcomes."""
    chances = [binom.pmf(np.arange(size + 1), size, share) for size in sizes]
    total = 0.0
    for a, p in enumerate(chances[0]):
        for b, q in enumerate(chances[1]):
            if p * q > 1e-9:
                total += p * q * of(share_shift((a, sizes[0]), (b, sizes[1])))
    return total


@pytest.mark.parametrize("sizes", [(10, 10), (60, 60), (200, 40)])
@pytest.mark.parametrize("share", [0.01, 0.1, 0.5])
def test_the_false_alarm_rate_is_at_most_the_stated_one(sizes, share):
    rate = exactly(sizes, share, lambda found: found.verdict is Verdict.FAIL)
    assert rate <= 0.055


def test_the_false_alarm_rate_is_not_far_below_the_stated_one():
    assert exactly((60, 60), 0.5, lambda found: found.verdict is Verdict.FAIL) > 0.03


def test_the_interval_holds_the_difference_as_often_as_stated():
    assert exactly((60, 40), 0.2, lambda found: found.low <= 0 <= found.high) > 0.945


def test_it_has_power():
    random = np.random.default_rng(1)
    counts = random.binomial(500, 0.06, size=400).tolist()
    failed = [share_shift((100, 10000), (count, 500)).verdict is Verdict.FAIL for count in counts]
    assert sum(failed) / 400 > 0.95


def test_what_does_not_matter_does_not_alarm():
    random = np.random.default_rng(2)
    counts = random.binomial(5000, 0.12, size=1000).tolist()  # true difference 0.02

    def rate(margin):
        found = (share_shift((100_000, 1_000_000), (k, 5000), margin=margin) for k in counts)
        return sum(result.verdict is Verdict.FAIL for result in found) / 1000

    assert rate(0.0) > 0.95
    assert rate(0.02) <= 0.025 + 3 * (0.025 * 0.975 / 1000) ** 0.5
    assert rate(0.04) == 0.0


def test_fewer_is_a_shift_as_well():
    found = share_shift((300, 1000), (100, 1000))
    assert found.verdict is Verdict.FAIL
    assert found.high < -0.1
    mirrored = share_shift((100, 1000), (300, 1000))
    assert (mirrored.low, mirrored.p_value) == pytest.approx((-found.high, found.p_value))


@pytest.mark.parametrize(
    ("reference", "window", "verdict"),
    [
        ((0, 0), (0, 0), Verdict.INCONCLUSIVE),
        ((5, 100), (0, 0), Verdict.INCONCLUSIVE),
        ((0, 0), (5, 100), Verdict.INCONCLUSIVE),
        ((0, 1), (1, 1), Verdict.INCONCLUSIVE),
        ((0, 1000), (0, 3), Verdict.INCONCLUSIVE),
        ((0, 1000), (3, 3), Verdict.FAIL),
        ((0, 1000), (0, 1000), Verdict.PASS),
        ((1000, 1000), (1000, 1000), Verdict.PASS),
        ((2**52, 2**53), (2**52, 2**53), Verdict.PASS),
        ((-1, 10), (1, 10), Verdict.ERROR),
        ((11, 10), (1, 10), Verdict.ERROR),
        ((1, 10), (1.5, 10), Verdict.ERROR),
        ((1, 10), (float("nan"), 10), Verdict.ERROR),
        ((1, 10), (1, float("inf")), Verdict.ERROR),
        ((1, 10), (0, 10**400), Verdict.ERROR),
    ],
)
def test_the_edges(reference, window, verdict):
    found = share_shift(reference, window)
    assert found.verdict is verdict
    assert found.reason


def test_what_cannot_be_is_refused():
    for impossible in ({"alpha": 0.0}, {"alpha": 1.0}, {"margin": -0.1}, {"margin": 1.0}):
        with pytest.raises(ValueError, match=next(iter(impossible))):
            share_shift((1, 2), (1, 2), **impossible)
    with pytest.raises(ValueError, match="counts"):
        wilson(3, 2)
    with pytest.raises(ValueError, match="alpha"):
        wilson(1, 2, 0.0)
