import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from homeostat.stats.drift.wasserstein import (
    binned_wasserstein,
    representatives,
    wasserstein,
    windows_wasserstein,
)

POINTS = np.array([-2.0, -0.5, 0.0, 0.25, 3.0])


@pytest.mark.parametrize("seed", range(30))
def test_raw_it_agrees_with_scipy(seed):
    random = np.random.default_rng(seed)
    one = random.normal(size=random.integers(1, 60)).round(1)  # ties
    other = random.lognormal(size=random.integers(1, 60)).round(1)
    assert wasserstein(one, other) == pytest.approx(wasserstein_distance(one, other))
    assert wasserstein(one, other) == pytest.approx(wasserstein(other, one))
    assert wasserstein(random.permutation(one), other) == wasserstein(one, other)


@pytest.mark.parametrize("seed", range(10))
def test_binned_it_agrees_with_scipy_on_rows_that_stand_at_the_points(seed):
    random = np.random.default_rng(seed)
    before, after = random.integers(0, 30, 5), random.integers(0, 30, 5)
    rows = np.repeat(POINTS, before)
    expected = wasserstein_distance(rows, np.repeat(POINTS, after))
    assert binned_wasserstein(before, after, POINTS, spread=1.0) == pytest.approx(expected)
    assert binned_wasserstein(before, after, POINTS) == pytest.approx(expected / rows.std())
    assert binned_wasserstein(before, after, POINTS, 4.0) == pytest.approx(expected / 4)


def test_binned_it_is_wrong_by_no_more_than_the_values_are_from_their_points():
    random = np.random.default_rng(3)
    one, other = random.normal(size=5000), random.normal(0.7, 1.2, size=5000)
    edges = np.quantile(one, np.linspace(0, 1, 11)[1:-1])
    points = representatives(edges, one[one <= edges[0]].mean(), one[one > edges[-1]].mean())
    places = [np.searchsorted(edges, values) for values in (one, other)]
    counts = [np.bincount(place, minlength=10) for place in places]
    moved = sum(
        np.abs(values - points[place]).mean()
        for values, place in zip((one, other), places, strict=True)
    )
    error = abs(binned_wasserstein(*counts, points, spread=1.0) - wasserstein(one, other))
    assert 0 < error <= moved
    assert error < 0.2 * wasserstein(one, other)


def test_many_windows_at_once_are_each_window_alone():
    random = np.random.default_rng(4)
    before, windows = random.integers(0, 9, 5) + 1, random.integers(0, 9, size=(100, 5))
    alone = [binned_wasserstein(before, window, POINTS) for window in windows]
    assert windows_wasserstein(before, windows, POINTS) == pytest.approx(np.array(alone))


def test_the_unit_of_the_values_does_not_matter_in_deviations():
    before, after = [5, 4, 3, 2, 1], [1, 2, 3, 4, 5]
    expected = binned_wasserstein(before, after, POINTS)
    for factor in (1e-300, 1e300):
        assert binned_wasserstein(before, after, POINTS * factor) == pytest.approx(expected)


def test_it_grows_with_the_move():
    assert wasserstein([1.0], [1.0]) == 0.0
    found = [binned_wasserstein([9, 1, 0], [9 - k, 1, k], [0, 1, 2]) for k in range(4)]
    assert found == sorted(found)
    assert len(set(found)) == 4


@pytest.mark.parametrize(
    ("one", "other"), [([], [1.0]), ([1.0], []), ([np.nan, np.inf], [1.0]), ([], [])]
)
def test_without_values_there_is_no_distance(one, other):
    assert wasserstein(one, other) is None


def test_values_that_are_not_finite_are_left_out():
    assert wasserstein([np.nan, 1.0, np.inf], [2.0, -np.inf]) == 1.0


def test_huge_values_are_borne():
    assert wasserstein([1e308], [1.2e308]) == pytest.approx(2e307)
    assert wasserstein([1e308, 1e308], [1e308]) == 0.0
    assert wasserstein([1.7e308], [-1.7e308]) is None
    assert binned_wasserstein([1, 1], [0, 1], [-1.7e308, 1.7e308]) == pytest.approx(1.0)
    assert binned_wasserstein([1e308, 1e308], [1e308, 1e308], [0, 1]) == 0.0
    assert binned_wasserstein([1, 1], [0, 1], [-1e308, 1e308], 1e-9) is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([0, 0], [1, 1]),
        ([1, 1], [0, 0]),
        ([1, 1], [np.nan, 1]),
        ([np.inf, 1], [1, 1]),
        ([1, 1], [-1, 1]),
        ([7, 0], [0, 7]),  # the reference does not vary: there is no unit
    ],
)
def test_where_it_is_undefined_it_is_none(before, after):
    assert binned_wasserstein(before, after, [0.0, 1.0]) is None


def test_a_constant_reference_needs_a_spread():
    assert binned_wasserstein([7, 0], [0, 7], [0.0, 1.0], spread=2.0) == 0.5
    assert binned_wasserstein([7], [3], [1.0], spread=2.0) == 0.0
    assert binned_wasserstein([1, 1], [1, 1], [4.1, 4.1]) is None
    assert binned_wasserstein([], [], []) is None


def test_outer_bins_have_the_points_that_are_given():
    assert representatives([1.0], -3.0, 4.0).tolist() == [-3.0, 4.0]
    assert representatives([], 1.0, 2.0).tolist() == [1.5]
    assert np.isfinite(representatives([1.5e308, 1.7e308], 0.0, 1.7e308)).all()


@pytest.mark.parametrize(
    "call",
    [
        lambda: representatives([1.0, 0.0], -1.0, 2.0),
        lambda: representatives([1.0], 2.0, 3.0),
        lambda: representatives([np.nan], 2.0, 3.0),
        lambda: representatives([[1.0]], 0.0, 3.0),
        lambda: wasserstein([[1.0]], [1.0]),
        lambda: binned_wasserstein([1, 2], [1, 2, 3], [0, 1]),
        lambda: binned_wasserstein([1, 2], [1, 2], [0, 1, 2]),
        lambda: binned_wasserstein([1, 2], [[1, 2]], [0, 1]),
        lambda: binned_wasserstein([1, 2], [1, 2], [1, 0]),
        lambda: binned_wasserstein([1, 2], [1, 2], [0, np.inf]),
        lambda: binned_wasserstein([1, 2], [1, 2], [0, 1], spread=0.0),
        lambda: binned_wasserstein([1, 2], [1, 2], [0, 1], spread=np.nan),
    ],
)
def test_what_cannot_be_is_refused(call):
    with pytest.raises(ValueError):
        call()
