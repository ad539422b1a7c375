"""Canonical JSON: what hashes and cache keys stand on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.domain.codec import canonical, digest, digest_of, from_builtins, to_builtins

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**200), 2**200)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=20,
)


@given(JSON)
def test_what_was_decoded_encodes_to_the_same_bytes(value):
    once = canonical(value)
    assert canonical(msgspec.json.decode(once)) == once


@given(JSON)
def test_a_json_value_comes_back_with_its_types(value):
    def typed(held):
        if isinstance(held, dict):
            return {key: typed(inner) for key, inner in held.items()}
        if isinstance(held, list):
            return [typed(inner) for inner in held]
        return (type(held).__name__, repr(held))

    assert typed(to_builtins(value)) == typed(value)


@given(st.dictionaries(st.text(max_size=5), st.integers(), min_size=2))
def test_the_order_of_keys_does_not_matter(value):
    assert canonical(value) == canonical(dict(reversed(value.items())))


@given(st.datetimes(timezones=st.just(UTC)), st.timedeltas())
def test_times_and_durations_are_exact(at, span):
    assert from_builtins(to_builtins(at), datetime) == at
    assert from_builtins(to_builtins(span), timedelta) == span


@given(st.text())
def test_any_text_can_be_written(text):
    assert canonical(canonical(text).decode())
    writable = not any("\ud800" <= letter <= "\udfff" for letter in text)
    assert (to_builtins(text) == text) == writable


@pytest.mark.parametrize(
    ("value", "bytes_"),
    [
        (1, b"1"),
        (1.0, b"1.0"),
        (float("nan"), b"null"),
        (float("-inf"), b"null"),
        ((1, [2]), b"[1,[2]]"),
        ({"z": 1, "ä": 2, "a": 3}, '{"a":3,"z":1,"ä":2}'.encode()),
        ({1: "x", 0: "y"}, b'{"0":"y","1":"x"}'),
        (np.float64(0.1), b"0.1"),
        ({"n": np.int64(3), "b": np.bool_(True)}, b'{"b":true,"n":3}'),
        (np.float64("nan"), b"null"),
        ("file \udce9", rb'"file \\udce9"'),
        (datetime(2024, 1, 2, 3, 4, 5, 6, tzinfo=UTC), b'"2024-01-02T03:04:05.000006Z"'),
        (timedelta(days=28), b'"P28D"'),
    ],
)
def test_the_form_is_fixed(value, bytes_):
    assert canonical(value) == bytes_


@pytest.mark.parametrize("value", [object(), np.zeros(3), {"a": [object()]}, {(1, 2): 3}])
def test_what_has_no_form_is_a_type_error(value):
    with pytest.raises(TypeError):
        canonical(value)


@dataclass(frozen=True)
class _Point:
    y: float
    x: int | None = None


def test_a_dataclass_is_its_fields():
    assert canonical(_Point(1.5)) == b'{"x":null,"y":1.5}'
    assert from_builtins(to_builtins(_Point(1.5, 2)), _Point) == _Point(1.5, 2)
    with pytest.raises(msgspec.ValidationError):
        from_builtins({"y": "text"}, _Point)


def test_digests_are_sha256_of_the_form():
    assert digest_of({"b": 1, "a": 2}) == digest(b'{"a":2,"b":1}')
    assert len(digest(b"")) == 64
