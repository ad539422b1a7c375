import numpy as np
import pytest

from homeostat.domain.verdict import Verdict
from homeostat.stats.compare.metric_interval import metric_interval


@pytest.mark.parametrize("metric", ["brier", "rmse", "r2", "mae"])
def test_what_is_larger_than_any_float_is_inconclusive(metric):
    random = np.random.default_rng(1)
    truth, prediction = random.random(200), random.random(200) * 1.7e308
    with np.errstate(all="ignore"):
        found = metric_interval(metric, truth, prediction, np.arange(200) // 5)
    assert (found.verdict, found.estimate, found.rows) == (Verdict.INCONCLUSIVE, None, 200)
    assert ("undefined" if metric == "r2" else "larger than any float") in found.reason


def test_a_constant_loss_is_within_its_interval_of_no_width():
    half = np.full(400, 0.5)
    found = metric_interval("log_loss", half, half, np.arange(400) // 10)
    assert found.verdict is Verdict.PASS
    assert found.low <= found.estimate <= found.high
    assert found.high - found.low < 1e-12
