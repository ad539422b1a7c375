import math

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from homeostat.domain.verdict import Verdict
from homeostat.stats.calibration_error import (
    calibration_error,
    calibration_in_the_large,
    recalibration,
)


def recal(truth, said, **changed):
    return recalibration(truth, said, **({"intercept_limit": 0.2, "slope_limit": 0.2} | changed))


def everything(truth, said):
    """All four results for one input."""
    both = recal(truth, said)
    return (
        calibration_error(truth, said, limit=0.05),
        calibration_in_the_large(truth, said, limit=0.05),
        both.intercept,
        both.slope,
    )


def drawn(random, rows, really):
    said = random.beta(1, 3, rows)
    return (random.random(rows) < really(said)).astype(float), said


def computed(truth, said, bins):
    """Reference: sort, cut into equal parts, no correction."""
    order = np.argsort(said)
    parts = np.array_split(order, bins)
    return sum(len(p) * abs(said[p].mean() - truth[p].mean()) for p in parts) / len(said)


def true_error(said, really, bins=10):
    parts = np.array_split(np.sort(said), bins)
    return sum(len(p) * abs(p.mean() - really(p).mean()) for p in parts) / len(said)


SHAPES = {
    "calibrated": lambda p: p,
    "a little low": lambda p: np.clip(p + 0.02, 0, 1),
    "low": lambda p: np.clip(p + 0.1, 0, 1),
    "too sure": lambda p: 0.5 * p + 0.15,
}


def test_for_large_gaps_the_estimate_is_the_computed_error():
    truth, said = drawn(np.random.default_rng(1), 20_000, lambda p: np.clip(p + 0.2, 0, 1))
    found = calibration_error(truth, said, limit=0.05)
    assert found.estimate == pytest.approx(computed(truth, said, 10), abs=1e-4)


def test_the_correction_is_the_mean_of_a_folded_normal():
    """One bin, by simulation: gap 0.02, and the standard error of Agresti and Coull."""
    truth, said = np.repeat([1.0, 0.0], [250, 250]), np.full(500, 0.52)
    error = math.sqrt(0.25 / 500)
    folded = np.abs(np.random.default_rng(1).normal(0.02, error, 2_000_000)).mean()
    found = calibration_error(truth, said, limit=0.05)
    assert found.estimate == pytest.approx(2 * 0.02 - folded, abs=1e-4)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_correction_takes_bias_away(shape):
    random, raw, corrected = np.random.default_rng(2), [], []
    for _ in range(300):
        truth, said = drawn(random, 1000, SHAPES[shape])
        true = true_error(said, SHAPES[shape])
        raw.append(computed(truth, said, 10) - true)
        corrected.append(calibration_error(truth, said, limit=0.05).estimate - true)
    assert abs(np.mean(corrected)) <= abs(np.mean(raw)) * 0.65 + 0.003


@pytest.mark.parametrize("rows", [100, 1000])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_interval_misses_no_more_often_than_stated(shape, rows):
    random, trials, missed = np.random.default_rng(rows), 600, 0
    for _ in range(trials):
        truth, said = drawn(random, rows, SHAPES[shape])
        found = calibration_error(truth, said, limit=0.05)
        assert 0 <= found.low <= found.estimate <= found.high <= 1
        missed += not found.low <= true_error(said, SHAPES[shape]) <= found.high
    assert missed / trials <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / trials)


def test_false_alarms_and_power_of_the_expected_calibration_error():
    random, trials = np.random.default_rng(3), 200

    def shares(shape, rows, limit):
        found = [
            calibration_error(*drawn(random, rows, SHAPES[shape]), limit=limit).verdict
            for _ in range(trials)
        ]
        return {verdict: found.count(verdict) / trials for verdict in Verdict}

    bound = 0.025 + 3 * math.sqrt(0.025 * 0.975 / trials)
    assert shares("calibrated", 1000, 0.0)[Verdict.FAIL] <= bound
    assert shares("low", 1000, 0.101)[Verdict.FAIL] <= bound
    assert shares("low", 1000, 0.0995)[Verdict.PASS] <= bound
    assert shares("low", 3000, 0.05)[Verdict.FAIL] >= 0.95
    assert shares("calibrated", 2000, 0.05)[Verdict.PASS] >= 0.95


