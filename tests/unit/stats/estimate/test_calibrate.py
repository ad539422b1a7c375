import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

from homeostat.stats.estimate.calibrate import Calibration, expected_calibration_error


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("digits", [1, 2, 12])
def test_it_is_sklearns_isotonic_regression(seed, digits):
    random = np.random.default_rng(seed)
    score = np.round(random.normal(size=400), digits)
    truth = random.random(400) < 1 / (1 + np.exp(-score))
    asked = random.normal(scale=3, size=500)
    reference = IsotonicRegression(out_of_bounds="clip").fit(score, truth)
    found = Calibration.fit(score, truth).apply(asked)
    assert np.abs(found - reference.predict(asked)).max() < 1e-12


def test_the_curve_rises_and_keeps_the_ends_of_flat_parts_only():
    random = np.random.default_rng(1)
    score = random.random(5000)
    found = Calibration.fit(score, random.random(5000) < score)
    assert np.all(np.diff(found.thresholds) > 0)
    assert np.all(np.diff(found.values) >= 0)
    assert max(np.unique(found.values, return_counts=True)[1]) <= 2
    assert len(found.values) < 300


def test_a_distorted_score_is_set_right():
    random = np.random.default_rng(2)
    true = random.random(40_000)
    truth = random.random(40_000) < true
    distorted = true**3
    found = Calibration.fit(distorted[:20_000], truth[:20_000]).apply(distorted[20_000:])
    assert expected_calibration_error(distorted[20_000:], truth[20_000:]) > 0.2
    assert expected_calibration_error(found, truth[20_000:]) < 0.02


def test_rows_that_are_not_numbers_are_left_out():
    score = [0.1, np.nan, 0.3, np.inf, 0.5, 0.6]
    truth = [0, 1, 0, 1, np.nan, 1]
    assert Calibration.fit(score, truth) == Calibration.fit([0.1, 0.3, 0.6], [0, 0, 1])
    assert expected_calibration_error(score, truth) == expected_calibration_error(
        [0.1, 0.3, 0.6], [0, 0, 1]
    )


@pytest.mark.parametrize("score", [[], [np.nan], [np.nan, np.inf]])
def test_nothing_to_fit_on_answers_nothing(score):
    truth = [1.0] * len(score)
    empty = Calibration.fit(score, truth)
    assert empty == Calibration((), ())
    assert np.isnan(empty.apply([0.5, 1.0])).all()
    assert expected_calibration_error(score, truth) is None


def test_one_row_a_constant_and_huge_scores():
    assert Calibration.fit([0.3], [1]).apply([-1.0, 2.0]).tolist() == [1.0, 1.0]
    constant = Calibration.fit(np.full(4, 0.3), [0, 0, 0, 1])
    assert constant.apply([0.0, np.inf]).tolist() == [0.25, 0.25]
    huge = Calibration.fit([-1.7e308, 1.7e308], [0, 1]).apply([-np.inf, 0.0, np.inf, np.nan])
    assert huge[:3] == pytest.approx([0.0, 0.5, 1.0])
    assert np.isnan(huge[3])


def test_the_calibration_error_by_hand():
    score, truth = np.array([0.0, 0.05, 0.55, 1.0]), np.array([0, 1, 1, 1])
    by_hand = (2 * abs(0.025 - 0.5) + abs(0.55 - 1) + 0) / 4
    assert expected_calibration_error(score, truth) == pytest.approx(by_hand)
    assert expected_calibration_error(score, truth, bins=1) == pytest.approx(0.35)


@pytest.mark.parametrize("rows", [500, 5000])
def test_chance_alone_stays_within_what_is_stated(rows):
    random = np.random.default_rng(rows)
    found = []
    for _ in range(200):
        score = random.random(rows)
        found.append(expected_calibration_error(score, random.random(rows) < score))
    assert 0.2 * np.sqrt(10 / rows) < np.mean(found) < 0.4 * np.sqrt(10 / rows)


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="one score and one truth"):
        Calibration.fit([1.0, 2.0], [1.0])
    with pytest.raises(ValueError, match=r"lies in 0\.\.1"):
        expected_calibration_error([1.2], [1])
    with pytest.raises(ValueError, match="at least one bin"):
        expected_calibration_error([0.2], [1], bins=0)
