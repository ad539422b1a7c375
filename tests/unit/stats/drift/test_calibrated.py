"""What is chance is measured on the reference: how often healthy windows are surprising."""

import numpy as np
import pytest

from homeostat.domain.verdict import Verdict
from homeostat.stats.drift.calibrated import calibrate
from homeostat.stats.drift.distances import DISTANCES, over_windows
from homeostat.stats.drift.portfolio import Asked, drift_of, explained_loss, rounded_rows
from homeostat.stats.drift.reference import Reference, losses_by_bin, places_in, reference_of
from homeostat.stats.profile import Bins, Profile, count

DAY = 86_400.0


def days(random, number, rows=400, bins=11, carried=0.0, spread=0.0):
    """Counts of so many days; what a day is like carries over to the next."""
    mood = np.empty((number, bins))
    mood[0] = random.normal(size=bins)
    for day in range(1, number):
        fresh = random.normal(size=bins)
        mood[day] = carried * mood[day - 1] + np.sqrt(1 - carried**2) * fresh
    parts = np.exp(spread * mood)
    parts /= parts.sum(axis=1, keepdims=True)
    return np.array([random.multinomial(rows, part) for part in parts])


def p_values(name, runs=250, **shape):
    found = []
    for seed in range(runs):
        counts = days(np.random.default_rng(seed), 60 + 27, **shape)
        before, window = counts[:60], counts[-7:].sum(axis=0)
        made = calibrate(name, before, rows=int(window.sum()), length=7, seed=seed)
        distance = over_windows(name, before.sum(axis=0), window[None])[0]
        found.append(made.p_value(distance))
    return np.array(found)


@pytest.mark.parametrize("name", DISTANCES)
@pytest.mark.parametrize("shape", [{}, {"rows": 20}, {"carried": 0.6, "spread": 0.15}, {"bins": 3}])
def test_healthy_windows_are_seldom_surprising(name, shape):
    """Stated 0.05 and 0.01; 250 windows, so 0.092 and 0.029 are three simulation errors above."""
    p = p_values(name, **shape)
    assert (p <= 0.05).mean() <= 0.092
    assert (p <= 0.01).mean() <= 0.029


def test_a_constant_threshold_has_no_rate():
    """PSI above 0.2 never fires with many rows and always with few: nobody chose a rate."""
    random = np.random.default_rng(3)
    share = np.full(11, 1 / 11)
    before = random.multinomial(50_000, share)
    fired = {}
    for rows in (30, 5_000):
        windows = random.multinomial(rows, share, size=100)
        fired[rows] = (over_windows("psi", before, windows) > 0.2).mean()
    assert fired[30] > 0.5
    assert fired[5_000] == 0


def test_a_shift_is_surprising_and_more_so_the_larger_it_is():
    random = np.random.default_rng(1)
    counts = days(random, 60)
    made = calibrate("psi", counts, rows=2_800, length=7, seed=1)
    p = []
    for move in (0.0, 0.05, 0.1, 0.2):
        share = np.full(11, 1 / 11)
        share[0] += move
        window = random.multinomial(2_800, share / share.sum())
        p.append(made.p_value(DISTANCES["psi"](counts.sum(axis=0), window)))
    assert p[0] > 0.05
    assert p == sorted(p, reverse=True)
    assert p[-1] < 1e-6


def test_wild_days_ask_for_a_larger_move():
    calm = calibrate("psi", days(np.random.default_rng(1), 60), rows=2_800, length=7, seed=1)
    wild = calibrate(
        "psi", days(np.random.default_rng(1), 60, spread=0.5), rows=2_800, length=7, seed=1
    )
    assert wild.mean > 5 * calm.mean
    assert wild.p_value(0.02) > 0.2
    assert calm.p_value(0.02) < 0.001


@pytest.mark.parametrize("length", [21, 60, 100])
def test_a_reference_of_fewer_than_three_windows_knows_nothing(length):
    assert calibrate("psi", np.ones((60, 5)), rows=10, length=length, seed=1) is None


def test_counts_that_are_none():
    assert calibrate("psi", np.zeros((60, 5)), rows=10, length=7, seed=1) is None
    assert calibrate("psi", np.full((60, 5), np.nan), rows=10, length=7, seed=1) is None
    for counts, rows, length in ((np.ones(5), 10, 7), (np.ones((60, 5)), 0, 7),
                                 (np.ones((60, 5)), 10, 0)):  # fmt: skip
        with pytest.raises(ValueError, match="counts by block"):
            calibrate("psi", counts, rows=rows, length=length, seed=1)


def test_a_feature_that_never_varied_drifts_when_it_does():
    counts = np.zeros((60, 3))
    counts[:, 1] = 100
    made = calibrate("psi", counts, rows=700, length=7, seed=1)
    assert made.p_value(0.0) == 1.0
    assert made.p_value(0.01) == 0.0


def reference(random, features=4, rows=40_000):
    at_s = np.sort(random.uniform(0, 60 * DAY, size=rows))
    columns = {f"x{n}": ("number", random.normal(size=rows)) for n in range(features)}
    return reference_of(columns, at_s, block_s=DAY)


