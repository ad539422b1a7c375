import math

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from homeostat.domain.verdict import Verdict
from homeostat.stats.drift.reconstruction import Components, reconstruction_drift

LOADINGS = np.random.default_rng(0).normal(size=(3, 6))


def rows_of(random, rows, loadings=LOADINGS):
    """Rows of columns that go together, and a little noise of each."""
    features = loadings.shape[1]
    return random.normal(size=(rows, 3)) @ loadings + random.normal(size=(rows, features))


def bounded(rate, trials):
    """``rate`` and three standard deviations of the simulation."""
    return rate + 3 * math.sqrt(rate * (1 - rate) / trials)


@pytest.mark.parametrize(("share", "number"), [(0.65, None), (0.9, None), (0.65, 2)])
def test_it_agrees_with_scikit_learn(share, number):
    random = np.random.default_rng(1)
    fitted, others = rows_of(random, 400) * [1, 5, 1e-3, 1, 1e4, 1], rows_of(random, 50)
    found = Components.fit(fitted, share=share, number=number)
    scaler = StandardScaler().fit(fitted)
    pca = PCA(number or share, svd_solver="full").fit(scaler.transform(fitted))
    assert found.axes.shape[1] == pca.n_components_
    standard = scaler.transform(others)
    rebuilt = pca.inverse_transform(pca.transform(standard))
    assert found.error(others) == pytest.approx(np.linalg.norm(standard - rebuilt, axis=1))


def test_the_order_of_rows_and_of_columns_does_not_matter():
    random = np.random.default_rng(2)
    fitted, others = rows_of(random, 300), rows_of(random, 40)
    expected = Components.fit(fitted).error(others)
    assert Components.fit(random.permutation(fitted)).error(others) == pytest.approx(expected)
    order = random.permutation(6)
    assert Components.fit(fitted[:, order]).error(others[:, order]) == pytest.approx(expected)


def alarms(
    trials,
    seed,
    *,
    features=6,
    size=50,
    windows=10,
    apart=True,
    share=0.65,
    change=lambda rows: rows,
):
    """How often a window fails; the components are fitted on other rows when ``apart``."""
    random, failed = np.random.default_rng(seed), 0
    loadings = random.normal(size=(3, features))
    for _ in range(trials):
        reference = rows_of(random, size * windows, loadings)
        fitted = Components.fit(rows_of(random, 500, loadings) if apart else reference, share=share)
        window = change(rows_of(random, size, loadings))
        failed += reconstruction_drift(fitted, reference, window).verdict is Verdict.FAIL
    return failed / trials


@pytest.mark.parametrize(("size", "windows"), [(20, 30), (50, 10)])
def test_the_false_alarm_rate_is_the_stated_one(size, windows):
    assert 0.02 < alarms(1500, 3, size=size, windows=windows) <= bounded(0.05, 1500)


def test_rows_the_components_were_fitted_on_are_no_reference():
    many = {"features": 40, "size": 20, "share": 0.9}
    assert alarms(60, 4, **many, apart=False) > 0.9
    assert alarms(200, 4, **many) <= bounded(0.05, 200)


def test_it_sees_columns_that_no_longer_go_together():
    sign = np.array([-1, 1, 1, 1, 1, 1])
    assert alarms(200, 1, size=100, windows=20, change=lambda rows: rows * sign) > 0.8


def test_dependence_within_windows_does_not_alarm():
    random, trials, failed = np.random.default_rng(6), 400, 0
    for _ in range(trials):
        level = np.repeat(np.exp(0.5 * random.normal(size=105)), 20)[:, None]  # per 20 rows
        rows = rows_of(random, 2100) * level
        fitted = Components.fit(rows_of(random, 500))
        found = reconstruction_drift(fitted, rows[:2000], rows[2000:])
        failed += found.verdict is Verdict.FAIL
    assert failed / trials <= bounded(0.05, trials)


def test_a_move_along_the_components_is_not_seen():
    random = np.random.default_rng(7)
    fitted = Components.fit(rows_of(random, 1000))
    reference, window = rows_of(random, 1000), rows_of(random, 50)
    along = 9 * fitted.scale * fitted.axes[:, 0]
    found = reconstruction_drift(fitted, reference, window)
    moved = reconstruction_drift(fitted, reference, window + along)
    assert moved.p_value == pytest.approx(found.p_value)


