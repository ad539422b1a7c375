import math

import numpy as np
import pytest

from homeostat.stats.sequential.bets import Bets, Bounds, capitals


def _by_hand(values, mean, threshold, side):
    """Capital after each row, straight from equations 24 to 26 of the paper."""
    capital, seen, squares, path = 1.0, [], 0.25, []
    for number, value in enumerate(values, 1):
        variance = squares / number
        stake = math.sqrt(2 * threshold / (variance * number * math.log(1 + number)))
        stake = min(stake, 0.5 / (mean if side > 0 else 1 - mean))
        capital *= 1 + side * stake * (value - mean)
        seen.append(value)
        squares += (value - (0.5 + sum(seen)) / (number + 1)) ** 2
        path.append(capital)
    return path


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("mean", [0.1, 0.4, 0.9])
def test_the_capital_is_that_of_the_paper(mean, side):
    values = np.random.default_rng(1).beta(2, 3, size=60)
    threshold = math.log(40)
    stakes = Bets(threshold).next(values)
    found = capitals(np.zeros(1), np.array([mean]), values, stakes, side)[:, 0]
    assert np.exp(found) == pytest.approx(_by_hand(values, mean, threshold, side), rel=1e-9)


def test_stakes_do_not_depend_on_how_the_rows_are_cut():
    values = np.random.default_rng(2).random(500)
    whole, cut = Bets(3.0), Bets(3.0)
    parts = [cut.next(part) for part in np.split(values, [1, 7, 7, 300])]
    assert np.array_equal(whole.next(values), np.concatenate(parts))
    assert (whole.mean, whole.rows) == (cut.mean, cut.rows)


def test_a_stake_does_not_know_its_own_row():
    one, other = np.array([0.2, 0.4, 0.0]), np.array([0.2, 0.4, 1.0])
    assert np.array_equal(Bets(3.0).next(one), Bets(3.0).next(other))


@pytest.mark.parametrize(
    "values", [np.zeros(300), np.ones(300), np.random.default_rng(3).random(300)]
)
def test_the_capital_is_positive_and_monotone_in_the_mean(values):
    means, start = np.linspace(0, 1, 101), np.zeros(101)
    stakes = Bets(math.log(40)).next(values)
    above, below = (capitals(start, means, values, stakes, side) for side in (1, -1))
    assert np.isfinite(above).all()
    assert np.isfinite(below).all()
    assert (np.diff(above, axis=1) <= 1e-9).all()
    assert (np.diff(below, axis=1) >= -1e-9).all()


def test_a_fair_game_keeps_its_mean_capital():
    random = np.random.default_rng(4)
    ends = []
    for _ in range(20_000 // 10):
        values = (random.random(10) < 0.3).astype(float)
        ends.append(
            capitals(np.zeros(1), np.array([0.3]), values, Bets(3.0).next(values), 1)[-1, 0]
        )
    capital = np.exp(ends)
    assert capital.mean() == pytest.approx(1, abs=4 * capital.std() / math.sqrt(len(ends)))


def test_bounds_leave_out_what_is_not_finite_or_not_within():
    units, skipped, outside = Bounds(-1.0, 3.0).units([-1, 3, 1, np.nan, np.inf, -np.inf, 3.1, -9])
    assert (units.tolist(), skipped, outside) == ([0.0, 1.0, 0.5], 3, 2)
    huge = Bounds(-8e307, 8e307).units([1e308, 8e307, 0.0])
    assert (huge[0].tolist(), huge[2]) == ([1.0, 0.5], 1)


@pytest.mark.parametrize(
    "bounds", [(1.0, 1.0), (2.0, 1.0), (math.nan, 1.0), (0.0, math.inf), (-1e308, 1e308)]
)
def test_bounds_that_bound_nothing_are_refused(bounds):
    with pytest.raises(ValueError, match="bounds"):
        Bounds(*bounds)


def test_an_array_of_another_shape_is_refused():
    with pytest.raises(ValueError, match="shape"):
        Bounds(0.0, 1.0).units(np.zeros((2, 2)))
