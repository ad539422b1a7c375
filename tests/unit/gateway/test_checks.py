"""Reading one record must agree with reading a frame, policy by policy."""

import math

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeostat.errors import InputError
from homeostat.gateway.checks import Checks
from homeostat.gateway.frames import flags_of
from homeostat.pipeline.schema import Feature, Schema
from homeostat.spec.serving import Serving

SCHEMA = Schema(
    "binary",
    (
        Feature("size", "number", low=0.0, high=10.0),
        Feature("colour", "category", categories=("red", "blue")),
        Feature("weight", "number", null_allowed=False, low=-1.0, high=1.0),
    ),
)
FITS = {"size": 3.5, "colour": "red", "weight": 0}


def read(record, others=0, **policies):
    flags = []
    values = Checks(SCHEMA, Serving(**policies)).read(record, others, flags)
    return values, flags


def test_a_record_that_fits_is_read_in_model_order():
    assert read({"weight": 0, "colour": "red", "size": 3.5}) == ([3.5, "red", 0], [])


@pytest.mark.parametrize(
    ("field", "value", "becomes", "flag"),
    [
        ("size", True, 1.0, []),
        ("size", "2.5", 2.5, []),
        ("size", None, None, []),
        ("size", math.nan, None, []),
        ("size", 11, 11, ["range:size"]),
        ("size", -1e300, -1e300, ["range:size"]),
        ("size", "12", 12.0, ["range:size"]),
        ("colour", 7, "7", ["unknown:colour"]),
        ("colour", True, "true", ["unknown:colour"]),
        ("colour", None, None, []),
        ("colour", "green", "green", ["unknown:colour"]),
    ],
)
def test_values_are_converted_and_flagged(field, value, becomes, flag):
    values, flags = read({**FITS, field: value})
    assert values[list(FITS).index(field)] == becomes
    assert flags == flag


@pytest.mark.parametrize(
    ("record", "subject"),
    [
        ({"size": 1, "colour": "red"}, "weight"),
        ({**FITS, "wieght": 1}, "wieght"),
        ({**FITS, "size": "large"}, "size"),
        ({**FITS, "size": math.inf}, "size"),
        ({**FITS, "size": "-inf"}, "size"),
        ({**FITS, "size": [1]}, "size"),
        ({**FITS, "size": {}}, "size"),
        ({**FITS, "colour": 1.5}, "colour"),
        ({**FITS, "colour": ["red"]}, "colour"),
        ({**FITS, "weight": None}, "weight"),
        ({**FITS, "weight": math.nan}, "weight"),
        ({}, "size"),
    ],
)
def test_what_does_not_fit_is_named(record, subject):
    with pytest.raises(InputError) as caught:
        read(record)
    assert caught.value.subject == subject
    assert caught.value.next_step


@pytest.mark.parametrize(
    ("policy", "record"),
    [
        ({"missing": "reject"}, {**FITS, "size": None}),
        ({"missing": "reject"}, {**FITS, "colour": None}),
        ({"unknown_category": "reject"}, {**FITS, "colour": "green"}),
        ({"out_of_range": "reject"}, {**FITS, "size": 11}),
    ],
)
def test_what_the_project_rejects_is_an_error(policy, record):
    read(record)
    with pytest.raises(InputError) as caught:
        read(record, **policy)
    assert "serving" in caught.value.next_step


def test_a_null_is_flagged_where_that_is_declared():
    assert read({**FITS, "size": None}, missing="flag")[1] == ["missing:size"]


def test_a_range_may_be_ignored_but_infinity_never_is():
    assert read({**FITS, "size": 1e308}, out_of_range="ignore")[1] == []
    with pytest.raises(InputError):
        read({**FITS, "size": math.inf}, out_of_range="ignore")


def test_keys_that_are_known_to_be_right_are_not_counted_as_features():
    assert read({**FITS, "id": "a"}, others=1)[0] == [3.5, "red", 0]


NUMBERS = st.one_of(st.none(), st.floats(-20, 20), st.integers(-20, 20))


@settings(deadline=None)  # the first example loads pyarrow
@given(
    st.lists(
        st.tuples(NUMBERS, st.one_of(st.none(), st.sampled_from(["red", "blue", "x"])), NUMBERS),
        min_size=1,
        max_size=8,
    ),
    st.sampled_from(["impute", "flag", "reject"]),
    st.sampled_from(["flag", "reject"]),
    st.sampled_from(["ignore", "flag", "reject"]),
)
def test_one_row_and_many_are_read_alike(rows, missing, unknown, outside):
    serving = Serving(missing=missing, unknown_category=unknown, out_of_range=outside)
    checks = Checks(SCHEMA, serving)
    frame = pl.DataFrame(
        {
            "size": [None if a is None else float(a) for a, _, _ in rows],
            "colour": pl.Series([b for _, b, _ in rows], dtype=pl.String),
            "weight": [None if c is None else float(c) for _, _, c in rows],
        },
        schema_overrides={"size": pl.Float64, "weight": pl.Float64},
    )
    try:
        one_by_one = []
        for record in frame.to_dicts():
            flags = []
            checks.read(record, 0, flags)
            one_by_one.append(sorted(flags))
    except InputError:
        with pytest.raises(InputError):
            flags_of(SCHEMA, SCHEMA.conform(frame), serving)
    else:
        together = flags_of(SCHEMA, SCHEMA.conform(frame), serving).to_list()
        assert [sorted(flags) for flags in together] == one_by_one
