import numpy as np
import pytest

from homeostat.domain.verdict import Verdict
from homeostat.stats.detect.eddm import Eddm

from .measured import SOURCES, delays, false_alarms, most

ERRORS = [source for source in SOURCES if source.startswith("errors")]


def largest(rate: float, horizon: int, streams: int, seed: int) -> np.ndarray:
    """The largest (1 - ratio) * sqrt(n) of each stream, written down anew."""
    random = np.random.default_rng(seed)
    total, squares, top = np.zeros(streams), np.zeros(streams), np.zeros(streams)
    then, found = np.ones(streams), np.zeros(streams)
    for errors in range(1, int(1.2 * horizon * rate) + 100):
        distance = random.geometric(rate, size=streams).astype(float)
        total += distance
        squares += distance**2
        if errors < 30:
            continue
        mean = total / errors
        reach = mean + 2 * np.sqrt(np.maximum(squares / errors - mean**2, 0))
        then = np.where(reach > top, errors, then)
        top = np.maximum(reach, top)
        away = (1 - reach / top) * np.sqrt(then)
        found = np.where(total <= horizon, np.maximum(found, away), found)
    return found


@pytest.mark.parametrize("source", ERRORS)
def test_the_stated_rate_holds(source):
    assert false_alarms(Eddm, source, trials=200) <= most(0.05, 200)


@pytest.mark.parametrize(
    ("rate", "horizon", "streams"),
    [(0.02, 50_000, 2000), (0.2, 20_000, 2000), (0.2, 1000, 4000), (0.5, 5000, 2000)],
)
def test_the_multiplier_is_above_the_quantile_that_it_was_read_from(rate, horizon, streams):
    found = largest(rate, horizon, streams, seed=horizon)
    for error_rate in (0.1, 0.05, 0.01):
        multiplier = Eddm(error_rate=error_rate).multiplier
        assert (found > multiplier).mean() <= most(error_rate, streams)
    if horizon == 20_000:  # near the worst: the line is not far above
        assert (found > Eddm(error_rate=0.1).multiplier).mean() > 0.02


def test_the_papers_fixed_limit_would_alarm_far_more_often():
    random = np.random.default_rng(1)
    distances = random.geometric(0.1, size=(200, 1000)).astype(float)
    count = np.arange(1, 1001)
    mean = np.cumsum(distances, axis=1) / count
    spread = np.sqrt(np.maximum(np.cumsum(distances**2, axis=1) / count - mean**2, 0))
    reach = (mean + 2 * spread)[:, 30:]
    ratio = reach / np.maximum.accumulate(reach, axis=1)
    assert (ratio.min(axis=1) < 0.9).mean() > 0.5


def test_a_doubled_error_rate_is_found():
    found = delays(Eddm, 0.1, 0.2)
    assert (found > 0).all()
    assert np.isfinite(found).mean() >= 0.75  # some are absorbed by the means
    assert 200 <= np.median(found) <= 1200


def test_the_mean_distance_is_the_rows_over_the_errors():
    random = np.random.default_rng(2)
    values = (random.random(2000) < 0.1) * 1.0
    places = np.flatnonzero(values) + 1
    distances = np.diff(places, prepend=0)
    found = Eddm()
    found.update_many(values)
    assert found._errors == distances.size
    assert found._squares == (distances**2).sum()
    count = np.arange(1, distances.size + 1)
    mean = np.cumsum(distances) / count
    reach = mean + 2 * np.sqrt(np.cumsum(distances**2) / count - mean**2)
    assert found._largest == pytest.approx(reach[29:].max())


def test_errors_at_every_value_do_not_alarm_and_without_errors_it_waits():
    found = Eddm()
    found.update_many(np.zeros(5000))
    assert found.result.verdict is Verdict.INCONCLUSIVE
    assert "0 errors" in found.result.reason
    found = Eddm()
    found.update_many(np.ones(5000))
    assert found.result.verdict is Verdict.PASS


def test_fewer_errors_than_measured_are_refused():
    with pytest.raises(ValueError, match="min_errors"):
        Eddm(min_errors=29)
