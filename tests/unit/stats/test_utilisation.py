import numpy as np
import pytest

from homeostat.domain.verdict import Verdict
from homeostat.stats.utilisation import sustained_above


def ask(times, values, **changed):
    given = {"now_s": 600.0, "limit": 1.0, "hold_s": 300.0, "max_gap_s": 90.0} | changed
    return sustained_above(times, values, **given)


EVERY_MINUTE = np.arange(0.0, 601.0, 60.0)


def above(count):
    """Eleven samples of which the last ``count`` are above the limit."""
    return np.where(np.arange(11) >= 11 - count, 2.0, 0.5)


@pytest.mark.parametrize(
    ("count", "verdict", "held_s"),
    [
        (0, Verdict.PASS, 0.0),
        (1, Verdict.PASS, 0.0),
        (5, Verdict.PASS, 240.0),
        (6, Verdict.FAIL, 300.0),
        (11, Verdict.FAIL, 600.0),
    ],
)
def test_it_fails_once_it_has_lasted(count, verdict, held_s):
    found = ask(EVERY_MINUTE, above(count))
    assert (found.verdict, found.estimate, found.rows) == (verdict, held_s, 11)


def test_a_value_at_the_limit_is_not_above_it():
    assert ask(EVERY_MINUTE, np.full(11, 1.0)).verdict is Verdict.PASS


def test_one_dip_starts_the_count_again():
    values = np.full(11, 2.0)
    values[7] = 1.0
    found = ask(EVERY_MINUTE, values)
    assert (found.verdict, found.estimate) == (Verdict.PASS, 120.0)
    assert "120 s of 300 s" in found.reason


def test_a_gap_is_not_bridged():
    values = np.full(11, 2.0)
    kept = np.arange(11) != 8
    found = ask(EVERY_MINUTE[kept], values[kept])
    assert (found.verdict, found.estimate) == (Verdict.INCONCLUSIVE, 60.0)
    assert "nothing for 120 s" in found.reason
    assert ask(EVERY_MINUTE[kept], values[kept], max_gap_s=120.0).verdict is Verdict.FAIL


def test_a_gap_before_the_time_asked_changes_nothing():
    kept = np.arange(11) != 2
    assert ask(EVERY_MINUTE[kept], np.full(10, 2.0)).verdict is Verdict.FAIL


def test_a_low_sample_before_a_gap_still_settles_it_if_it_is_recent():
    assert ask([310.0, 590.0], [0.5, 2.0]).verdict is Verdict.PASS
    assert ask([290.0, 590.0], [0.5, 2.0]).verdict is Verdict.INCONCLUSIVE


def test_a_low_sample_stands_until_the_next_one():
    """Low at 299 s, next sample at 380 s: for part of the last 300 s it was low."""
    times = [299.0, 380.0, 460.0, 540.0, 600.0]
    assert ask(times, [0.5, 2.0, 2.0, 2.0, 2.0]).verdict is Verdict.PASS


def test_silence_is_inconclusive_whatever_was_seen_before():
    for level in (0.5, 2.0):
        found = ask(EVERY_MINUTE, np.full(11, level), now_s=691.0)
        assert found.verdict is Verdict.INCONCLUSIVE
        assert "91 s" in found.reason


def test_too_short_a_history_is_inconclusive():
    found = ask([500.0, 560.0, 600.0], [2.0, 2.0, 2.0])
    assert (found.verdict, found.estimate) == (Verdict.INCONCLUSIVE, 100.0)


def test_values_that_are_not_numbers_leave_a_gap_and_no_more():
    values = above(11)
    values[[3, 8]] = [np.nan, np.inf]
    found = ask(EVERY_MINUTE, values)
    assert (found.verdict, found.skipped, found.rows) == (Verdict.INCONCLUSIVE, 2, 9)
    assert ask(EVERY_MINUTE, values, max_gap_s=120.0).verdict is Verdict.FAIL
    none = ask(EVERY_MINUTE, np.full(11, np.nan))
    assert (none.verdict, none.skipped) == (Verdict.INCONCLUSIVE, 11)


def test_samples_of_the_future_are_left_out():
    found = ask([*EVERY_MINUTE, 9999.0], [*above(11), 0.0])
    assert (found.verdict, found.skipped) == (Verdict.FAIL, 1)


def test_the_order_of_the_samples_does_not_matter():
    mixed = np.random.default_rng(1).permutation(11)
    for count in range(12):
        assert ask(EVERY_MINUTE[mixed], above(count)[mixed]) == ask(EVERY_MINUTE, above(count))


@pytest.mark.filterwarnings("error")
def test_extremes_do_no_harm():
    assert ask([], []).verdict is Verdict.INCONCLUSIVE
    assert ask([600.0], [2.0]).verdict is Verdict.INCONCLUSIVE
    assert ask([600.0], [2.0], hold_s=0.0).verdict is Verdict.FAIL
    assert ask([600.0], [0.5], hold_s=0.0).verdict is Verdict.PASS
    assert ask(EVERY_MINUTE, np.full(11, 1e308)).verdict is Verdict.FAIL
    assert ask([-1e308, 600.0], [2.0, 2.0]).verdict is Verdict.INCONCLUSIVE
    huge = ask([-1e308, 1e308], [2.0, 2.0], now_s=1e308)
    assert huge.verdict is Verdict.INCONCLUSIVE


def test_a_simple_scan_of_the_past_agrees():
    """Reference: look at every tenth of a second of the last ``hold_s`` for its standing sample."""
    random = np.random.default_rng(3)
    seen = set()
    for _ in range(300):
        times = np.unique(random.integers(0, 20, size=random.integers(1, 15))).astype(float)
        values = (random.random(times.size) < 0.85) * 2.0
        found = sustained_above(times, values, now_s=20.0, limit=1.0, hold_s=8.0, max_gap_s=3.5)
        known = []
        for moment in np.arange(12.0, 20.01, 0.1):
            at = np.searchsorted(times, moment + 1e-6, side="right") - 1
            standing = at >= 0 and moment - times[at] <= 3.5 + 1e-6
            known.append(values[at] if standing else None)
        dipped = ((values == 0) & (times >= 12.0)).any() or 0.0 in known
        if known[-1] is None:
            expected = {Verdict.INCONCLUSIVE}
        elif None not in known:
            expected = {Verdict.PASS if dipped else Verdict.FAIL}
        else:  # before a gap, a low sample may count only if it lies within the time asked
            expected = {Verdict.PASS, Verdict.INCONCLUSIVE} if dipped else {Verdict.INCONCLUSIVE}
        assert found.verdict in expected, (times, values)
        seen.add(found.verdict)
    assert seen == {Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE}


@pytest.mark.parametrize(
    "changed",
    [{"hold_s": -1.0}, {"max_gap_s": 0.0}, {"limit": np.nan}, {"now_s": np.inf}],
)
def test_impossible_parameters_are_refused(changed):
    with pytest.raises(ValueError, match=r"asked|finite"):
        ask(EVERY_MINUTE, above(3), **changed)


def test_wrong_shapes_are_refused():
    with pytest.raises(ValueError, match="one value per time"):
        ask([1.0, 2.0], [1.0])
