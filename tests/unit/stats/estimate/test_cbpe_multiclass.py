import numpy as np
import pytest
from sklearn import metrics as sklearn

from homeostat.domain.verdict import Verdict
from homeostat.stats.estimate.cbpe import estimate_binary
from homeostat.stats.estimate.cbpe_multiclass import METRICS, estimate_multiclass


def known(metric, truth, score):
    labels = np.arange(score.shape[1])
    if metric == "roc_auc":
        return sklearn.roc_auc_score(truth, score, multi_class="ovr", labels=labels)
    if metric == "log_loss":
        return sklearn.log_loss(truth, score, labels=labels)
    if metric == "accuracy":
        return sklearn.accuracy_score(truth, score.argmax(axis=1))
    of = {"precision": sklearn.precision_score, "recall": sklearn.recall_score}
    measured = of.get(metric, sklearn.f1_score)
    label = score.argmax(axis=1)
    return measured(truth, label, average="macro", labels=labels, zero_division=0)


def drawn(random, p):
    return (random.random((len(p), 1)) > np.cumsum(p, axis=1)[:, :-1]).sum(axis=1)


def distorted(p):
    score = p**0.7
    return score / score.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("digits", [1, 12])
def test_with_certain_labels_it_is_sklearns_metric(metric, digits):
    random = np.random.default_rng(1)
    score = np.round(random.dirichlet([1, 1, 1, 1], 800), digits) + 0.01
    score /= score.sum(axis=1, keepdims=True)
    truth = drawn(random, score)
    found = estimate_multiclass(metric, score, np.eye(4)[truth])
    assert found.estimate == pytest.approx(known(metric, truth, score), abs=1e-12)
    assert (found.low, found.high) == pytest.approx((found.estimate, found.estimate), abs=1e-12)


@pytest.mark.parametrize("metric", ["accuracy", "roc_auc", "log_loss"])
def test_two_classes_are_the_binary_case(metric):
    random = np.random.default_rng(2)
    p = random.random(900)
    score = distorted(np.stack([1 - p, p], axis=1))
    two = estimate_multiclass(metric, score, np.stack([1 - p, p], axis=1))
    one = estimate_binary(metric, score[:, 1], p, draws=4000)
    assert two.estimate == pytest.approx(one.estimate, abs=1e-12)
    assert (two.low, two.high) == pytest.approx((one.low, one.high), abs=0.006)


@pytest.mark.parametrize("metric", METRICS)
def test_the_derivative_is_that_of_the_metric(metric):
    """The interval's width from numeric derivatives of the estimate, label by label."""
    random = np.random.default_rng(3)
    p = random.dirichlet([2, 2, 2], 120)
    score = distorted(random.dirichlet([2, 2, 2], 120))
    found = estimate_multiclass(metric, score, p)
    step = 1e-7
    variance = 0.0
    for row in range(120):
        slope = []
        for one in range(3):
            moved = p.copy()
            moved[row] = (1 - step) * p[row] + step * np.eye(3)[one]
            changed = estimate_multiclass(metric, score, moved).estimate
            slope.append((changed - found.estimate) / step)
        variance += (p[row] * np.square(slope)).sum()
    width = 2 * 1.959964 * np.sqrt(variance)
    assert found.high - found.low == pytest.approx(width, rel=1e-4)


# Rows and Dirichlet parameters: even classes, and a class of one in a hundred.
CASES = {"even": (300, (0.6, 0.6, 0.6)), "rare": (2000, (2.0, 1.0, 0.03))}


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("case", CASES)
def test_the_interval_holds_the_metric_that_the_labels_show(metric, case):
    rows, parameters = CASES[case]
    covered, windows = 0, 0
    for seed in range(20):
        random = np.random.default_rng(seed)
        p = np.clip(random.dirichlet(parameters, rows), 1e-6, 1)
        p /= p.sum(axis=1, keepdims=True)
        score = distorted(p)
        found = estimate_multiclass(metric, score, p)
        for _ in range(15):
            value = known(metric, drawn(random, p), score)
            covered += found.low <= value <= found.high
            windows += 1
    assert 0.95 - 3 * np.sqrt(0.95 * 0.05 / windows) <= covered / windows


