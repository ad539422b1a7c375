import numpy as np
import pytest
from sklearn import metrics as sklearn

from homeostat.domain.verdict import Verdict
from homeostat.stats.estimate.calibrate import Calibration
from homeostat.stats.estimate.calibration_sd import CERTAIN, CalibrationSd
from homeostat.stats.estimate.cbpe import estimate_binary

LABELLED = {
    "accuracy": sklearn.accuracy_score,
    "precision": sklearn.precision_score,
    "recall": sklearn.recall_score,
    "f1": sklearn.f1_score,
    "specificity": lambda truth, label: sklearn.recall_score(1 - truth, 1 - label),
}
SCORED = {
    "roc_auc": sklearn.roc_auc_score,
    "average_precision": sklearn.average_precision_score,
    "brier": sklearn.brier_score_loss,
    "log_loss": sklearn.log_loss,
}
METRICS = [*LABELLED, *SCORED]


def known(metric, truth, score, threshold):
    if metric in LABELLED:
        return LABELLED[metric](truth, (score >= threshold).astype(int))
    return SCORED[metric](truth, score)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("digits", [1, 12])
def test_with_certain_labels_it_is_sklearns_metric(metric, digits):
    random = np.random.default_rng(3)
    score = np.clip(np.round(random.random(2500), digits), 0.01, 0.99)
    truth = (random.random(2500) < score).astype(int)
    found = estimate_binary(metric, score, truth, threshold=0.4)
    assert found.estimate == pytest.approx(known(metric, truth, score, 0.4), abs=1e-12)
    assert found.low == pytest.approx(found.estimate, abs=1e-12)
    assert found.high == pytest.approx(found.estimate, abs=1e-12)


def test_the_estimates_by_their_formulas():
    random = np.random.default_rng(4)
    p = random.random(300)
    score = np.sqrt(p)
    above = score >= 0.6
    tp, fp, fn = p[above].sum(), (1 - p[above]).sum(), p[~above].sum()
    tn = (1 - p[~above]).sum()
    pairs = np.triu(np.outer(1 - p[np.argsort(p)], np.sort(p)), 1).sum()
    same = (p * (1 - p)).sum() / 2
    expected = {
        "accuracy": (tp + tn) / 300,
        "precision": tp / (tp + fp),
        "recall": tp / (tp + fn),
        "f1": tp / (tp + (fp + fn) / 2),
        "specificity": tn / (tn + fp),
        "roc_auc": (pairs + same) / (p.sum() * (1 - p).sum()),
        "brier": (p * (1 - score) ** 2 + (1 - p) * score**2).mean(),
        "log_loss": -(p * np.log(score) + (1 - p) * np.log(1 - score)).mean(),
    }
    for metric, value in expected.items():
        found = estimate_binary(metric, score, p, threshold=0.6)
        assert found.estimate == pytest.approx(value, abs=1e-12), metric


def test_a_mean_has_the_closed_form_variance():
    random = np.random.default_rng(5)
    p = random.random(4000)
    sd = np.sqrt((p * (1 - p) * (1 - 2 * p) ** 2).sum()) / 4000
    found = estimate_binary("brier", p, p)
    assert (found.high - found.low) / (2 * 1.95996) == pytest.approx(sd, rel=1e-5)
    hits = estimate_binary("accuracy", p, p, draws=4000)
    width = 2 * 1.95996 * np.sqrt((p * (1 - p)).sum()) / 4000
    assert hits.high - hits.low == pytest.approx(width, rel=0.08)


