import numpy as np
import pytest

from homeostat.stats.estimate.calibrate import Calibration
from homeostat.stats.estimate.calibration_sd import CERTAIN, CalibrationSd


def test_it_is_the_error_that_calibrations_have():
    """The mean of fitted less true probabilities per band, over many reference sets."""
    z = []
    for seed in range(300):
        random = np.random.default_rng(seed)
        score = random.random(1000)
        fitted = Calibration.fit(score, random.random(1000) < score**2).apply(score)
        sd = CalibrationSd.of(score, fitted, bands=5)
        band = sd.band(score)
        error = np.bincount(band, weights=fitted - score**2) / np.bincount(band)
        z.append(error / np.asarray(sd.sd))
    size = np.sqrt(np.mean(np.square(z), axis=0))
    assert np.all(size[1:-1] > 0.85)
    assert np.all(size[1:-1] < 1.05)
    assert size.max() < 1.3


def test_bands_hold_equal_rows_and_ties_are_merged():
    score = np.arange(1000) / 1000
    sd = CalibrationSd.of(score, np.full(1000, 0.5))
    assert np.abs(np.bincount(sd.band(score)) - 100).max() <= 1
    assert sd.sd == pytest.approx([np.sqrt(26) / 100] * 10, rel=0.01)
    tied = CalibrationSd.of([0.0] * 95 + [1.0] * 5, [0.1] * 100)
    assert tied.edges == (0.0,)
    assert tied.band(np.array([-1.0, 0.0, 0.5, 1.0])).tolist() == [0, 0, 1, 1]


def test_nothing_constants_and_huge_scores():
    assert CalibrationSd.of([], []) == CalibrationSd((), (0.5,))
    assert CalibrationSd.of([np.nan, 1.0], [0.2, np.inf]) == CalibrationSd((), (0.5,))
    assert CalibrationSd.of([3.0], [0.0]) == CalibrationSd((), (0.5,))
    assert CalibrationSd.of([1.0] * 4, [1.0] * 4) == CalibrationSd((), (0.25,))
    huge = CalibrationSd.of([-1.7e308, 1.7e308], [0.0, 1.0])
    assert huge.band(np.array([-1.7e308, 1.7e308])).tolist() == [0, 1]
    assert CERTAIN.band(np.array([1.0, 2.0])).tolist() == [0, 0]


def test_what_makes_no_sense_is_refused():
    for edges, sd in [((0.5,), (0.1,)), ((0.5, 0.5), (0.1,) * 3), ((), (-0.1,)), ((), (np.nan,))]:
        with pytest.raises(ValueError):
            CalibrationSd(edges, sd)
    with pytest.raises(ValueError, match="one score and probability"):
        CalibrationSd.of([1.0], [0.1, 0.2])
    with pytest.raises(ValueError, match=r"0\.\.1"):
        CalibrationSd.of([1.0], [1.1])
    with pytest.raises(ValueError, match="one band"):
        CalibrationSd.of([1.0], [0.1], bands=0)
