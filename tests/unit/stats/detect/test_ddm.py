import numpy as np
import pytest

from homeostat.domain.verdict import Verdict
from homeostat.stats.detect.ddm import Ddm

from .measured import SOURCES, delays, false_alarms, most

ERRORS = [source for source in SOURCES if source.startswith("errors")]


def largest(rate: float, horizon: int, streams: int, seed: int) -> np.ndarray:
    """The largest (p + s - p_min) / s_min of each stream, written down anew."""
    random = np.random.default_rng(seed)
    errors, lowest, found = np.zeros(streams), np.full(streams, np.inf), np.zeros(streams)
    share_then, spread_then = np.zeros(streams), np.ones(streams)
    for row in range(1, horizon + 1):
        errors += random.random(streams) < rate
        share = errors / row
        spread = np.sqrt(share * (1 - share) / row)
        ready = (errors >= 30) & (spread > 0)
        new = ready & (share + spread < lowest)
        lowest = np.where(new, share + spread, lowest)
        share_then = np.where(new, share, share_then)
        spread_then = np.where(new, spread, spread_then)
        away = np.where(ready, (share + spread - share_then) / spread_then, 0.0)
        found = np.maximum(found, away)
    return found


@pytest.mark.parametrize("source", ERRORS)
def test_the_stated_rate_holds(source):
    assert false_alarms(Ddm, source, trials=200) <= most(0.05, 200)


@pytest.mark.parametrize(
    ("rate", "horizon", "streams"),
    [(0.02, 20_000, 1000), (0.2, 10_000, 2000), (0.2, 1000, 4000), (0.5, 3000, 2000)],
)
def test_the_multiplier_is_above_the_quantile_that_it_was_read_from(rate, horizon, streams):
    found = largest(rate, horizon, streams, seed=horizon)
    for error_rate in (0.1, 0.05, 0.01):
        multiplier = Ddm(error_rate=error_rate).multiplier
        assert (found > multiplier).mean() <= most(error_rate, streams)
    if rate == 0.2:  # near the worst: the line is not far above
        assert (found > Ddm(error_rate=0.1).multiplier).mean() > 0.02


def test_it_alarms_exactly_where_the_rule_says():
    random = np.random.default_rng(1)
    for _ in range(20):
        values = (random.random(3000) < np.repeat([0.1, 0.2], [1500, 1500])) * 1.0
        rows = np.arange(1, 3001)
        share = np.cumsum(values) / rows
        spread = np.sqrt(share * (1 - share) / rows)
        total = np.where(np.cumsum(values) >= 30, share + spread, np.inf)
        found = Ddm()
        place = None
        for row in range(3000):
            if np.isfinite(total[row]):
                low = int(np.argmin(total[: row + 1]))
                if total[row] > share[low] + found.multiplier * spread[low]:
                    place = row + 1
                    break
        found.update_many(values)
        assert (found._change.rows if found._change else None) == place


def test_a_doubled_error_rate_is_found():
    found = delays(Ddm, 0.1, 0.2)
    assert (found > 0).all()
    assert np.isfinite(found).all()
    assert 200 <= np.median(found) <= 600


def test_a_first_error_after_many_right_answers_does_not_alarm():
    found = Ddm()
    found.update_many(np.zeros(5000))
    found.update_many(np.ones(20))
    assert found.result.verdict is Verdict.INCONCLUSIVE
    assert "20 errors" in found.result.reason
    found.update_many(np.ones(200))
    assert found.result.verdict is Verdict.FAIL
    assert found._change.after == 1.0


def test_fewer_errors_than_measured_are_refused():
    with pytest.raises(ValueError, match="min_errors"):
        Ddm(min_errors=29)
