"""Changes of the losses: what detectors say of rows that go together, and of those that do not."""

import numpy as np
import pytest

from homeostat.domain.verdict import Verdict
from homeostat.monitoring.change import DETECTORS, batches, detected


def alone(random, rows, level=0.1):
    return np.minimum(random.exponential(level, size=rows), 1.0)


def by_day(random, days, rows=100, level=0.1):
    mood = random.gamma(4, level / 4, size=days)
    return np.minimum(np.repeat(mood, rows) * random.exponential(size=days * rows), 1.0)


def test_rows_that_stand_alone_are_read_one_by_one():
    values, size = batches(alone(np.random.default_rng(1), 5_000))
    assert size == 1
    assert values.size == 5_000


def test_rows_that_share_a_day_are_read_day_by_day():
    values, size = batches(by_day(np.random.default_rng(1), 600))
    assert size >= 64
    assert values.size >= 100


def test_too_few_days_are_inconclusive():
    losses = by_day(np.random.default_rng(1), 60)
    assert batches(losses) is None
    for name in DETECTORS:
        assert detected(name, losses, "binary").verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("name", DETECTORS)
@pytest.mark.parametrize("draw", [alone, by_day])
def test_unchanged_losses_seldom_alarm_also_when_rows_go_together(name, draw):
    """Stated 0.05; 30 streams, so 6 is beyond three simulation errors."""
    alarms = 0
    for seed in range(30):
        random = np.random.default_rng(seed)
        losses = draw(random, 4_000) if draw is alone else draw(random, 300)
        alarms += detected(name, losses, "binary").verdict is Verdict.FAIL
    assert alarms <= 5


@pytest.mark.parametrize("name", ["adwin", "cusum", "ddm", "page_hinkley"])
def test_losses_that_double_are_found(name):
    random = np.random.default_rng(3)
    losses = np.concatenate([alone(random, 6_000, 0.1), alone(random, 6_000, 0.3)])
    assert detected(name, losses, "binary").verdict is Verdict.FAIL


@pytest.mark.parametrize("name", ["adwin", "page_hinkley"])
def test_a_change_is_found_in_days_too(name):
    random = np.random.default_rng(3)
    losses = np.concatenate([by_day(random, 1_000, 30, 0.1), by_day(random, 1_000, 30, 0.5)])
    found = detected(name, losses, "binary")
    assert found.verdict is Verdict.FAIL
    assert "means of" in found.reason


@pytest.mark.parametrize("name", DETECTORS)
def test_a_regressions_losses_have_no_bounds(name):
    random = np.random.default_rng(4)
    losses = random.exponential(50.0, size=4_000)
    assert detected(name, losses, "regression").verdict is not Verdict.FAIL
    assert detected(name, np.zeros(4_000), "regression").verdict is not Verdict.FAIL
