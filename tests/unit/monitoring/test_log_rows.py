import orjson
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from homeostat.monitoring.log_rows import COLUMNS, completed, from_lines, joined, line_of
from tests.unit.monitoring.logged import batch, lines, record

numbers = st.floats(allow_nan=False, allow_infinity=False)
inputs = st.dictionaries(
    st.sampled_from(["a", "b", "c"]),
    st.none() | numbers | st.text() | st.booleans() | st.integers(),
)


def values(row):
    return {name: value for name, value in (row or {}).items() if value is not None}


def alike(read, written):
    """The same value, or its text where other rows have texts."""
    texts = (str(written), orjson.dumps(written, option=0).decode() if fits(written) else "")
    return read == written or (isinstance(read, str) and (read in texts or same(read, written)))


def fits(value):
    return not isinstance(value, int) or -(2**63) <= value < 2**64


def same(read, written):
    try:
        return float(read) == float(written)
    except (TypeError, ValueError):
        return False


@given(st.lists(numbers, min_size=1, max_size=8))
def test_numbers_are_read_as_they_were_written_bit_by_bit(seen):
    content = b"".join(
        line_of(record(n, prediction=value, inputs={"a": value})) for n, value in enumerate(seen)
    )
    frame = from_lines(content)
    assert [value.hex() for value in frame["prediction"].to_list()] == [v.hex() for v in seen]
    assert [row["a"].hex() for row in frame["inputs"].to_list()] == [v.hex() for v in seen]


@given(st.lists(inputs, min_size=1, max_size=6), st.integers(1, 5))
def test_inputs_of_any_kind_are_read_as_they_were_or_as_text(seen, cut):
    seen = [{k: v for k, v in row.items() if fits(v)} for row in seen]
    content = [line_of(record(n, inputs=row)) for n, row in enumerate(seen)]
    halves = [from_lines(b"".join(part)) for part in (content[:cut], content[cut:])]
    for frame in (from_lines(b"".join(content)), joined(halves)):
        assert frame.columns == list(COLUMNS)
        assert frame["id"].to_list() == [f"p{n}" for n in range(len(seen))]
        for read, written in zip(frame["inputs"].to_list(), seen, strict=True):
            assert values(read).keys() == values(written).keys()
            assert all(alike(values(read)[name], value) for name, value in values(written).items())


def test_a_hashed_number_makes_the_column_text():
    plain = from_lines(lines(1, inputs={"a": 1.5, "b": "x"}))
    hashed = from_lines(lines(2, inputs={"a": "00ff", "c": 2}))
    found = joined([plain, hashed])["inputs"].to_list()
    assert found == [{"a": "1.5", "b": "x", "c": None}, {"a": "00ff", "b": None, "c": 2}]


def test_torn_empty_and_foreign_lines_are_left_out():
    good = lines(1)
    torn = lines(2)[:-1]
    assert from_lines(good + torn)["id"].to_list() == ["p1"]
    for foreign in (b"\n", b"\0\0\n", b"3\n", b"[]\n", b"{}\n", b'{"id": "x", "at": "never"}\n'):
        assert from_lines(foreign + good + foreign)["id"].to_list() == ["p1"]
        assert from_lines(foreign).height == 0
    assert from_lines(b"").columns == list(COLUMNS)


def test_what_older_files_do_not_have_is_null():
    old = batch(1).drop("propensity", "fetched")
    whole = completed(old)
    assert whole.columns == list(COLUMNS)
    assert whole.schema["propensity"] == pl.Float64
    assert whole.select("propensity", "fetched").row(0) == (None, None)
    assert joined([old, batch(2)])["propensity"].to_list() == [None, 1.0]


def test_no_rows_have_the_columns_asked_for():
    assert joined([], ("id", "at")).columns == ["id", "at"]
