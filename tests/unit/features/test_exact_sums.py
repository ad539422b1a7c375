from __future__ import annotations

import math

import numpy as np
import pytest

from homeostat.features.exact_sums import LARGEST, ExactSums


def between(values: list[float], start: int, end: int) -> tuple[float, int]:
    total, count = ExactSums(np.array(values)).between(np.array([start]), np.array([end]))
    return float(total[0]), int(count[0])


def test_a_window_is_not_disturbed_by_what_came_before_it() -> None:
    assert between([1e17, 0.1, 0.2], 1, 3) == (pytest.approx(0.3, rel=1e-15), 2)


def test_the_sum_of_a_window_has_the_same_bits_wherever_the_array_begins() -> None:
    values = np.random.default_rng(1).normal(size=5_000).tolist()
    assert between(values, 4_000, 4_500) == between(values[3_900:], 100, 600)


def test_a_running_sum_that_wraps_still_gives_the_right_difference() -> None:
    values = [LARGEST / 2] * 100 + [7.0, 8.0]
    assert between(values, 100, 102) == (15.0, 2)


def test_nan_infinite_and_huge_values_are_left_out() -> None:
    values = [math.nan, math.inf, -math.inf, LARGEST, -1e300, 2.5, -1.0]
    assert between(values, 0, 7) == (1.5, 2)


def test_values_of_both_signs_and_all_sizes_add_up_exactly() -> None:
    values = [2.0**50, -(2.0**50), 2.0**-40, -3.25, 1e-9]
    assert between(values, 0, 5)[0] == pytest.approx(math.fsum(values), rel=1e-12)


def test_an_empty_span_and_an_empty_array_sum_up_to_nothing() -> None:
    assert between([1.0], 1, 1) == (0.0, 0)
    assert between([], 0, 0) == (0.0, 0)
