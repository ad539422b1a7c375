"""The interval that holds at every look: how often any look misses, and how wide it is."""

import numpy as np
import pytest

from homeostat.stats.compare.clustered_mean import clustered_mean
from homeostat.stats.sequential.anytime_mean import MIN_BLOCKS, anytime_mean

LOOKS = np.unique(np.r_[np.arange(20, 120, 2), np.geomspace(120, 1500, 60).astype(int)])


def normal(random):
    return random.normal(size=1500)


def heavy(random):
    return random.standard_t(3, size=1500)


def skewed(random):
    return random.exponential(size=1500) - 1


def rare(random):
    return (random.uniform(size=1500) < 0.05) - 0.05


def neighbours(random):
    noise = random.normal(size=1501)
    return noise[1:] + 0.4 * noise[:-1]


@pytest.mark.parametrize("draw", [normal, heavy, skewed, rare, neighbours])
def test_seldom_does_any_look_miss(draw):
    """Stated 0.05; 200 streams, so 0.096 is three simulation errors above it."""
    missed = 0
    for seed in range(200):
        values = draw(np.random.default_rng(seed))
        for look in LOOKS:
            found = anytime_mean(values[:look], np.arange(look), 0.95)
            if found.low is not None and not found.low <= 0 <= found.high:
                missed += 1
                break
    assert missed / 200 <= 0.096


def test_an_interval_for_one_look_does_miss_when_one_looks_often():
    missed = 0
    for seed in range(200):
        values = normal(np.random.default_rng(seed))
        missed += any(
            not found.low <= 0 <= found.high
            for found in (clustered_mean(values[:n], np.arange(n), 0.95) for n in LOOKS)
        )
    assert missed / 200 >= 0.25


def test_rows_of_a_block_go_together_and_blocks_may_differ_in_size():
    random = np.random.default_rng(3)
    sizes = random.integers(1, 30, size=300)
    blocks = np.repeat(np.arange(300), sizes)
    values = random.normal(size=300)[blocks] + random.normal(size=blocks.size)
    found = anytime_mean(values, blocks, 0.95)
    one_look = clustered_mean(values, blocks, 0.95)
    assert found.mean == one_look.mean
    assert found.error == pytest.approx(one_look.error, rel=0.2)
    ratio = (found.high - found.low) / (one_look.high - one_look.low)
    assert 1.4 < ratio < 2.2


def test_it_finds_a_difference():
    random = np.random.default_rng(4)
    found = anytime_mean(random.normal(0.5, 1, size=200), np.arange(200), 0.95)
    assert found.low > 0


@pytest.mark.parametrize("count", [0, 1, MIN_BLOCKS - 1])
def test_too_few_blocks_give_no_interval(count):
    found = anytime_mean(np.arange(count, dtype=float), np.arange(count), 0.95)
    assert (found.low, found.high, found.error) == (None, None, None)
    assert found.blocks == count


def test_values_that_are_all_alike_say_nothing_about_a_rare_one():
    for value in (0.0, -0.05, 1e9):
        assert anytime_mean(np.full(500, value), np.arange(500), 0.95).low is None


def test_values_that_are_no_numbers_are_left_out():
    values = normal(np.random.default_rng(1))[:100]
    spoilt = np.insert(values, [3, 50], [np.nan, np.inf])
    places = np.insert(np.arange(100), [3, 50], [3, 50])
    assert anytime_mean(spoilt, places, 0.95) == anytime_mean(values, np.arange(100), 0.95)
    nothing = anytime_mean(np.full(50, np.nan), np.arange(50), 0.95)
    assert (nothing.mean, nothing.rows) == (None, 0)


@pytest.mark.parametrize("confidence", [0, 1, -0.1, 95])
def test_a_confidence_that_is_none_is_refused(confidence):
    with pytest.raises(ValueError, match="between 0 and 1"):
        anytime_mean(np.zeros(30), np.arange(30), confidence)