# Rows, shape of the probabilities and threshold; 96 or 144 windows of labels for each.
CASES = {
    "even": (400, 2.0, 2.0, 0.5),
    "one in a hundred": (1500, 0.1, 9.9, 0.3),
    "few rows": (60, 0.5, 2.0, 0.5),
}


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("case", CASES)
def test_the_interval_holds_the_metric_that_the_labels_show(metric, case):
    rows, a, b, threshold = CASES[case]
    covered, windows, labels = 0, 0, 12 if metric in LABELLED else 8
    for seed in range(12):
        random = np.random.default_rng(seed)
        p = np.clip(random.beta(a, b, rows), 1e-6, 1 - 1e-6)
        score = p**0.7
        found = estimate_binary(metric, score, p, threshold=threshold, seed=seed)
        for _ in range(labels):
            truth = (random.random(rows) < p).astype(int)
            value = known(metric, truth, score, threshold)
            covered += found.low - 1e-12 <= value <= found.high + 1e-12
            windows += 1
    assert covered / windows >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / windows)


@pytest.mark.parametrize("metric", METRICS)
def test_a_stated_half_is_half(metric):
    """A wider interval than stated would pass the test above: this one fails then."""
    random = np.random.default_rng(6)
    p = random.beta(2, 2, 300)
    found = estimate_binary(metric, p, p, confidence=0.5, draws=4000)
    inside = []
    for _ in range(300):
        value = known(metric, (random.random(300) < p).astype(int), p, 0.5)
        inside.append(found.low <= value <= found.high)
    assert 0.5 - 0.1 <= np.mean(inside) <= 0.5 + 0.13


def calibrated_window(random, reference=1000, window=4000):
    """Truth bends away from the score, in a reference with labels and a window without."""
    score = random.random(reference + window)
    true = score**2
    truth = (random.random(score.size) < true).astype(int)
    curve = Calibration.fit(score[:reference], truth[:reference])
    sd = CalibrationSd.of(score[:reference], curve.apply(score[:reference]))
    return score[reference:], truth[reference:], curve.apply(score[reference:]), sd


@pytest.mark.parametrize("metric", ["accuracy", "f1", "roc_auc", "brier"])
def test_the_error_of_the_calibration_is_counted_when_asked(metric):
    exact = counted = 0
    trials = 80
    for seed in range(trials):
        score, truth, p, sd = calibrated_window(np.random.default_rng(seed))
        value = known(metric, truth, score, 0.5)
        for of in (CERTAIN, sd):
            found = estimate_binary(metric, score, p, calibration_sd=of, draws=200, seed=seed)
            held = found.low <= value <= found.high
            exact, counted = exact + (held and of is CERTAIN), counted + (held and of is sd)
    assert counted / trials >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / trials)
    assert exact < counted


def test_concept_drift_is_not_seen():
    random = np.random.default_rng(7)
    p = random.beta(1, 1, 5000)
    found = estimate_binary("accuracy", p, p)
    turned = (random.random(5000) < 1 - p).astype(int)
    assert known("accuracy", turned, p, 0.5) < 0.3
    assert found.estimate > 0.7
    assert found.low > 0.7
    assert found.verdict is Verdict.PASS


def test_a_shift_of_the_features_is_seen():
    random = np.random.default_rng(8)
    estimates = []
    for spread in (0.1, 2.0):
        p = random.beta(spread, spread, 5000)
        truth = (random.random(5000) < p).astype(int)
        found = estimate_binary("roc_auc", p, p)
        assert found.low <= sklearn.roc_auc_score(truth, p) <= found.high
        estimates.append(found.estimate)
    assert estimates[0] > 0.95
    assert estimates[1] < 0.8


@pytest.mark.parametrize("metric", METRICS)
def test_many_rows_cost_no_more_draws_and_change_nothing(metric):
    random = np.random.default_rng(9)
    p = random.random(1001)
    alone = estimate_binary(metric, p, p)
    spread = np.repeat(p, 50) + np.tile(np.arange(50) * 1e-9, 1001)
    many = estimate_binary(metric, spread.clip(0, 1), np.repeat(p, 50))
    assert many.rows == 50_050
    assert many.estimate == pytest.approx(alone.estimate, abs=2e-3)
    ratio = (alone.high - alone.low) / (many.high - many.low)
    assert ratio == pytest.approx(np.sqrt(50), rel=0.15)


