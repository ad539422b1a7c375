"""What holds for every class that reads value after value."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeostat.domain.verdict import Verdict
from homeostat.stats.detect.first_alarm import first_alarm
from homeostat.stats.stream import Stream
from tests.property.stats.judges import FORM
from tests.property.stats.samples import CASES, Column
from tests.property.stats.streams import STREAMS, Entry
from tests.property.stats.test_every_judge import alike, check_sound

every_stream = pytest.mark.parametrize("entry", STREAMS, ids=str)
MORE_BYTES = 1024
"""So much may a stream grow once it has read 2,000 values."""


def read(entry: Entry, values: Column | list[float]) -> Stream:
    stream = entry.make()
    stream.update_many(values)
    return stream


def quiet(entry: Entry, rows: int, seed: int = 1) -> Column:
    return entry.values(np.random.default_rng(seed), rows, entry.quiet)


def failing(entry: Entry, rows: int, start: int = 1500) -> Column:
    """``start`` quiet values where a change is looked for, and ``rows`` loud ones."""
    assert entry.loud is not None
    after = entry.values(np.random.default_rng(2), rows, entry.loud)
    return np.concatenate([quiet(entry, start if entry.moves else 0), after])


@every_stream
def test_quiet_values_pass_and_a_change_fails(entry: Entry) -> None:
    stream = read(entry, quiet(entry, 1500))
    check_sound(FORM, stream.result)
    assert stream.result.verdict is (Verdict.PASS if entry.passes else Verdict.INCONCLUSIVE)
    if entry.loud is not None:
        stream = read(entry, failing(entry, 6000))
        check_sound(FORM, stream.result)
        assert stream.result.verdict is Verdict.FAIL


@every_stream
def test_before_any_value_the_verdict_is_inconclusive(entry: Entry) -> None:
    for stream in (entry.make(), read(entry, []), read(entry, [math.nan] * 50)):
        check_sound(FORM, stream.result)
        assert stream.result.verdict is Verdict.INCONCLUSIVE
        assert stream.result.rows == 0
    assert stream.result.skipped == 50


@every_stream
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_one_value_is_no_evidence(entry: Entry, value: float) -> None:
    found = read(entry, [value]).result
    check_sound(FORM, found)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.rows == 1


@every_stream
def test_a_pass_comes_only_once_a_fail_could_have(entry: Entry) -> None:
    """As many values of the worst kind, after a quiet start or none, would have been a fail."""
    if not entry.passes or not entry.moves:
        return  # the others pass by an interval or a bet of their own
    values, stream = quiet(entry, 1500), entry.make()
    while stream.result.verdict is not Verdict.PASS:
        stream.update(float(values[stream.result.rows]))
    rows = stream.result.rows
    worst = max(values) if (entry.loud or 0) > entry.quiet else min(values)
    starts = {*range(0, rows, 50), *range(max(0, rows - 60), rows)}
    others = (read(entry, [*values[:start], *[worst] * (rows - start)]) for start in starts)
    assert any(other.result.verdict is Verdict.FAIL for other in others), f"passes at {rows}"


@every_stream
@pytest.mark.parametrize("changed", [False, True])
def test_values_that_are_not_finite_neither_alarm_nor_silence(entry: Entry, changed: bool) -> None:
    values = failing(entry, 3000) if changed and entry.loud is not None else quiet(entry, 1500)
    places = np.random.default_rng(3).integers(0, values.size, 300)
    strange = np.resize([math.nan, math.inf, -math.inf], 300)
    plain, found = (
        read(entry, values).result,
        read(entry, np.insert(values, places, strange)).result,
    )
    assert alike(plain, found), (plain, found)
    assert (plain.skipped, found.skipped) == (0, 300)
    assert found.reason == plain.reason


@every_stream
def test_many_values_at_once_are_as_one_by_one(entry: Entry) -> None:
    values = quiet(entry, 2000) if entry.loud is None else failing(entry, 800, 1200)
    values = np.insert(values, 7, math.nan)
    before = values.copy()
    values.flags.writeable = False
    single, parts = entry.make(), entry.make()
    for value in values.tolist():
        single.update(value)
    for part in np.split(values, [0, 1, 40, 700, 790]):
        parts.update_many(part)
    whole = read(entry, values)
    for other in (single, parts):
        assert alike(whole.result, other.result, 1e-9), (whole.result, other.result)
        assert whole.result.skipped == other.result.skipped == 1
    assert np.array_equal(before, values, equal_nan=True)
    assert whole.result == read(entry, before).result


@every_stream
def test_memory_does_not_grow_with_the_number_of_values(entry: Entry) -> None:
    stream = read(entry, quiet(entry, 2000))
    before = len(pickle.dumps(stream))
    stream.update_many(quiet(entry, 18_000, seed=2))
    assert stream.result.verdict is not Verdict.FAIL, "it still reads"
    assert len(pickle.dumps(stream)) <= before + MORE_BYTES
    if entry.loud is not None:
        stream.update_many(failing(entry, 18_000))
        assert len(pickle.dumps(stream)) <= before + 2 * MORE_BYTES


@every_stream
def test_a_fail_stays_until_reset_and_then_the_stream_is_as_new(entry: Entry) -> None:
    values = quiet(entry, 1500)
    used = read(entry, values)
    if entry.loud is not None:
        used = read(entry, failing(entry, 3000))
        assert used.result.verdict is Verdict.FAIL
        for _ in range(4):
            used.update_many(quiet(entry, 2000, seed=5))
            assert used.result.verdict is Verdict.FAIL
        used.update_many([math.nan, 1e308, 0.3])
        assert used.result.verdict is Verdict.FAIL
    used.reset()
    assert used.result == entry.make().result
    used.update_many(values)
    assert used.result == read(entry, values).result


@every_stream
def test_the_first_alarm_is_where_one_by_one_first_fails(entry: Entry) -> None:
    if entry.loud is None:
        assert first_alarm(entry.make(), quiet(entry, 500)) is None
        return
    values = np.insert(failing(entry, 3000), 3, math.nan)
    stream = entry.make()
    before = pickle.dumps(stream)
    place = first_alarm(stream, values)
    assert place is not None
    assert pickle.dumps(stream) == before
    assert read(entry, values[:place]).result.verdict is not Verdict.FAIL
    assert read(entry, values[: place + 1]).result.verdict is Verdict.FAIL


@every_stream
@pytest.mark.parametrize("case", CASES)
def test_hard_values_never_crash_and_the_answer_is_sound(entry: Entry, case: str) -> None:
    hard = CASES[case](np.random.default_rng(1), 2500)
    for values in (hard, np.concatenate([quiet(entry, 1500), hard])):
        stream = entry.make()
        for part in np.array_split(values, 5):
            stream.update_many(part)
            check_sound(FORM, stream.result)


@every_stream
@settings(max_examples=25, deadline=None, derandomize=True)
@given(values=st.lists(st.floats(), max_size=40), cut=st.integers(0, 40))
def test_any_values_in_any_parts_give_one_sound_answer(
    entry: Entry, values: list[float], cut: int
) -> None:
    whole, parts = read(entry, values), read(entry, values[:cut])
    for value in values[cut:]:
        parts.update(value)
    check_sound(FORM, whole.result)
    assert alike(whole.result, parts.result, 1e-9)
    assert whole.result.skipped == parts.result.skipped
    assert whole.result.rows + whole.result.skipped <= len(values)


@every_stream
def test_an_array_of_rows_and_columns_is_refused(entry: Entry) -> None:
    with pytest.raises(ValueError, match=r"dimension|shape"):
        entry.make().update_many(np.zeros((3, 2)))
