"""Holm and Benjamini-Hochberg: against brute force and scipy, and what they hold."""

import numpy as np
import pytest
from scipy.stats import false_discovery_control

from homeostat.stats.compare.multiplicity import benjamini_hochberg, holm


def slow_holm(p):
    order = np.argsort(p)
    found, running = np.empty(len(p)), 0.0
    for rank, place in enumerate(order):
        running = max(running, min(1.0, (len(p) - rank) * p[place]))
        found[place] = running
    return found


@pytest.mark.parametrize("seed", range(5))
def test_they_equal_the_references(seed):
    p = np.random.default_rng(seed).uniform(size=12) ** 3
    assert holm(p) == pytest.approx(slow_holm(p))
    assert benjamini_hochberg(p) == pytest.approx(false_discovery_control(p))


def test_a_test_that_could_not_be_made_does_not_count():
    assert holm([0.01, np.nan, 0.5]) == pytest.approx([0.02, np.nan, 0.5], nan_ok=True)
    assert holm([]).size == 0
    assert np.isnan(benjamini_hochberg([np.nan])).all()


def test_what_is_no_p_value_is_refused():
    with pytest.raises(ValueError, match="from 0 to 1"):
        holm([1.2])


def test_holm_seldom_rejects_anything_when_nothing_is_there():
    random = np.random.default_rng(1)
    any_rejected = [(holm(random.uniform(size=20)) <= 0.05).any() for _ in range(3000)]
    assert 0.035 <= np.mean(any_rejected) <= 0.062


def test_the_share_of_false_discoveries_is_bounded():
    random = np.random.default_rng(2)
    shares = []
    for _ in range(2000):
        p = np.append(random.uniform(size=15), random.uniform(size=5) / 1000)
        found = benjamini_hochberg(p) <= 0.1
        shares.append(found[:15].sum() / max(found.sum(), 1))
    assert np.mean(shares) <= 0.1 * 15 / 20 + 0.01
