from functools import partial

import numpy as np
import pytest
from scipy.stats import norm

from homeostat.domain.verdict import Verdict
from homeostat.stats.detect.page_hinkley import PageHinkley, bennett_exponent

from .measured import SOURCES, delays, false_alarms, most


@pytest.mark.parametrize("source", SOURCES)
def test_the_stated_rate_holds(source):
    assert false_alarms(PageHinkley, source, trials=100) <= most(0.05, 100)


def test_the_rate_is_not_idle():
    make = partial(PageHinkley, error_rate=0.9999, horizon=500, warm_up=50)
    assert false_alarms(make, "errors at 0.2") > 0.2


def test_a_doubled_error_rate_is_found():
    found = delays(PageHinkley, 0.1, 0.2)
    assert (found > 0).all()
    assert 150 <= np.median(found) <= 350
    assert np.isfinite(found).mean() >= 0.9


def test_a_rise_of_heavy_tailed_values_is_found_whatever_their_unit():
    random = np.random.default_rng(1)
    values = random.standard_t(3, size=4000) + np.repeat([0.0, 1.5], 2000)
    found, scaled = PageHinkley(), PageHinkley()
    found.update_many(values)
    scaled.update_many(1e6 * values + 1e7)
    assert 2000 < found._change.rows < 2400
    assert scaled._change.rows == found._change.rows
    assert found._change.after == pytest.approx(1.5, abs=0.5)


def test_down_is_up_turned_round():
    values = np.random.default_rng(2).normal(size=3000) - np.repeat([0.0, 1.0], [2000, 1000])
    down, up = PageHinkley(direction="down"), PageHinkley()
    down.update_many(values)
    up.update_many(values)
    assert down.result.verdict is Verdict.FAIL
    assert down._change.after == pytest.approx(-1, abs=0.3)
    assert up.result.verdict is Verdict.PASS


def test_one_huge_value_neither_alarms_nor_silences():
    random = np.random.default_rng(3)
    for huge in (1e308, -1e308):
        found = PageHinkley()
        found.update_many(random.normal(size=1000))
        found.update(huge)
        found.update_many(random.normal(size=1000))
        assert found.result.verdict is Verdict.PASS
        found.update_many(random.normal(1, 1, size=500))
        assert found.result.verdict is Verdict.FAIL


def test_after_a_constant_warm_up_rare_errors_pass_and_many_do_not():
    found = PageHinkley()
    found.update_many(np.zeros(500))
    found.update_many(np.random.default_rng(4).random(5000) < 0.005)
    assert found.result.verdict is Verdict.PASS
    found.update_many(np.random.default_rng(5).random(500) < 0.2)
    assert found.result.verdict is Verdict.FAIL


@pytest.mark.parametrize("allowance", [0.05, 0.15, 0.5])
@pytest.mark.parametrize("clip", [3.0, 10.0])
def test_the_exponent_makes_the_expectation_1_at_most(allowance, clip):
    exponent = bennett_exponent(allowance, clip)

    def expectation(values, weights):
        assert np.average(values, weights=weights) == pytest.approx(0, abs=1e-9)
        return np.average(
            np.exp(exponent * (np.minimum(values, clip) - allowance)), weights=weights
        )

    for rate in (0.01, 0.1, 0.5):
        spread = (rate * (1 - rate)) ** 0.5
        two = np.array([(1 - rate) / spread, -rate / spread])
        assert expectation(two, [rate, 1 - rate]) <= 1
    grid = norm.ppf((np.arange(10_000) + 0.5) / 10_000)
    assert expectation(grid, np.ones(10_000)) <= 1
    # the extreme distribution: the bound itself
    heavy = 1 / (1 + clip**2)
    assert expectation(np.array([clip, -1 / clip]), [heavy, 1 - heavy]) <= 1 + 1e-9


@pytest.mark.parametrize(
    "wrong",
    [{"warm_up": 29}, {"allowance": 0.0}, {"allowance": np.nan}, {"direction": "both"}],
    ids=str,
)
def test_impossible_parameters_are_refused(wrong):
    with pytest.raises(ValueError):
        PageHinkley(**wrong)


def test_it_passes_only_once_the_clearest_change_could_have_been_found():
    found = PageHinkley()
    warm_up = np.random.default_rng(1).normal(size=500)
    found.update_many(warm_up)
    while found.result.verdict is not Verdict.PASS:
        assert found.result.verdict is Verdict.INCONCLUSIVE
        found.update(float(warm_up.mean()))
    assert 505 < found.result.rows < 550
    clear = PageHinkley()
    clear.update_many(warm_up)
    clear.update_many(np.full(found.result.rows - 500 - 1, 1e9))
    assert clear.result.verdict is Verdict.INCONCLUSIVE
    clear.update_many([1e9] * 10)
    assert clear.result.verdict is Verdict.FAIL