@pytest.mark.parametrize("metric", METRICS)
def test_no_rows_one_row_and_rows_that_are_not_numbers(metric):
    assert estimate_binary(metric, [], []).verdict is Verdict.INCONCLUSIVE
    nothing = estimate_binary(metric, [np.nan, 0.5], [0.5, np.inf])
    assert (nothing.verdict, nothing.rows, nothing.skipped) == (Verdict.INCONCLUSIVE, 0, 2)
    for one in (0.0, 0.3, 1.0):
        found = estimate_binary(metric, [0.7], [one])
        assert found.verdict in (Verdict.INCONCLUSIVE, Verdict.PASS)
    random = np.random.default_rng(10)
    p = random.random(200)
    with_nan = estimate_binary(metric, [*p, np.nan, 0.5, np.inf], [*p, 0.5, np.nan, 0.5])
    assert with_nan.skipped == 3
    assert with_nan.estimate == pytest.approx(estimate_binary(metric, p, p).estimate)


@pytest.mark.parametrize("metric", [*LABELLED, "roc_auc", "average_precision"])
def test_ties_constants_and_huge_scores(metric):
    constant = estimate_binary(metric, np.full(50, 0.5), np.full(50, 0.5))
    assert constant.low <= constant.estimate <= constant.high or constant.low is None
    huge = np.array([-1.7e308, 1.7e308] * 50)
    found = estimate_binary(metric, huge, np.tile([0.1, 0.9], 50))
    assert found.estimate == pytest.approx(0.9 if metric != "average_precision" else 0.87, abs=0.03)
    if metric == "roc_auc":
        assert constant.estimate == pytest.approx(0.5)


@pytest.mark.parametrize("metric", ["recall", "roc_auc", "average_precision"])
def test_a_class_that_may_be_missing_gives_no_interval(metric):
    found = estimate_binary(metric, np.linspace(0, 1, 100), np.full(100, 0.01))
    assert (found.verdict, found.low) == (Verdict.INCONCLUSIVE, None)
    assert "too rare" in found.reason
    none = estimate_binary(metric, np.linspace(0, 1, 100), np.zeros(100))
    assert (none.verdict, none.estimate) == (Verdict.INCONCLUSIVE, None)


def test_what_is_no_probability_is_an_error():
    assert estimate_binary("f1", [0.5, 0.2], [0.5, 1.2]).verdict is Verdict.ERROR
    assert estimate_binary("brier", [0.5, 7.0], [0.5, 0.2]).verdict is Verdict.ERROR
    assert estimate_binary("f1", [0.5, 7.0], [0.5, 0.2]).verdict is Verdict.PASS


def test_impossible_arguments_are_refused():
    for wrong in (
        {"metric": "gain"},
        {"confidence": 1.0},
        {"confidence": 0.999},
        {"threshold": np.nan},
        {"probability": [0.5]},
        {"score": [[0.1, 0.2]], "probability": [[0.1, 0.2]]},
    ):
        asked = {"metric": "f1", "score": [0.1, 0.2], "probability": [0.1, 0.2], **wrong}
        with pytest.raises(ValueError):
            estimate_binary(**asked)


def test_the_same_arguments_give_the_same_answer():
    p = np.random.default_rng(11).random(500)
    assert estimate_binary("f1", p, p, seed=4) == estimate_binary("f1", p, p, seed=4)
    assert estimate_binary("f1", p, p, seed=4) != estimate_binary("f1", p, p, seed=5)


@pytest.mark.parametrize("metric", ["brier", "log_loss"])
def test_a_variance_near_zero_does_not_crash(metric):
    tiny = np.random.default_rng(1).random(300) * 1e-220
    found = estimate_binary(metric, tiny, tiny)
    assert found.low <= found.estimate <= found.high < 1e-6
