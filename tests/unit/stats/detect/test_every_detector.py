import numpy as np
import pytest

from homeostat.domain.verdict import Verdict
from homeostat.stats.detect.adwin import Adwin
from homeostat.stats.detect.cusum import Cusum
from homeostat.stats.detect.ddm import Ddm
from homeostat.stats.detect.eddm import Eddm
from homeostat.stats.detect.first_alarm import first_alarm
from homeostat.stats.detect.kswin import Kswin
from homeostat.stats.detect.page_hinkley import PageHinkley

EVERY = [Adwin, Cusum, Ddm, Eddm, Kswin, PageHinkley]
OF_NUMBERS = [Adwin, Cusum, Kswin, PageHinkley]
OF_ERRORS = [Ddm, Eddm]
NOT_FINITE = [np.nan, np.inf, -np.inf]


def changing(seed: int = 1) -> np.ndarray:
    random = np.random.default_rng(seed)
    return (random.random(6000) < np.repeat([0.05, 0.6], [3000, 3000])).astype(float)


@pytest.mark.parametrize("make", EVERY)
def test_a_large_change_is_found_after_it_and_stays_found_until_reset(make):
    values = changing()
    place = first_alarm(make(), values)
    assert 3000 <= place < 4500
    found = make()
    found.update_many(values[: place + 1])
    assert found.result.verdict is Verdict.FAIL
    assert f"after {place + 1} values" in found.result.reason
    found.update_many(values[:3000])
    assert (found.result.verdict, found.result.rows) == (Verdict.FAIL, place + 3001)
    found.reset()
    assert (found.result.verdict, found.result.rows) == (Verdict.INCONCLUSIVE, 0)
    assert found.result == make().result
    assert first_alarm(found, values) == place


@pytest.mark.parametrize("make", EVERY)
def test_one_value_at_a_time_or_many_is_the_same(make):
    values = changing(2)
    values[[5, 700, 3100]] = NOT_FINITE
    one, many = make(), make()
    for start in range(0, 4000, 333):
        for value in values[start : start + 333]:
            one.update(value)
        many.update_many(values[start : start + 333])
        assert one.result == many.result
    assert many.result.verdict is Verdict.FAIL


@pytest.mark.parametrize("make", EVERY)
@pytest.mark.parametrize("rows", [10, 2900])
def test_values_that_are_not_finite_change_nothing_but_their_count(make, rows):
    values = changing(3)
    clean, dirty = make(), make()
    clean.update_many(values)
    dirty.update_many(values[:rows])
    dirty.update_many(NOT_FINITE * 200)
    for value in NOT_FINITE:
        dirty.update(value)
    dirty.update_many(values[rows:])
    assert (clean.result.skipped, dirty.result.skipped) == (0, 603)
    assert dirty.result.reason == clean.result.reason
    assert dirty.result.verdict is Verdict.FAIL
    assert (dirty.result.rows, dirty.result.estimate) == (6000, clean.result.estimate)


@pytest.mark.parametrize("make", EVERY)
@pytest.mark.parametrize(
    "values", [[], [1.0], [np.nan] * 5000, NOT_FINITE], ids=["none", "one", "all NaN", "infinite"]
)
def test_too_little_is_inconclusive(make, values):
    found = make()
    found.update_many(values)
    result = found.result
    assert result.verdict is Verdict.INCONCLUSIVE
    assert result.rows + result.skipped == len(values)
    assert result.reason
    assert result.error_rate == 0.05


@pytest.mark.parametrize("make", EVERY)
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_constant_stream_does_not_alarm(make, value):
    found = make()
    found.update_many(np.full(10_000, value))
    assert found.result.verdict in (Verdict.PASS, Verdict.INCONCLUSIVE)
    assert found.result.estimate == value


@pytest.mark.parametrize("make", OF_NUMBERS)
@pytest.mark.parametrize("size", [1e-300, 1.0, 1e308])
def test_numbers_of_any_size_neither_crash_nor_alarm(make, size):
    found = make()
    with np.errstate(all="raise", under="ignore"):
        found.update_many(np.random.default_rng(4).choice([-size, 0.0, size], size=5000))
    assert found.result.verdict is Verdict.PASS
    assert np.isfinite(found.result.estimate)


@pytest.mark.parametrize("make", OF_ERRORS)
def test_what_is_neither_0_nor_1_is_an_error_that_does_not_hide_a_change(make):
    values = changing(5)
    found = make()
    found.update(0.5)
    found.update_many([2.0, -1.0])
    found.update_many(values[:100])
    assert (found.result.verdict, found.result.skipped) == (Verdict.ERROR, 3)
    assert "3 values" in found.result.reason
    found.update_many(values[100:])
    assert found.result.verdict is Verdict.FAIL


@pytest.mark.parametrize("make", EVERY)
def test_beyond_the_horizon_the_reason_says_so(make):
    found = make(horizon=5000)
    found.update_many(changing(6)[:3000])
    assert "5000" not in found.result.reason
    found.update_many(changing(7)[:3000])
    assert "the first 5000 values" in found.result.reason


@pytest.mark.parametrize("make", EVERY)
@pytest.mark.parametrize(
    "wrong",
    [
        {"error_rate": 0.0},
        {"error_rate": 1.0},
        {"error_rate": np.nan},
        {"horizon": 0},
        {"horizon": np.inf},
    ],
    ids=str,
)
def test_an_impossible_rate_or_horizon_is_refused(make, wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        make(**wrong)


@pytest.mark.parametrize("make", EVERY)
def test_a_table_is_not_a_stream(make):
    with pytest.raises(ValueError, match="one dimension"):
        make().update_many(np.zeros((2, 2)))