@pytest.mark.parametrize("metric", METRICS)
def test_a_stated_half_is_half(metric):
    """A wider interval than stated would pass the test above: this one fails then."""
    random = np.random.default_rng(4)
    p = random.dirichlet([1, 1, 1], 500)
    score = distorted(p)
    found = estimate_multiclass(metric, score, p, confidence=0.5)
    inside = [found.low <= known(metric, drawn(random, p), score) <= found.high for _ in range(300)]
    assert np.mean(inside) == pytest.approx(0.5, abs=0.1)


def test_concept_drift_is_not_seen():
    random = np.random.default_rng(5)
    p = random.dirichlet([0.5, 0.5, 0.5], 3000)
    found = estimate_multiclass("f1", p, p)
    turned = drawn(random, np.roll(p, 1, axis=1))
    assert found.low > 0.65
    assert known("f1", turned, p) < 0.3


@pytest.mark.parametrize("metric", METRICS)
def test_nothing_one_row_and_rows_that_are_not_numbers(metric):
    empty = np.empty((0, 3))
    assert estimate_multiclass(metric, empty, empty).verdict is Verdict.INCONCLUSIVE
    none = estimate_multiclass(metric, np.full((2, 3), np.nan), np.full((2, 3), np.inf))
    assert (none.verdict, none.skipped, none.rows) == (Verdict.INCONCLUSIVE, 2, 0)
    for row in ([0.2, 0.3, 0.5], [0.0, 0.0, 1.0]):
        one = estimate_multiclass(metric, [row], [row])
        assert one.verdict in (Verdict.PASS, Verdict.INCONCLUSIVE)
    random = np.random.default_rng(6)
    p = random.dirichlet([1, 1, 1], 100)
    clean = estimate_multiclass(metric, p, p)
    messy, scored = np.vstack([p, [[0.5, 0.5, 0.0]]]), np.vstack([p, [[0.5, np.nan, 0.1]]])
    found = estimate_multiclass(metric, scored, messy)
    assert (found.estimate, found.low, found.skipped) == (clean.estimate, clean.low, 1)


@pytest.mark.parametrize("metric", ["accuracy", "precision", "recall", "f1", "roc_auc"])
def test_constant_and_huge_scores_and_a_class_never_predicted(metric):
    p = np.full((90, 3), 1 / 3)
    constant = estimate_multiclass(metric, np.zeros((90, 3)), p)
    expected = {"precision": 1 / 9, "f1": 1 / 6, "roc_auc": 0.5}.get(metric, 1 / 3)
    assert constant.estimate == pytest.approx(expected)
    huge = np.tile([[1.7e308, -1.7e308, 0.0], [0.0, 1e308, -1e308]], (45, 1))
    assert estimate_multiclass(metric, huge, p).verdict is Verdict.PASS


@pytest.mark.parametrize("metric", ["recall", "f1", "roc_auc"])
def test_a_class_that_is_hardly_there_gives_no_interval(metric):
    p = np.tile([0.595, 0.4, 0.005], (200, 1))
    found = estimate_multiclass(metric, p, p)
    assert (found.verdict, found.low) == (Verdict.INCONCLUSIVE, None)
    assert found.estimate is not None
    absent = np.tile([0.6, 0.4, 0.0], (200, 1))
    none = estimate_multiclass(metric, absent, absent)
    assert (none.verdict, none.estimate) == (Verdict.INCONCLUSIVE, None)


def test_what_is_no_probability_is_an_error():
    good = [[0.2, 0.8]]
    assert estimate_multiclass("f1", good, [[-0.2, 1.2]]).verdict is Verdict.ERROR
    assert "miss 1 by 0.1" in estimate_multiclass("f1", good, [[0.2, 0.7]]).reason
    assert estimate_multiclass("log_loss", [[-1.0, 2.0]], good).verdict is Verdict.ERROR


def test_impossible_arguments_are_refused():
    p = [[0.5, 0.5]]
    for wrong in (("gain", p, p, 0.9), ("f1", p, p, 1.0), ("f1", [0.5], [0.5], 0.9)):
        with pytest.raises(ValueError):
            estimate_multiclass(*wrong[:3], confidence=wrong[3])
    with pytest.raises(ValueError):
        estimate_multiclass("f1", [[1.0]], [[1.0]])
