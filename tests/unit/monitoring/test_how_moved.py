"""In what way a feature moved, in words."""

import numpy as np
import polars as pl

from homeostat.monitoring.how_moved import how_moved

RANDOM = np.random.default_rng(1)
BEFORE = pl.Series("x", RANDOM.normal(size=2_000))


def test_what_did_not_move_says_nothing():
    assert how_moved(BEFORE, pl.Series(RANDOM.normal(size=500).clip(-3, 3))) == ""
    assert how_moved(pl.Series(["a", "b"] * 200), pl.Series(["a", "b"] * 100)) == ""


def test_numbers_say_mean_spread_range_and_nulls():
    said = how_moved(BEFORE, pl.Series((3 * RANDOM.normal(size=500) + 2).tolist() + [None] * 100))
    assert said.startswith("nulls 0.0%, now 16.7%; mean ")
    assert "standard deviation" in said
    assert "where nothing was" in said
    assert "apart (Kolmogorov-Smirnov), values moved by" in said


def test_categories_say_what_is_new_and_what_is_gone():
    said = how_moved(pl.Series(["a"] * 300 + ["b"] * 100), pl.Series(["a"] * 100 + ["c"] * 100))
    assert said == "most of all c: 0.0%, now 50.0%; 50.0% in 1 new categories (c); gone: b."


def test_strange_values_are_no_crash():
    nothing = pl.Series([None] * 50, dtype=pl.Float64)
    assert how_moved(BEFORE, nothing) == "nulls 0.0%, now 100.0%."
    assert how_moved(nothing, BEFORE).startswith("nulls 100.0%")
    assert how_moved(BEFORE[:0], BEFORE[:0]) == ""
    assert isinstance(how_moved(BEFORE, pl.Series([float("inf")] * 50)), str)
    assert isinstance(how_moved(pl.Series([1.0] * 50), pl.Series([2.0] * 50)), str)
