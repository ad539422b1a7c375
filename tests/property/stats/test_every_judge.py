"""What holds for every function that answers with a Result."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeostat.domain.verdict import Verdict
from homeostat.stats.result import Result
from tests.property.stats.judges import JUDGES, Judge
from tests.property.stats.samples import (
    CASES,
    FIXED,
    Groups,
    befallen,
    copied,
    made,
    reordered,
    same,
    with_strange,
)

RATE = 0.05
NUMBERS = ("estimate", "low", "high", "p_value", "error_rate")
every_judge = pytest.mark.parametrize("judge", JUDGES, ids=str)


def usual(judge: Judge, seed: int = 1) -> Groups:
    return made(judge.kinds, judge.rows, seed)


def check_sound(judge: Judge, found: Result) -> None:
    """What holds of any answer."""
    numbers = {name: getattr(found, name) for name in NUMBERS}
    given = {name: value for name, value in numbers.items() if value is not None}
    assert all(math.isfinite(value) for value in given.values()), found
    assert all(isinstance(value, float) for value in given.values()), found
    assert all(isinstance(count, int) for count in (found.rows, found.skipped)), found
    assert min(found.rows, found.skipped) >= 0, found
    assert found.reason.strip(), found
    assert 0 <= given.get("p_value", 0) <= 1, found
    if found.low is not None and found.high is not None:
        assert found.low <= found.high, found
    if found.estimate is not None:
        assert found.estimate >= given.get("low", -math.inf), found
        assert found.estimate <= given.get("high", math.inf), found
    if found.verdict in (Verdict.PASS, Verdict.FAIL):
        assert found.rows > 0, f"a verdict from nothing: {found}"
        assert judge.exact == (found.error_rate is None), found


def alike(one: Result, other: Result, tolerance: float = 0.0) -> bool:
    """Whether two answers are the same, apart from ``skipped`` and the words."""
    numbers = [[getattr(each, name) for name in NUMBERS] for each in (one, other)]
    known = (one.verdict, one.rows) == (other.verdict, other.rows)
    return known and same(*numbers, tolerance=tolerance)


@every_judge
@pytest.mark.parametrize("seed", range(3))
def test_usual_rows_are_decided_and_the_answer_is_sound(judge: Judge, seed: int) -> None:
    found = judge.call(usual(judge, seed), RATE)
    check_sound(judge, found)
    assert found.verdict in (Verdict.PASS, Verdict.FAIL), f"the table's rows decide: {found}"
    assert found.error_rate is None or found.error_rate == pytest.approx(RATE)


@every_judge
def test_the_same_rows_give_the_same_answer_and_are_not_changed(judge: Judge) -> None:
    rows = usual(judge)
    before = copied(rows)
    for group in rows:
        for column in group:
            column.flags.writeable = False
    assert judge.call(rows, RATE) == judge.call(copied(rows), RATE)
    assert all(
        np.array_equal(old, new)
        for one, other in zip(before, rows, strict=True)
        for old, new in zip(one, other, strict=True)
    )


@every_judge
@pytest.mark.parametrize("seed", [1, 2])
def test_values_that_are_not_finite_neither_alarm_nor_silence(judge: Judge, seed: int) -> None:
    clean = usual(judge, seed)
    more = with_strange(judge.kinds, clean, judge.strange, seed, whole=judge.whole) if (
        judge.strange
    ) else clean  # fmt: skip
    expected, found = judge.call(clean, RATE), judge.call(more, RATE)
    check_sound(judge, found)
    if judge.refuses:
        assert found.verdict is Verdict.ERROR, found
        return
    assert alike(expected, found), (expected, found)
    added = sum(new[0].shape[0] - old[0].shape[0] for old, new in zip(clean, more, strict=True))
    if not judge.whole:
        assert (found.rows, found.skipped) == (expected.rows, added), found


@every_judge
def test_no_rows_are_inconclusive(judge: Judge) -> None:
    found = judge.call(made(judge.kinds, 0, 1), RATE)
    check_sound(judge, found)
    assert found.verdict is Verdict.INCONCLUSIVE, found
    assert found.rows == 0


@every_judge
def test_no_rows_on_one_side_are_inconclusive(judge: Judge) -> None:
    for place in range(len(judge.kinds)):
        empty = made(judge.kinds, 0, 1)
        groups = tuple(empty[at] if at == place else one for at, one in enumerate(usual(judge)))
        found = judge.call(groups, RATE)
        check_sound(judge, found)
        assert found.verdict is Verdict.INCONCLUSIVE, found


@every_judge
def test_nothing_but_nan_is_inconclusive(judge: Judge) -> None:
    nothing = befallen(judge.kinds, usual(judge), "zeros", None, 1)
    for group, kinds in zip(nothing, judge.kinds, strict=True):
        for column, kind in zip(group, kinds, strict=True):
            if kind not in ("time", "block", "name"):
                column[...] = np.nan
    found = judge.call(nothing, RATE)
    check_sound(judge, found)
    if judge.strange:
        asked = Verdict.ERROR if judge.refuses else Verdict.INCONCLUSIVE
        assert found.verdict is asked, found
    else:
        assert found.verdict is not Verdict.FAIL, found


@every_judge
def test_one_row_is_no_evidence(judge: Judge) -> None:
    passed = False
    for seed in range(40):
        found = judge.call(made(judge.kinds, 1, seed), RATE)
        check_sound(judge, found)
        passed = passed or found.verdict is Verdict.PASS
    assert passed == judge.one_row_passes, "exactly those that say so may pass on one row"


@every_judge
@pytest.mark.parametrize("case", CASES)
def test_hard_rows_never_crash_and_the_answer_is_sound(judge: Judge, case: str) -> None:
    for only in (None, *range(len(judge.kinds))):
        rows = befallen(judge.kinds, usual(judge), case, only, 1)
        with np.errstate(all="ignore"):
            check_sound(judge, judge.call(rows, RATE))


@every_judge
@settings(max_examples=12, deadline=None, derandomize=True)
@given(drawn=st.data())
def test_any_rows_have_a_sound_answer(judge: Judge, drawn: st.DataObject) -> None:
    value = st.floats() | st.sampled_from([0.0, 1.0, 0.5, 5e-324, -1.7e308, 1.7e308])
    rows = drawn.draw(st.integers(1, 60))
    few = drawn.draw(st.lists(value, min_size=1, max_size=12))
    groups = copied(made(judge.kinds, rows, drawn.draw(st.integers(0, 5))))
    for names, group in zip(judge.kinds, groups, strict=True):
        for kind, column in zip(names, group, strict=True):
            if kind not in FIXED and drawn.draw(st.booleans()):
                column[...] = np.resize(np.array(few), column.shape)
    with np.errstate(all="ignore"):
        check_sound(judge, judge.call(groups, RATE))


@every_judge
def test_order_matters_exactly_where_it_is_said_to(judge: Judge) -> None:
    for place in range(len(judge.kinds)):
        matters = False
        for seed in range(6):
            rows = usual(judge, seed)
            plain = judge.call(rows, RATE)
            others = [judge.call(reordered(rows, place, seed), RATE) for seed in (1, 2)]
            matters = matters or not all(alike(plain, other, 1e-9) for other in others)
        assert matters == (place in judge.ordered), f"group {place}"


@every_judge
@pytest.mark.parametrize("rows", [60, None])
def test_a_larger_error_rate_never_gives_a_wider_interval(judge: Judge, rows: int | None) -> None:
    for seed in range(3):
        groups = made(judge.kinds, rows or judge.rows, seed)
        found = [judge.call(groups, rate) for rate in (0.02, 0.05, 0.2)]
        known = [one for one in found if one.verdict is not Verdict.ERROR]
        for careful, bold in pairwise(known):
            check_nested(careful, bold)


def check_nested(careful: Result, bold: Result) -> None:
    lows = [-math.inf if one.low is None else one.low for one in (careful, bold)]
    highs = [math.inf if one.high is None else one.high for one in (careful, bold)]
    assert lows[0] <= lows[1] + 1e-9, (careful, bold)
    assert highs[0] >= highs[1] - 1e-9, (careful, bold)