@pytest.mark.parametrize(("rows", "rate"), [(50, 0.3), (300, 0.02), (1000, 0.3)])
def test_the_z_interval_of_the_mean_covers(rows, rate):
    random, trials, missed, alarms = np.random.default_rng(rows), 2000, 0, 0
    for _ in range(trials):
        said = np.clip(random.normal(rate, rate / 4, rows), 0, 1)
        truth = (random.random(rows) < said * 1.1).astype(float)
        found = calibration_in_the_large(truth, said, limit=1.0)
        missed += not found.low <= -0.1 * said.mean() <= found.high
        fair = (random.random(rows) < said).astype(float)
        alarms += calibration_in_the_large(fair, said, limit=0.5).p_value < 0.05
    bound = 0.05 + 3 * math.sqrt(0.05 * 0.95 / trials)
    assert missed / trials <= bound
    assert alarms / trials <= bound


def test_the_mean_is_judged_on_both_sides():
    truth = np.tile([0.0, 1.0], 500)
    for said, verdict in ((0.5, Verdict.PASS), (0.7, Verdict.FAIL), (0.3, Verdict.FAIL)):
        found = calibration_in_the_large(truth, np.full(1000, said), limit=0.05)
        assert (found.verdict, found.estimate) == (verdict, pytest.approx(said - 0.5))
    close = calibration_in_the_large(truth, np.full(1000, 0.55), limit=0.05)
    assert close.verdict is Verdict.INCONCLUSIVE


def test_rows_of_one_class_are_not_certain():
    found = calibration_in_the_large(np.zeros(50), np.full(50, 0.01), limit=0.02)
    assert found.verdict is Verdict.INCONCLUSIVE
    error = calibration_error(np.zeros(100), np.full(100, 0.01), limit=0.02)
    assert error.verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("seed", range(5))
def test_recalibration_agrees_with_sklearn(seed):
    random = np.random.default_rng(seed)
    truth, said = drawn(random, 800, lambda p: p ** (1 + seed / 4))
    score = np.log(said / (1 - said))[:, None]
    model = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(score, truth)
    found = recal(truth, said)
    assert found.slope.estimate == pytest.approx(model.coef_[0, 0], abs=1e-4)
    assert found.intercept.estimate == pytest.approx(model.intercept_[0], abs=1e-4)
    fitted = model.predict_proba(score)[:, 1]
    design = np.column_stack([np.ones(800), score[:, 0]])
    errors = np.sqrt(np.diag(np.linalg.inv(design.T @ (design * (fitted * (1 - fitted))[:, None]))))
    for each, error in zip((found.intercept, found.slope), errors, strict=True):
        assert each.high - each.low == pytest.approx(2 * 1.959964 * error, rel=1e-3)


@pytest.mark.parametrize("rows", [100, 1000])
def test_cox_intervals_cover(rows):
    """True intercept 0.3, true slope 0.8."""
    random, trials, missed = np.random.default_rng(rows), 1000, np.zeros(2)
    for _ in range(trials):
        score = random.normal(0, 1.2, rows)
        truth = random.random(rows) < 1 / (1 + np.exp(-0.3 - 0.8 * score))
        found = recal(truth, 1 / (1 + np.exp(-score)))
        missed[0] += not found.intercept.low <= 0.3 <= found.intercept.high
        missed[1] += not found.slope.low <= 0.8 <= found.slope.high
    assert (missed / trials <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / trials)).all()


def test_what_the_slope_says():
    random = np.random.default_rng(4)
    score = random.normal(0, 1.5, 5000)
    truth = random.random(5000) < 1 / (1 + np.exp(-score))
    for stretch, verdict in ((1.0, Verdict.PASS), (2.0, Verdict.FAIL), (0.5, Verdict.FAIL)):
        found = recal(truth, 1 / (1 + np.exp(-stretch * score)))
        assert found.slope.verdict is verdict
        assert found.slope.estimate == pytest.approx(1 / stretch, abs=0.1 / stretch)
        assert found.intercept.verdict is Verdict.PASS


def test_without_overlap_there_is_no_slope():
    truth = np.repeat([0.0, 1.0], 50)
    for said in (np.repeat([0.2, 0.8], 50), np.linspace(0, 1, 100), np.full(100, 0.5), 1 - truth):
        found = recal(truth, said)
        assert found.slope.verdict is found.intercept.verdict is Verdict.INCONCLUSIVE
        assert "no finite slope" in found.slope.reason
    rare = recal(np.r_[np.ones(9), np.zeros(91)], np.linspace(0, 1, 100))
    assert "9 rows" in rare.slope.reason


