import numpy as np
import pytest
from scipy.stats import t, ttest_1samp

from homeostat.domain.verdict import Verdict
from homeostat.stats.estimate.direct_loss import estimate_loss


def rows(random, count, bias=0.0):
    """Losses of a model whose error depends on a feature, and a model of the squared loss."""
    scale = random.uniform(0.5, 2.0, count)
    error = random.normal(size=count) * scale
    return scale**2 - bias, error**2


def test_it_is_the_prediction_interval_of_a_mean():
    random = np.random.default_rng(5)
    before, loss = rows(random, 400)
    window, _ = rows(random, 150)
    found = estimate_loss("mse", window, before, loss, confidence=0.9)
    error = loss - before
    reach = t.ppf(0.95, 399) * error.std(ddof=1) * np.sqrt(1 / 150 + 1 / 400)
    centre = window.mean() + error.mean()
    assert (found.low, found.high) == pytest.approx((centre - reach, centre + reach))
    assert found.p_value == pytest.approx(ttest_1samp(error, 0).pvalue)
    assert found.estimate == pytest.approx(window.mean())
    root = estimate_loss("rmse", window, before, loss, confidence=0.9)
    assert (root.estimate, root.low, root.high) == pytest.approx(
        tuple(np.sqrt([found.estimate, found.low, found.high]))
    )


@pytest.mark.parametrize(("metric", "bias"), [("mse", 0.0), ("rmse", 0.3), ("mse", 0.15)])
@pytest.mark.parametrize(("pairs", "count"), [(300, 3000), (3000, 300), (1000, 1000)])
def test_the_interval_holds_the_error_that_the_values_show(metric, bias, pairs, count):
    """Of a bias that is never, always and now and then found."""
    covered, trials = 0, 1200
    for seed in range(trials):
        random = np.random.default_rng(seed)
        before, loss = rows(random, pairs, bias)
        window, shown = rows(random, count, bias)
        value = shown.mean() if metric == "mse" else np.sqrt(shown.mean())
        found = estimate_loss(metric, window, before, loss)
        covered += found.low <= value <= found.high
    # Squared errors are skewed: one point of slack beside the error of the simulation.
    slack = 0.01 + 3 * np.sqrt(0.95 * 0.05 / trials)
    assert 0.95 - slack <= covered / trials <= 0.95 + slack


def test_few_rows_are_a_little_too_sure_as_stated():
    covered, trials = 0, 3000
    for seed in range(trials):
        random = np.random.default_rng(seed)
        before, loss = rows(random, 1000)
        window, shown = rows(random, 30)
        found = estimate_loss("mse", window, before, loss)
        covered += found.low <= shown.mean() <= found.high
    assert 0.91 <= covered / trials <= 0.96


def test_a_bias_is_corrected_and_found_at_the_stated_rate():
    false = 0
    for seed in range(1000):
        random = np.random.default_rng(seed)
        before, loss = rows(random, 500)
        false += estimate_loss("mse", before, before, loss).p_value < 0.05
    assert false / 1000 <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 1000)
    random = np.random.default_rng(2)
    before, loss = rows(random, 2000, bias=0.5)
    window, shown = rows(random, 2000, bias=0.5)
    found = estimate_loss("mse", window, before, loss)
    assert found.p_value < 1e-6
    assert "corrected for" in found.reason
    assert "not corrected" not in found.reason
    assert found.estimate == pytest.approx(window.mean() + 0.5, abs=0.15)
    assert abs(found.estimate - shown.mean()) < abs(window.mean() - shown.mean())


def test_it_sees_a_shift_of_the_features_but_no_concept_drift():
    random = np.random.default_rng(3)
    before, loss = rows(random, 3000)
    harder = np.full(2000, 4.0)
    shown = (random.normal(size=2000) * 2) ** 2
    found = estimate_loss("mse", harder, before, loss)
    assert found.estimate > 1.8 * loss.mean()
    assert found.low - 0.3 <= shown.mean() <= found.high + 0.3
    drifted = shown * 9
    assert drifted.mean() > 3 * found.high


def test_nothing_one_row_and_rows_that_are_not_numbers():
    random = np.random.default_rng(4)
    before, loss = rows(random, 200)
    assert estimate_loss("mae", [], before, loss).verdict is Verdict.INCONCLUSIVE
    nothing = estimate_loss("mae", [np.nan, np.inf], before, loss)
    assert (nothing.verdict, nothing.skipped, nothing.rows) == (Verdict.INCONCLUSIVE, 2, 0)
    assert estimate_loss("mae", [1.0], before, loss).verdict is Verdict.PASS
    few = estimate_loss("mae", [1.0, 3.0], [1.0], [2.0])
    assert (few.verdict, few.estimate, few.low) == (Verdict.INCONCLUSIVE, 2.0, None)
    assert estimate_loss("rmse", [4.0], [], []).estimate == 2.0
    clean = estimate_loss("mae", [1.0, 2.0], before, loss)
    messy = estimate_loss("mae", [1.0, np.nan, 2.0], [*before, np.nan, 1.0], [*loss, 1.0, np.inf])
    assert messy.skipped == 3
    assert (messy.estimate, messy.low, messy.high) == (clean.estimate, clean.low, clean.high)


def test_constant_negative_and_huge_losses():
    exact = estimate_loss("mae", np.full(10, 2.0), np.full(50, 2.0), np.full(50, 2.0))
    assert (exact.estimate, exact.low, exact.high, exact.p_value) == (2.0, 2.0, 2.0, 1.0)
    shifted = estimate_loss("mae", np.full(10, 2.0), np.full(50, 2.0), np.full(50, 3.0))
    assert (shifted.estimate, shifted.p_value) == (3.0, 0.0)
    below = estimate_loss("rmse", np.full(10, -2.0), np.full(50, 2.0), np.full(50, 2.0))
    assert (below.estimate, below.low, below.high) == (0.0, 0.0, 0.0)
    assert estimate_loss("mae", [1.0], [1.0], [-1.0]).verdict is Verdict.ERROR
    for huge in (np.full(50, 1.7e308), np.tile([0.0, 1.7e308], 25)):
        assert estimate_loss("mse", huge, huge, huge[::-1]).verdict is Verdict.INCONCLUSIVE


def test_impossible_arguments_are_refused():
    for wrong in ({"metric": "r2"}, {"confidence": 0.0}, {"predicted": [[1.0]]}):
        asked = {"metric": "mae", "predicted": [1.0], **wrong}
        with pytest.raises(ValueError):
            estimate_loss(**asked, reference_predicted=[1.0], reference_loss=[1.0])
    with pytest.raises(ValueError, match="pairs"):
        estimate_loss("mae", [1.0], [1.0], [1.0, 2.0])