def test_missing_values_stand_at_the_mean_and_empty_rows_are_skipped():
    random = np.random.default_rng(8)
    matrix = rows_of(random, 800)
    fitted = Components.fit(matrix)
    row = matrix[:1].copy()
    row[0, 2] = np.nan
    filled = row.copy()
    filled[0, 2] = fitted.mean[2]
    assert fitted.error(row) == pytest.approx(fitted.error(filled))
    window, empty = rows_of(random, 30), np.full((9, 6), np.nan)
    clean = reconstruction_drift(fitted, matrix, window)
    empty[0] = np.inf
    dirty = reconstruction_drift(fitted, np.vstack([empty, matrix]), np.vstack([window, empty]))
    assert (dirty.p_value, dirty.rows, dirty.skipped) == (clean.p_value, 830, 18)


def test_fitting_leaves_missing_values_out():
    random = np.random.default_rng(9)
    matrix = rows_of(random, 500) + 7
    matrix[random.random(matrix.shape) < 0.2] = np.nan
    found = Components.fit(matrix)
    assert found.mean == pytest.approx(np.nanmean(matrix, axis=0))
    assert found.scale == pytest.approx(np.nanstd(matrix, axis=0))


def test_columns_that_do_not_vary_are_dropped():
    random = np.random.default_rng(10)
    matrix = rows_of(random, 300)
    wide = np.insert(matrix, [0, 3], [[0.1, np.nan]], axis=1)
    found = Components.fit(wide)
    assert found.columns.tolist() == [1, 2, 3, 5, 6, 7]
    assert found.error(wide) == pytest.approx(Components.fit(matrix).error(matrix))


def test_one_component_fewer_than_columns_is_kept_at_most():
    matrix = rows_of(np.random.default_rng(11), 300)
    assert Components.fit(matrix, number=99).axes.shape == (6, 5)
    assert Components.fit(matrix, share=1.0).axes.shape == (6, 5)
    alone = Components.fit(matrix[:, :1])
    assert alone.axes.shape == (1, 0)
    standard = (matrix[:, 0] - matrix[:, 0].mean()) / matrix[:, 0].std()
    assert alone.error(matrix[:, :1]) == pytest.approx(np.abs(standard))


@pytest.mark.parametrize(
    "matrix", [np.empty((0, 3)), np.ones((1, 3)), np.full((9, 3), np.nan), np.ones((9, 3))]
)
def test_nothing_that_varies_gives_no_answer(matrix):
    fitted = Components.fit(matrix)
    assert fitted.columns.size == 0
    rows = np.random.default_rng(12).normal(size=(500, 3))
    assert np.isnan(fitted.error(rows)).all()
    assert reconstruction_drift(fitted, rows, rows[:20]).verdict is Verdict.INCONCLUSIVE
    assert Components.fit(np.empty((5, 0))).error(np.empty((5, 0))).shape == (5,)


@pytest.mark.parametrize(("reference", "window"), [(0, 0), (900, 0), (900, 1), (900, 19), (99, 20)])
def test_too_few_rows_are_inconclusive(reference, window):
    rows = rows_of(np.random.default_rng(13), 1000)
    found = reconstruction_drift(Components.fit(rows), rows[:reference], rows[1000 - window :])
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.reason


def test_huge_values_are_seen_and_no_crash():
    random = np.random.default_rng(14)
    rows, window = rows_of(random, 900), rows_of(random, 30)
    window[:, 1] = 1e308
    found = reconstruction_drift(Components.fit(rows), rows, window)
    assert found.verdict is Verdict.FAIL
    assert np.isfinite([found.estimate, found.low, found.high]).all()
    extreme = random.choice([-1.7e308, 1.7e308], size=(300, 4))
    assert np.isfinite(Components.fit(extreme).error(extreme)).all()


def test_rows_that_are_all_alike_have_one_error():
    fitted = Components.fit(rows_of(np.random.default_rng(15), 100))
    same = np.full((400, 6), 0.3)
    assert reconstruction_drift(fitted, same, same[:20]).verdict is Verdict.PASS
    other = same[:20] * [1, 1, 1, 1, 1, 9]
    assert reconstruction_drift(fitted, same, other).verdict is Verdict.FAIL


def test_what_cannot_be_is_refused():
    rows = np.zeros((9, 3))
    fitted = Components.fit(rows)
    for call in (
        lambda: Components.fit(rows, share=0.0),
        lambda: Components.fit(rows, share=1.1),
        lambda: Components.fit(rows, number=0),
        lambda: Components.fit([1.0, 2.0]),
        lambda: fitted.error(np.zeros((9, 2))),
        lambda: reconstruction_drift(fitted, rows, rows, alpha=0.0),
        lambda: reconstruction_drift(fitted, rows, np.zeros((9, 4))),
    ):
        with pytest.raises(ValueError):
            call()