@pytest.mark.filterwarnings("error")
def test_certain_probabilities_that_are_wrong_do_no_harm():
    random = np.random.default_rng(5)
    said = random.integers(0, 2, 400).astype(float)
    truth = np.where(random.random(400) < 0.1, 1 - said, said)
    found = recal(truth, said)
    assert found.slope.verdict is Verdict.FAIL
    assert 0 < found.slope.estimate < 0.3
    nearly = said.copy()
    nearly[[np.argmax(said == 1), np.argmax(said == 0)]] = [0.0, 1.0]
    assert math.isfinite(recal(nearly, said).slope.estimate)


@pytest.mark.filterwarnings("error")
def test_the_smallest_overlap_gives_a_huge_slope_or_none():
    for apart in (1e-2, 1e-4, 1e-8, 1e-15):
        said = np.r_[np.linspace(0, 0.5, 50), 0.5 + apart, np.linspace(0.5 + 2 * apart, 1, 50)]
        truth = np.r_[np.zeros(49), 1.0, 0.0, np.ones(50)]
        found = recal(truth, said).slope
        assert found.estimate is None or found.estimate > 1
        assert found.verdict in (Verdict.INCONCLUSIVE, Verdict.FAIL)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("rows", [0, 1, 29])
def test_too_few_rows_are_inconclusive(rows):
    for found in everything(np.arange(rows) % 2, np.full(rows, 0.5)):
        assert (found.verdict, found.rows, found.estimate) == (Verdict.INCONCLUSIVE, rows, None)


@pytest.mark.filterwarnings("error")
def test_values_that_are_not_numbers_are_left_out():
    truth, said = drawn(np.random.default_rng(6), 500, lambda p: p)
    clean = everything(truth, said)
    dirty = everything([*truth, math.nan, 1.0, -math.inf], [*said, 0.5, math.inf, math.nan])
    for one, other in zip(clean, dirty, strict=True):
        assert (one.verdict, one.low, one.high) == (other.verdict, other.low, other.high)
        assert (one.skipped, other.skipped, other.rows) == (0, 3, 500)
    for found in everything(np.full(200, math.nan), np.full(200, math.inf)):
        assert (found.verdict, found.skipped) == (Verdict.INCONCLUSIVE, 200)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("wrong", [-0.01, 1.01, 1e308, -1e308])
def test_what_is_no_probability_and_no_class_is_an_error(wrong):
    truth = np.tile([0.0, 1.0], 100)
    for found in (
        *everything(truth, np.r_[np.full(199, 0.5), wrong]),
        *everything(np.r_[truth[:199], wrong], np.full(200, 0.5)),
    ):
        assert found.verdict is Verdict.ERROR


def test_equal_probabilities_share_a_bin():
    """Half of the rows say 0: order among them must not matter."""
    random = np.random.default_rng(7)
    said = np.r_[np.zeros(500), random.random(500)]
    truth = (random.random(1000) < 0.1 + 0.8 * said).astype(float)
    mixed = np.r_[random.permutation(500), np.arange(500, 1000)]
    one = calibration_error(truth, said, limit=0.05)
    other = calibration_error(truth[mixed], said[mixed], limit=0.05)
    assert (one.estimate, one.low) == (pytest.approx(other.estimate), pytest.approx(other.low))
    same = calibration_error(truth, np.full(1000, 0.9), limit=0.05)
    assert same.estimate == pytest.approx(0.9 - truth.mean())


def test_impossible_parameters_are_refused():
    for changed in ({"limit": -1.0}, {"limit": math.nan}, {"confidence": 0.0}, {"bins": 0}):
        with pytest.raises(ValueError):
            calibration_error([1.0], [0.5], **({"limit": 0.1} | changed))
    with pytest.raises(ValueError):
        calibration_in_the_large([1.0], [0.5], limit=0.1, confidence=1.0)
    for changed in ({"intercept_limit": -1.0}, {"slope_limit": -1.0}, {"confidence": 2.0}):
        with pytest.raises(ValueError):
            recal([1.0], [0.5], **changed)
    with pytest.raises(ValueError, match="one probability per truth"):
        calibration_in_the_large([1.0], [0.5, 0.5], limit=0.1)
