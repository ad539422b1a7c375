from functools import partial

import numpy as np
import pytest
from scipy.stats import beta

from homeostat.domain.verdict import Verdict
from homeostat.stats.detect.cusum import Cusum, upper_limit

from .measured import SOURCES, delays, false_alarms, most

KNOWN = {"errors at 0.01": 0.01, "errors at 0.2": 0.2, "errors at 0.5": 0.5, "Student t 3": 0.0}


@pytest.mark.parametrize("source", SOURCES)
def test_the_stated_rate_holds(source):
    bounds = {"lowest": -5, "highest": 5} if source.startswith("Student") else {}
    assert false_alarms(partial(Cusum, **bounds), source, trials=100) <= most(0.05, 100)
    known = partial(Cusum, baseline=KNOWN[source], **bounds)
    assert false_alarms(known, source, trials=100) <= most(0.05, 100)


def test_the_rate_of_a_known_baseline_is_not_idle():
    make = partial(Cusum, baseline=0.2, error_rate=0.999, horizon=100)
    assert false_alarms(make, "errors at 0.2", trials=200) > 0.3


def test_a_doubled_error_rate_is_found():
    found = delays(Cusum, 0.1, 0.2)
    assert (found > 0).all()
    assert 300 <= np.median(found) <= 700
    known = delays(partial(Cusum, baseline=0.1), 0.1, 0.2)
    assert (known > 0).all()
    assert 150 <= np.median(known) <= 300


def test_for_errors_it_is_pages_sum_of_likelihood_ratios():
    values = np.random.default_rng(1).random(1500) < 0.1
    found = Cusum(baseline=0.1)
    found.update_many(values)
    risen = 0.2 / 1.1  # odds 2 / 9
    steps = np.where(values, np.log(risen / 0.1), np.log((1 - risen) / 0.9))
    walk = np.concatenate([[0.0], np.cumsum(steps)])
    assert found._sum == pytest.approx(walk[-1] - walk.min())


def test_down_is_up_turned_round():
    values = (np.random.default_rng(2).random(4000) < np.repeat([0.6, 0.3], 2000)) * 1.0
    down, up = Cusum(direction="down"), Cusum()
    down.update_many(values)
    up.update_many(1 - values)
    assert down._change.rows == up._change.rows
    assert down._change.before == pytest.approx(1 - up._change.before)
    level = Cusum(direction="down", lowest=-4, highest=4)
    level.update_many(8 * values - 4)
    assert level._change.rows == down._change.rows
    assert level._change.after == pytest.approx(8 * down._change.after - 4)
    silent = Cusum()
    silent.update_many(values)
    assert silent.result.verdict is Verdict.PASS


@pytest.mark.parametrize(("errors", "rows"), [(0, 50), (3, 100), (50, 100), (99, 100)])
def test_the_upper_limit_is_above_the_exact_one_and_not_by_much(errors, rows):
    exact = beta.ppf(0.975, errors + 1, rows - errors)  # Clopper & Pearson
    limit = upper_limit(errors / rows, rows, 0.025)
    assert exact - 1e-12 <= limit <= exact + 0.05


def test_a_warm_up_without_errors_does_not_alarm_at_the_first():
    found = Cusum()
    found.update_many(np.zeros(1000))
    found.update_many(np.random.default_rng(3).random(5000) < 0.002)
    assert found.result.verdict is Verdict.PASS
    found.update_many(np.ones(60))
    assert found.result.verdict is Verdict.FAIL


def test_a_warm_up_of_errors_only_never_alarms():
    found = Cusum(warm_up=50)
    found.update_many(np.ones(50))
    found.update_many(np.random.default_rng(4).random(500) < 0.5)
    assert found.result.verdict is Verdict.PASS


@pytest.mark.parametrize(
    "wrong",
    [
        {"warm_up": 0},
        {"odds_ratio": 1.0},
        {"odds_ratio": np.nan},
        {"baseline": 0.0},
        {"baseline": np.nan},
        {"direction": "both"},
        {"lowest": 2.0},
    ],
    ids=str,
)
def test_impossible_parameters_are_refused(wrong):
    with pytest.raises(ValueError):
        Cusum(**wrong)


@pytest.mark.parametrize("baseline", [None, 0.1])
def test_it_passes_only_once_the_clearest_change_would_have_been_found(baseline):
    warm_up = np.tile([1.0] + [0.0] * 9, 100 if baseline is None else 0)
    quiet, loud = (Cusum(baseline=baseline) for _ in range(2))
    for found in (quiet, loud):
        found.update_many(warm_up)
    while loud.result.verdict is not Verdict.FAIL:
        assert quiet.result.verdict is Verdict.INCONCLUSIVE
        quiet.update(0.0)
        loud.update(1.0)
    assert quiet.result.verdict is Verdict.PASS
    assert 3 < quiet.result.rows - warm_up.size < 50
