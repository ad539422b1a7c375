import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import contingency, entropy, ks_2samp

from homeostat.stats.drift import distances
from homeostat.stats.drift.distances import DISTANCES, over_windows
from homeostat.stats.drift.psi import psi

NAMES = sorted(DISTANCES)
BOUNDED = [name for name in NAMES if name not in ("psi", "kullback_leibler")]


def drawn(seed, windows=200, bins=7, largest=40):
    random = np.random.default_rng(seed)
    counts = random.integers(0, largest, size=(windows + 1, bins)) * (
        random.random((windows + 1, bins)) < 0.7
    )
    counts[:, 0] += 1
    return counts[0], counts[1:]


@pytest.mark.parametrize("name", NAMES)
def test_many_windows_at_once_are_each_window_alone(name):
    reference, windows = drawn(1)
    alone = [DISTANCES[name](reference, window) for window in windows]
    assert over_windows(name, reference, windows) == pytest.approx(alone, rel=1e-12, abs=1e-14)


def test_it_agrees_with_scipy():
    reference, windows = drawn(2)
    for window in windows:
        p, q = reference / reference.sum(), window / window.sum()
        kept = (reference > 0) | (window > 0)
        places = np.arange(reference.size)
        raw = ks_2samp(np.repeat(places, reference), np.repeat(places, window), method="asymp")
        expected = {
            "jensen_shannon": jensenshannon(p, q, base=2),
            "kullback_leibler": entropy(window[kept] + 0.5, reference[kept] + 0.5),
            "kolmogorov_smirnov": raw.statistic,
            "chi_square": contingency.association(
                np.vstack([reference[kept], window[kept]]), method="cramer"
            ),
            "hellinger": np.sqrt(max(0.0, 1 - np.sqrt(p * q).sum())),
            "l_infinity": np.abs(p - q).max(),
            "total_variation": np.maximum(p - q, 0).sum(),
            "psi": psi(reference, window),
        }
        found = {name: DISTANCES[name](reference, window) for name in DISTANCES}
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_equal_shares_are_at_no_distance_and_apart_grows(name):
    distance = DISTANCES[name]
    assert distance([30, 0, 70], [30, 0, 70]) == pytest.approx(0.0, abs=1e-7)
    near, far = distance([500, 500], [550, 450]), distance([500, 500], [900, 100])
    assert 0 < near < far


@pytest.mark.parametrize("name", BOUNDED)
def test_disjoint_distributions_are_at_distance_one(name):
    assert DISTANCES[name]([9, 0], [0, 9]) == pytest.approx(1.0)
    reference, windows = drawn(3)
    assert over_windows(name, reference, windows).max() <= 1.0


@pytest.mark.parametrize("name", [name for name in NAMES if name != "kolmogorov_smirnov"])
def test_the_order_of_bins_matters_to_kolmogorov_smirnov_only(name):
    reference, windows = drawn(4)
    order = np.random.default_rng(4).permutation(reference.size)
    one = over_windows(name, reference, windows)
    assert over_windows(name, reference[order], windows[:, order]) == pytest.approx(one)


def test_kolmogorov_smirnov_sees_the_order_of_bins():
    assert distances.kolmogorov_smirnov([5, 0, 5, 0], [0, 5, 0, 5]) == 0.5
    assert distances.kolmogorov_smirnov([5, 5, 0, 0], [0, 0, 5, 5]) == 1.0


@pytest.mark.parametrize("name", [name for name in NAMES if name != "kullback_leibler"])
def test_all_but_kullback_leibler_are_symmetric(name):
    reference, windows = drawn(5)
    for window in windows[:20]:
        assert DISTANCES[name](reference, window) == pytest.approx(
            DISTANCES[name](window, reference)
        )


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([], []),
        ([0, 0], [1, 2]),
        ([1, 2], [0, 0]),
        ([1, -1], [1, 2]),
        ([1, 2], [-1, 2]),
        ([np.nan, 2], [1, 2]),
        ([1, 2], [np.nan, 2]),
        ([1, 2], [np.inf, 2]),
    ],
)
def test_counts_that_make_no_sense_have_no_distance(name, before, after):
    assert DISTANCES[name](before, after) is None
    assert np.isnan(over_windows(name, before, [after])).all()


@pytest.mark.parametrize("name", NAMES)
def test_one_bad_window_does_not_touch_the_others(name):
    found = over_windows(name, [5, 5], [[5, 5], [np.nan, 5], [0, 0], [9, 1]])
    assert np.isnan(found).tolist() == [False, True, True, False]
    assert found[3] == pytest.approx(DISTANCES[name]([5, 5], [9, 1]))
    assert over_windows(name, [5, 5], np.empty((0, 2))).shape == (0,)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "psi"])
def test_huge_tiny_and_single_counts_give_finite_distances(name):
    distance = DISTANCES[name]
    assert distance([1e308, 1e308], [1e308, 1e308]) == pytest.approx(0.0, abs=1e-7)
    for before, after in [([1e308, 1], [1, 1e308]), ([5e-324, 0], [0, 1]), ([1], [3])]:
        assert np.isfinite(distance(before, after))


def test_shapes_and_names_that_do_not_fit_are_refused():
    for before, after in [([1, 2], [1, 2, 3]), ([[1, 2]], [[1, 2]]), (1, 1)]:
        for distance in DISTANCES.values():
            with pytest.raises(ValueError, match="shape"):
                distance(before, after)
    with pytest.raises(ValueError, match="shapes"):
        over_windows("psi", [1, 2], [1, 2])
    with pytest.raises(ValueError, match="no distance 'euclid'"):
        over_windows("euclid", [1, 2], [[1, 2]])
