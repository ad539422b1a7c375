import numpy as np
import pytest

from homeostat.domain.verdict import Verdict
from homeostat.stats.estimate.trust import (
    ANY,
    CHANCE,
    Outside,
    outside_columns,
    outside_profile,
    trusted,
)
from homeostat.stats.profile import Bins, Profile, count, cut, profile_of
from homeostat.stats.result import Result

SURE = Result(Verdict.PASS, 0.9, 0.8, 0.95, rows=1000, reason="as estimated")


def words(*values):
    return "category", np.array(values, dtype=object)


def numbers(*values):
    return "number", np.array(values, dtype=np.float64)


def test_the_share_outside_by_hand():
    reference = {
        "age": numbers(20, 30, 40),
        "town": words("a", "b", "b"),
        "pay": numbers(1, 1, np.nan),
    }
    window = {
        "age": numbers(20, 40, 41, 19, np.nan),
        "town": words("a", "c", "b", None, "b"),
        "pay": numbers(1, np.nan, np.inf, 0.9, 1),
    }
    found = {one.name: one.share for one in outside_columns(reference, window)}
    assert found == {"age": 0.6, "town": 0.4, "pay": 0.4, ANY: 0.8}
    assert outside_columns(reference, reference)[:2] == (
        Outside("age", 0, 3),
        Outside("town", 0, 3),
    )


def test_unchanged_rows_are_hardly_ever_outside():
    shares = []
    for seed in range(300):
        random = np.random.default_rng(seed)
        reference = {"x": ("number", random.standard_t(3, 500))}
        shares.append(outside_columns(reference, {"x": ("number", random.standard_t(3, 500))})[0])
    assert np.mean([one.share for one in shares]) == pytest.approx(2 / 501, rel=0.25)


def columns(random, rows, shift=0.0):
    made = {f"x{i}": ("number", random.normal(shift * (i == 0), 1, rows)) for i in range(10)}
    made["gap"] = ("number", np.where(random.random(rows) < 0.1, np.nan, random.random(rows)))
    return {**made, "word": ("category", random.choice(list("abcd"), rows).astype(object))}


@pytest.mark.parametrize("rows", [200, 2000])
def test_chance_alone_shows_nothing_outside_of_a_profile_at_the_stated_rate(rows):
    wrong, trials = 0, 300
    for seed in range(trials):
        random = np.random.default_rng(seed)
        before = columns(random, 2000)
        bins = cut(before)
        after = count(bins, columns(random, rows))
        wrong += any(one.share > 0 for one in outside_profile(count(bins, before), after))
    assert wrong / trials <= CHANCE + 3 * np.sqrt(CHANCE * (1 - CHANCE) / trials)


def test_a_shift_shows_in_the_profile_and_in_no_other_feature():
    random = np.random.default_rng(1)
    before = profile_of(columns(random, 2000))
    after = count(before.bins, columns(random, 500, shift=4.0))
    found = {one.name: one.share for one in outside_profile(before, after)}
    assert found["x0"] == pytest.approx(0.68, abs=0.15)  # above the largest of 2,000
    assert sum(found.values()) == found["x0"]


def test_unseen_categories_and_nulls_show_in_the_profile():
    before = profile_of({"town": words(*"aabb" * 9), "x": numbers(*[1, 2, 3, 4] * 9)})
    town, x = words(*["a", "c", None, "c"] * 9), numbers(*[1, 2, np.nan, 9] * 9)
    found = outside_profile(before, count(before.bins, {"town": town, "x": x}))
    assert found == (Outside("town", 0.75, 36), Outside("x", 0.5, 36))
    once = numbers(*[1, 2, 3, 4] * 8, 1, 2, 3, 9)
    same = count(before.bins, {"town": words(*"aabb" * 9), "x": once})
    assert outside_profile(before, same) == (Outside("town", 0.0, 36), Outside("x", 0.0, 36))


def test_nothing_constants_and_huge_values():
    empty = {"x": numbers()}
    assert outside_columns({"x": numbers(1)}, empty) == ()
    assert outside_columns({}, {}) == ()
    assert outside_columns(empty, {"x": numbers(1, 1, np.nan)})[0].share == 1.0
    assert outside_columns({"x": numbers(np.nan)}, {"x": numbers(np.nan, 1)})[0].share == 0.5
    constant = {"x": numbers(3, 3, 3)}
    assert outside_columns(constant, {"x": numbers(3, 3.1)})[0].share == 0.5
    huge = {"x": numbers(-1.7e308, 1.7e308)}
    assert outside_columns(huge, {"x": numbers(-1e308, 1.75e308, np.inf)})[0].share == 2 / 3
    bins = (Bins("x", "number", (1.0,)),)
    assert outside_profile(Profile(bins, ((0, 0, 0),), 0), Profile(bins, ((1, 0, 0),), 1)) == ()
    assert outside_profile(Profile((), (), 5), Profile((), (), 5)) == ()
    never = profile_of({"x": numbers(*[np.nan] * 20)})
    assert (
        outside_profile(never, count(never.bins, {"x": numbers(*[1, np.nan] * 20)}))[0].share == 0.5
    )


def test_a_trusted_result_is_unchanged():
    for result in (SURE, Result(Verdict.FAIL, rows=100), Result(Verdict.INCONCLUSIVE, rows=500)):
        assert trusted(result, [Outside("x", 0.05, 1000)]) == result
        assert trusted(result, []) == result


@pytest.mark.parametrize("verdict", [Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE])
def test_rows_unlike_the_reference_take_the_verdict_and_leave_the_numbers(verdict):
    result = Result(verdict, 0.9, 0.8, 0.95, rows=1000, reason="so it is")
    found = trusted(result, [Outside("x", 0.01, 1000), Outside("y", 0.06, 1000)])
    assert (found.verdict, found.estimate, found.low) == (Verdict.INCONCLUSIVE, 0.9, 0.8)
    assert "6.0 % of rows are outside of the reference in y" in found.reason
    assert ("so it is" in found.reason) == (verdict is Verdict.INCONCLUSIVE)
    assert trusted(result, [Outside("y", 0.06, 1000)], limit=0.1) == result


def test_few_rows_take_the_verdict_and_an_error_stays():
    few = trusted(Result(Verdict.PASS, 0.9, rows=99), [Outside("x", 0.5, 99)])
    assert (few.verdict, few.rows_needed) == (Verdict.INCONCLUSIVE, 100)
    assert "99 rows are too few" in few.reason
    assert "outside" in few.reason
    assert trusted(Result(Verdict.PASS, rows=99), [], minimum=0).verdict is Verdict.PASS
    wrong = Result(Verdict.ERROR, rows=1)
    assert trusted(wrong, [Outside("x", 1.0, 1)]) == wrong


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="limit"):
        trusted(SURE, [], limit=1.1)
    with pytest.raises(ValueError, match="at least 0"):
        trusted(SURE, [], minimum=-1)
    with pytest.raises(ValueError, match="no number feature 'x'"):
        outside_columns({"x": numbers(1)}, {"x": words("a")})
    with pytest.raises(ValueError, match="rows of"):
        outside_columns({"x": numbers(1), "y": numbers(1)}, {"x": numbers(1), "y": numbers(1, 2)})
    one, other = profile_of({"x": numbers(1)}), profile_of({"x": numbers(2)})
    with pytest.raises(ValueError, match="different bins"):
        outside_profile(one, other)
