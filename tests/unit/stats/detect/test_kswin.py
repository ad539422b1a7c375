from functools import partial

import numpy as np
import pytest
from scipy.stats import ks_2samp

from homeostat.domain.verdict import Verdict
from homeostat.stats.detect.first_alarm import first_alarm
from homeostat.stats.detect.kswin import Kswin, distance_threshold, largest_distance, reached

from .measured import SOURCES, false_alarms, most


@pytest.mark.parametrize("source", SOURCES)
def test_the_stated_rate_holds(source):
    assert false_alarms(Kswin, source, trials=100) <= most(0.05, 100)


def test_looks_that_do_not_overlap_meet_their_share_of_the_rate():
    # one look of two parts of 50: the rate is exact but for the steps of the distance
    make = partial(Kswin, error_rate=0.2, horizon=100, window=100, recent=50)
    random = np.random.default_rng(1)
    alarms, trials = 0, 2000
    for _ in range(trials):
        found = make()
        found.update_many(random.normal(size=100))
        alarms += found.result.verdict is Verdict.FAIL
    exact = reached(50, 50, make().threshold)
    assert 0.1 < exact <= 0.2
    assert abs(alarms / trials - exact) <= 3 * (exact * (1 - exact) / trials) ** 0.5


@pytest.mark.parametrize(("first", "second"), [(1, 1), (4, 4), (7, 3), (50, 30), (300, 100)])
def test_distance_and_probability_are_those_of_scipy(first, second):
    random = np.random.default_rng(first)
    for shift in (0.0, 0.3, 1.0):
        one, other = random.normal(size=first), random.normal(shift, 1, size=second)
        expected = ks_2samp(one, other, method="exact")
        distance = largest_distance(one, other)
        assert distance / (first * second) == pytest.approx(expected.statistic)
        assert reached(first, second, distance) == pytest.approx(expected.pvalue, rel=1e-6)


def test_the_distance_with_ties_is_that_of_scipy():
    random = np.random.default_rng(2)
    one, other = random.integers(3, size=40) * 1.0, random.integers(4, size=25) * 1.0
    expected = ks_2samp(one, other, method="asymp").statistic
    assert largest_distance(one, other) / 1000 == pytest.approx(expected)


@pytest.mark.parametrize(("first", "second"), [(10, 10), (14, 6), (9, 4)])
@pytest.mark.parametrize("rate", [0.2, 0.01, 1e-9])
def test_the_threshold_is_the_smallest_distance_rare_enough(first, second, rate):
    threshold = distance_threshold(first, second, rate)
    chances = [reached(first, second, d) for d in range(first * second + 1)]
    rare = [d for d, chance in enumerate(chances) if chance <= rate]
    if rare:
        assert chances[min(threshold, first * second)] <= rate
        assert reached(first, second, threshold) == chances[rare[0]]
    else:
        assert threshold > first * second


def steps(random, rows, kind):
    return {"mean": random.normal(0.6, 1, size=rows), "spread": random.normal(0, 2.5, size=rows)}[
        kind
    ]


@pytest.mark.parametrize("kind", ["mean", "spread"])
def test_a_large_change_of_mean_or_spread_is_found(kind):
    found = []
    for seed in range(20):
        random = np.random.default_rng(seed)
        values = np.concatenate([random.normal(size=2000), steps(random, 1000, kind)])
        place = first_alarm(Kswin(), values)
        found.append(np.inf if place is None else place - 1999)
    assert min(found) > 0
    assert np.median(found) <= 350
    assert np.isfinite(found).mean() >= 0.9


def test_it_looks_when_the_window_is_full_and_after_each_stride():
    looks = []

    class Watched(Kswin):
        def _look(self, row):
            looks.append((row, list(self._values)))

    found = Watched(window=20, recent=5, stride=7, horizon=100)
    values = np.arange(60.0)
    for part in np.split(values, [3, 19, 20, 21, 40]):
        found.update_many(part)
    assert [row for row, _ in looks] == [20, 27, 34, 41, 48, 55]
    assert all(kept == list(values[row - 20 : row]) for row, kept in looks)


def test_the_memory_is_the_window():
    found = Kswin(window=50, recent=10)
    found.update_many(np.random.default_rng(3).random(5000))
    assert len(found._values) == 50


@pytest.mark.parametrize(
    "wrong", [{"recent": 1}, {"window": 599}, {"stride": 0}, {"recent": 10.5}], ids=str
)
def test_impossible_parameters_are_refused(wrong):
    with pytest.raises(ValueError):
        Kswin(**wrong)
