"""The stated error rates hold: the cases of ``benchmarks/error_rates.py``, with fewer trials."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))

from truth.case import OURS, Case, Measured, Share, measure, share_of
from truth.run import every_case, names

SEED = 7
OUR_CASES = [
    case
    for case in every_case().values()
    if case.whose == OURS and case.claimed and case.in_tests and case.stated is not None
]


def chance(rate: float, trials: int) -> float:
    """The most that chance leaves of a rate: three standard errors above it."""
    return rate + 3 * (rate * (1 - rate) / trials) ** 0.5


@pytest.mark.parametrize("case", OUR_CASES, ids=lambda case: case.name)
def test_a_method_is_not_wrong_more_often_than_it_states(case: Case) -> None:
    """Or, where its docstring names a higher rate for such data, than that."""
    found = measure(case, seed=SEED, part=0, power=False).wrong
    assert found is not None, "no answer at all"
    assert case.stated is not None
    limit = max(case.stated, case.admitted or 0.0)
    assert found.value <= chance(limit, found.trials), found


@pytest.mark.parametrize(
    "name",
    [
        "usual t-test, every look: 500 values, normal",
        "usual z test of two rates, 491 looks: 2 x 5,000 rows, rate 0.02",
        "usual 20 slices, each at 0.05: each 200 rows in 20 days",
    ],
)
def test_what_is_usual_would_not_pass(name: str) -> None:
    found = measure(every_case()[name], seed=SEED, part=0, power=False)
    assert found.wrong is not None
    assert found.wrong.value > chance(0.05, found.wrong.trials)
    assert found.mark == "NOT HELD"


def test_a_case_has_the_same_outcome_whatever_else_runs() -> None:
    case = every_case()["Homeostat exact McNemar: 20 rows"]
    first, second = (measure(case, seed=3, part=0) for _ in range(2))
    assert first == second
    assert measure(case, seed=4, part=0) != first


def test_an_interval_of_outcomes_is_exact_for_shares() -> None:
    found = share_of([1.0, 0.0, None, 0.0])
    assert found is not None
    assert (found.trials, found.undecided) == (3, 1)
    assert (found.low, found.high) == pytest.approx((0.00840, 0.90570), abs=1e-4)
    assert share_of([None]) is None
    every = share_of([1.0, 0.0, None, 0.0], of_all=True)
    assert every is not None
    assert (every.value, every.trials, every.undecided) == (0.25, 4, 1)
    counts = share_of([3.0, 5.0])
    assert counts is not None
    assert counts.high == pytest.approx(4 + 12.706, abs=1e-3)


@pytest.mark.parametrize(
    ("low", "stated", "claimed", "admitted", "mark"),
    [
        (0.04, 0.05, True, None, "holds"),
        (0.06, 0.05, True, None, "NOT HELD"),
        (0.06, 0.05, False, None, "NOT HELD (not claimed)"),
        (0.06, 0.05, True, 0.07, "NOT HELD (documented)"),
        (0.08, 0.05, True, 0.07, "NOT HELD"),
        (0.06, None, True, None, "none stated"),
    ],
)
def test_the_mark(
    low: float, stated: float | None, claimed: bool, admitted: float | None, mark: str
) -> None:
    wrong = Share(0.1, low, 0.2, 100, 0)
    found = Measured("m", "d", OURS, "", stated, wrong, "", None, claimed, admitted)
    assert found.mark == mark


def test_cases_are_chosen_by_a_part_of_their_name() -> None:
    assert names("adwin")
    assert all("adwin" in name.lower() for name in names("adwin"))
    assert len(names("")) == len(every_case()) + 3  # and the peers
    assert np.unique(names("")).size == len(names(""))
