import numpy as np
import pytest
from scipy.stats import ttest_1samp

from homeostat.stats.compare.clustered_mean import clustered_mean


def test_with_one_row_per_block_it_is_the_t_interval():
    values = np.random.default_rng(1).normal(size=40)
    found = clustered_mean(values, np.arange(40), 0.95)
    reference = ttest_1samp(values, 0.0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((reference.low, reference.high))


@pytest.mark.parametrize(("blocks", "least"), [(10, 0.90), (20, 0.92), (60, 0.93)])
def test_the_stated_coverage_holds_for_dependent_rows(blocks, least):
    random = np.random.default_rng(blocks)
    trials, size = 1500, 15
    labels = np.repeat(np.arange(blocks), size)
    covered = 0
    for _ in range(trials):
        shared = np.repeat(random.normal(size=blocks), size)
        found = clustered_mean(shared + random.normal(size=blocks * size), labels, 0.95)
        covered += found.low <= 0 <= found.high
    assert least <= covered / trials <= 0.97


def test_ignoring_the_blocks_would_be_far_too_sure():
    random = np.random.default_rng(2)
    labels = np.repeat(np.arange(20), 50)
    values = np.repeat(random.normal(size=20), 50)
    together = clustered_mean(values, labels, 0.95)
    alone = clustered_mean(values, np.arange(1000), 0.95)
    assert together.high - together.low > 5 * (alone.high - alone.low)


def test_too_few_blocks_give_no_interval_and_nothing_gives_no_mean():
    few = clustered_mean(np.ones(100), np.repeat(np.arange(4), 25), 0.95)
    assert (few.mean, few.low, few.blocks) == (1.0, None, 4)
    assert clustered_mean(np.empty(0), np.empty(0, dtype=np.int64), 0.95).mean is None


def test_values_that_are_not_numbers_are_left_out():
    values = np.array([1.0, np.nan, 1.0, np.inf, 1.0, 1.0, 1.0, 1.0])
    found = clustered_mean(values, np.arange(8), 0.95)
    assert (found.mean, found.rows) == (1.0, 6)
