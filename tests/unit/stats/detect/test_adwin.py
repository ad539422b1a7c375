from functools import partial
from math import exp, log

import numpy as np
import pytest

from homeostat.domain.verdict import Verdict
from homeostat.stats.detect.adwin import Adwin, cut_threshold, fit

from .measured import SOURCES, delays, false_alarms, most


@pytest.mark.parametrize("source", SOURCES)
def test_the_stated_rate_holds(source):
    make = partial(Adwin, lowest=-5, highest=5) if source.startswith("Student") else Adwin
    assert false_alarms(make, source, trials=60) <= most(0.05, 60)


def test_the_bound_on_one_cut_holds_and_is_not_idle():
    random = np.random.default_rng(1)
    rows, first = 400, 150
    for mean in (0.02, 0.3):
        before = random.binomial(first, mean, size=200_000).astype(float)
        after = random.binomial(rows - first, mean, size=200_000).astype(float)
        ones = np.ones_like(before)
        apart = fit(before, first * ones) + fit(after, (rows - first) * ones)
        ratio = apart - fit(before + after, rows * ones)
        for x in (3.0, 5.0, 7.0):
            assert (ratio >= x).mean() <= (2 * x + 6) * exp(-x)
    assert (ratio >= 3.0).mean() > 0.001


def test_a_doubled_error_rate_is_found():
    found = delays(Adwin, 0.1, 0.2)
    assert (found > 0).all()
    assert 200 <= np.median(found) <= 600
    assert np.isfinite(found).all()


def test_a_fall_is_found_and_the_levels_are_those_around_the_change():
    found = Adwin(lowest=-10, highest=10)
    random = np.random.default_rng(2)
    found.update_many(random.normal(4, 1, size=2000))
    assert found.result.verdict is Verdict.PASS
    assert found.result.estimate == pytest.approx(4, abs=0.4)
    found.update_many(random.normal(-4, 1, size=500))
    change = found._change
    assert 2000 < change.rows <= 2200
    assert (change.before, change.after) == (
        pytest.approx(4, abs=0.2),
        pytest.approx(-4, abs=2),
    )


def test_the_histogram_keeps_all_sums_in_little_memory():
    found = Adwin(error_rate=1e-9)
    values = np.random.default_rng(3).random(32 * 5000)
    found.update_many(values)
    assert sum(len(level) for level in found._levels) <= 60
    assert sum(sum(level) for level in found._levels) == pytest.approx(values.sum())
    sizes = sum(len(level) << number for number, level in enumerate(found._levels))
    assert sizes == 5000


def test_values_beyond_the_bounds_count_as_the_bounds():
    inside, beyond = Adwin(), Adwin()
    values = (np.random.default_rng(4).random(900) < np.repeat([0.1, 0.8], [600, 300])) * 1.0
    inside.update_many(values)
    beyond.update_many(values * 5e300)
    assert beyond._change == inside._change is not None


def test_the_threshold_solves_its_equation_and_counts_every_border():
    x = cut_threshold(0.05, 312, 5)
    found, borders = Adwin(), 0
    for _ in range(312):
        found._push(0.0)
        borders += sum(len(level) for level in found._levels) - 1
    assert borders <= 0.05 / ((2 * x + 6) * exp(-x)) * (1 + 1e-9)
    assert x > log(borders / 0.05)


@pytest.mark.parametrize(
    "wrong",
    [{"block": 0}, {"per_level": 1}, {"lowest": 1.0}, {"highest": np.inf}, {"lowest": np.nan}],
    ids=str,
)
def test_impossible_parameters_are_refused(wrong):
    with pytest.raises(ValueError):
        Adwin(**wrong)