def window_of(made, random, rows=4_000, shift=(), features=4):
    columns = {
        f"x{n}": ("number", random.normal(size=rows) + (0.3 if n in shift else 0.0))
        for n in range(features)
    }
    return count(made.profile.bins, columns)


def test_of_many_features_those_that_moved_drift_and_no_others():
    random = np.random.default_rng(5)
    made = reference(random)
    found = drift_of(
        made, window_of(made, random, shift=(1,)), Asked(), {"x0": 0.5, "x1": 0.3, "x2": 0.2}
    )
    assert [one.name for one in found.drifted] == ["x1"]
    assert found.weight == pytest.approx(0.3)
    assert [one.verdict for one in found.features] == [
        Verdict.PASS, Verdict.FAIL, Verdict.PASS, Verdict.PASS,
    ]  # fmt: skip
    assert found.features[1].distance > found.features[1].typical


def test_over_all_features_a_healthy_look_keeps_its_rate():
    """Stated 0.1 a look over 8 features; 150 looks, so 0.173 is three simulation errors above."""
    alarms = 0
    for seed in range(150):
        random = np.random.default_rng(seed)
        made = reference(random, features=8, rows=12_000)
        found = drift_of(made, window_of(made, random, 1_400, features=8), Asked(level=0.1), {})
        alarms += bool(found.drifted)
    assert alarms / 150 <= 0.173


def test_no_rows_and_no_times_are_inconclusive():
    random = np.random.default_rng(5)
    made = reference(random)
    empty = Profile(made.profile.bins, tuple((0,) * b.size for b in made.profile.bins), 0)
    nothing = drift_of(made, empty, Asked(), {"x0": 1.0})
    assert {one.verdict for one in nothing.features} == {Verdict.INCONCLUSIVE}
    assert (nothing.known, nothing.weight) == (False, None)
    timeless = Reference(made.profile)
    found = drift_of(timeless, window_of(made, random), Asked(), {})
    assert {one.verdict for one in found.features} == {Verdict.INCONCLUSIVE}
    assert "0 stretches of time, 21 are asked" in found.features[0].reason


def test_stretches_of_time_add_up_to_the_whole_without_the_ragged_ends():
    random = np.random.default_rng(5)
    made = reference(random, features=1)
    assert made.of(0).shape == (58, 13)
    assert made.of(0).sum() < made.profile.rows == 40_000
    many = reference_of(
        {"x": ("number", np.zeros(2_000))}, np.arange(2_000.0) * 3600, block_s=3600.0
    )
    assert many.block_s == 8 * 3600
    assert many.of(0).shape[0] <= 400
    untimed = reference_of({"x": ("number", np.zeros(5))}, np.full(5, np.nan), block_s=DAY)
    assert untimed.blocks == ()
    assert untimed.of(0).shape == (0, untimed.profile.bins[0].size)


def test_a_clock_that_was_wrong_does_not_stretch_the_reference():
    random = np.random.default_rng(5)
    at_s = np.sort(random.uniform(0, 60 * DAY, size=20_000)) + 19_000 * DAY
    at_s[::5_000] = [0.0, 1e12, -1e12, 60_000 * DAY]
    made = reference_of({"x": ("number", random.normal(size=20_000))}, at_s, block_s=DAY)
    assert made.block_s == DAY
    assert made.of(0).shape[0] in (58, 59)
    assert made.profile.rows == 20_000


def test_losses_by_bin_and_what_a_shift_alone_explains():
    bins = (Bins("x", "number", (0.0,)), Bins("k", "category", categories=("a",)))
    columns = {
        "x": ("number", np.array([-1.0, 1.0, 1.0, np.nan])),
        "k": ("category", np.array(["a", "b", None, "a"], dtype=object)),
    }
    losses = losses_by_bin(bins, columns, np.array([1.0, 2.0, 4.0, 8.0]))
    assert losses == ((1.0, 3.0, 8.0), (4.5, 2.0, 4.0))
    assert places_in(bins[1], columns["k"][1]).tolist() == [0, 1, 2, 0]
    made = Reference(Profile(bins, ((2, 2, 0), (4, 0, 0)), 4), losses=losses)
    window = Profile(bins, ((0, 4, 0), (4, 0, 0)), 4)
    assert explained_loss(made, window, 0) == pytest.approx(0.5 * (3 - 1))
    assert explained_loss(made, window, 1) == 0
    unknown = Reference(made.profile, losses=((None, 3.0, 8.0), (None, None, None)))
    assert explained_loss(unknown, window, 0) == 0  # the nearest bin's loss
    assert explained_loss(unknown, window, 1) is None
    assert explained_loss(Reference(made.profile), window, 0) is None


@pytest.mark.parametrize(("rows", "rounded"), [(0, 0), (7, 7), (99, 99), (1234, 1200)])
def test_rows_are_rounded_down_to_two_digits(rows, rounded):
    assert rounded_rows(rows) == rounded
