import stat
import threading
from hashlib import blake2b

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.errors import StateCorruptError
from homeostat.monitoring.log_rows import from_lines, line_of
from homeostat.monitoring.redaction import (
    KEY_BYTES,
    Redaction,
    hidden,
    hidden_rows,
    looks_hashed,
    redaction_key,
)
from tests.unit.monitoring.logged import record

KEY = bytes(range(KEY_BYTES))
BOTH = {"a": "hash", "b": "drop"}


def test_a_personal_input_is_hashed_with_the_key_or_left_out():
    redaction = Redaction(BOTH, KEY)
    inputs = redaction.record(record(1))["inputs"]
    expected = blake2b(b"a\x001.0", digest_size=16, key=KEY).hexdigest()
    assert inputs == {"a": expected, "b": None}
    assert Redaction(BOTH, bytes(KEY_BYTES)).record(record(1))["inputs"]["a"] != expected


def test_one_value_has_one_hash_however_it_is_written_and_another_in_another_field():
    redaction = Redaction(BOTH, KEY)
    assert redaction.hashed("a", 1) == redaction.hashed("a", 1.0) == redaction.hashed("a", True)
    assert redaction.hashed("a", 1) != redaction.hashed("b", 1)
    assert redaction.hashed("a", "1") != redaction.hashed("a", 1)
    assert redaction.hashed("a", None) is redaction.hashed("a", float("nan")) is None
    assert redaction.hashed("a", "nan") is not None


@given(
    st.lists(st.floats() | st.none(), min_size=1, max_size=5),
    st.lists(st.text() | st.none(), min_size=5, max_size=5),
    st.sampled_from(["a", "b", "c", None]),
)
def test_a_frame_is_treated_as_its_records_are(numbers, texts, entity):
    redaction = Redaction(BOTH, KEY, entity=entity)
    records = [
        record(n, inputs={"a": number, "b": text, "c": 1.0})
        for n, (number, text) in enumerate(zip(numbers, texts, strict=False))
    ]
    frame = pl.DataFrame(records, schema_overrides={"fetched": pl.String, "flags": pl.List(str)})
    whole = redaction.frame(frame)
    assert whole.columns == frame.columns
    single = [redaction.record(one) for one in records]
    for name in ("inputs", "entity"):
        assert whole[name].to_list() == [one[name] for one in single]


def test_the_entity_goes_by_the_name_of_the_project():
    hashed = Redaction({"customer": "hash"}, KEY, entity="customer")
    assert hashed.record(record(1))["entity"] == hashed.hashed("customer", "x")
    dropped = Redaction({"customer": "drop"}, KEY, entity="customer")
    assert dropped.record(record(1))["entity"] == ""
    other = Redaction({"customer": "hash"}, KEY, entity="loan")
    assert (other.record(record(1))["entity"], other.record(record(1))["event"]) == ("x", "e1")


def test_nothing_of_a_personal_value_is_in_the_line():
    redaction = Redaction({"a": "hash", "b": "drop"}, KEY)
    line = line_of(redaction.record(record(1, inputs={"a": "Ada Lovelace", "b": "12 High St"})))
    assert b"Ada" not in line
    assert b"High" not in line
    assert looks_hashed(from_lines(line)["inputs"][0]["a"])


def test_without_personal_fields_nothing_changes():
    redaction = Redaction({}, KEY)
    assert not redaction
    assert redaction.record(record(1)) == record(1)
    frame = from_lines(line_of(record(1)))
    assert redaction.frame(frame).equals(frame)


def test_what_is_hidden_is_known_from_the_row():
    hashed = Redaction(BOTH, KEY).record(record(1))["inputs"]
    assert hidden(hashed, BOTH) == ["a", "b"]
    assert hidden({"a": 1.0, "b": "x"}, BOTH) == []
    rows = pl.Series([{"a": "1.0", "b": "x"}, hashed, {"a": None, "b": "x"}])
    assert hidden_rows(rows, BOTH, ["a", "b"]).to_list() == [False, True, False]
    assert hidden_rows(rows, BOTH, ["c"]).to_list() == [False] * 3
    assert hidden_rows(rows[:0], BOTH, ["a"]).to_list() == []


def test_the_key_is_made_once_and_only_its_owner_may_read_it(tmp_path):
    path, found = tmp_path / "log" / "redaction.key", []
    threads = [threading.Thread(target=lambda: found.append(redaction_key(path))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert set(found) == {path.read_bytes()}
    assert len(found[0]) == KEY_BYTES
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["redaction.key"]


def test_a_damaged_key_is_said_and_not_replaced(tmp_path):
    path = tmp_path / "redaction.key"
    path.write_bytes(b"short")
    with pytest.raises(StateCorruptError):
        redaction_key(path)
    assert path.read_bytes() == b"short"
