from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeostat.monitoring import prediction_index
from homeostat.monitoring.prediction_index import REACH, Found, PredictionIndex
from homeostat.monitoring.prediction_log import PredictionLog

NOW = datetime(2026, 3, 11, 14, 23, 45, 678901, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def record(number, at, entity="ann", arm="champion"):
    return {
        "id": f"p{number}", "event": f"e{number}", "at": at, "model": "m", "version": 1,
        "digest": "d", "arm": arm, "entity": entity, "prediction": 0.5, "latency_ms": 1.0,
        "flags": [], "inputs": {"x": 1.0}, "propensity": 1.0, "fetched": None,
    }  # fmt: skip


class Reads(PredictionLog):
    """A log that remembers which spans were read."""

    def __init__(self, folder):
        super().__init__(folder)
        self.spans = []

    def read(self, since, until, columns=None):
        self.spans.append((since, until))
        return super().read(since, until, columns)


@pytest.fixture
def log(tmp_path):
    return Reads(tmp_path)


def ago(log, *ages):
    log.write_all([record(n, NOW - age) for n, age in enumerate(ages)])


AGES = (MINUTE, 15 * MINUTE, HOUR, 5 * HOUR, 14 * HOUR, 20 * HOUR, 3 * DAY, 9 * DAY, 100 * DAY)


def test_a_prediction_is_found_by_its_id_and_by_its_event_however_old(log):
    ago(log, *AGES)
    index = PredictionIndex(log)
    for number, age in enumerate(AGES):
        expected = Found(f"e{number}", NOW - age)
        assert index.by_id([f"p{number}"], NOW) == {f"p{number}": expected}
        assert index.by_event([f"e{number}"], NOW) == {f"e{number}": expected}


def test_what_was_never_predicted_is_left_out(log):
    ago(log, *AGES)
    index = PredictionIndex(log)
    assert index.by_id(["e1", "nobody", "p1"], NOW).keys() == {"p1"}
    assert index.by_event(["p1", "nobody"], NOW) == {}
    assert PredictionIndex(PredictionLog(log._folder / "none")).by_id(["p1"], NOW) == {}


def test_beyond_the_reach_nothing_is_looked_for(log):
    ago(log, REACH + 8 * DAY)
    assert PredictionIndex(log).by_id(["p0"], NOW) == {}


def test_a_prediction_made_after_the_last_look_is_found(log):
    index = PredictionIndex(log)
    assert index.by_id(["p0"], NOW) == {}
    log.write(record(0, NOW + MINUTE))
    assert index.by_id(["p0"], NOW + MINUTE).keys() == {"p0"}


def test_the_last_prediction_of_an_event_is_the_one_that_is_found(log):
    log.write({**record(1, NOW - 2 * DAY), "event": "e"})
    log.write({**record(2, NOW - 9 * DAY), "event": "e"})
    assert PredictionIndex(log).by_event(["e"], NOW)["e"].at == NOW - 2 * DAY


def test_a_settled_span_without_the_name_is_not_read_twice(log):
    ago(log, *AGES)
    index = PredictionIndex(log)
    index.by_id(["nobody"], NOW)
    first = len(log.spans)
    log.spans.clear()
    index.by_id(["nobody either"], NOW)
    assert len(log.spans) <= 3 < first
    assert all(until > NOW - 30 * MINUTE for _, until in log.spans)


def test_spans_leave_no_gap_back_to_the_reach(log):
    PredictionIndex(log).by_id(["nobody"], NOW)
    spans = sorted(log.spans)
    assert spans[0][0] <= NOW - REACH
    assert all(later[0] <= earlier[1] for earlier, later in pairwise(spans))
    assert len(spans) < 80


def test_what_falls_out_of_memory_is_read_again(log):
    ages = [(40 - n) * MINUTE for n in range(40)]
    ago(log, *ages)
    index = PredictionIndex(log, recent_rows=5)
    names = [f"p{n}" for n in range(40)]
    assert index.by_id(names, NOW).keys() == set(names)
    for late in range(40, 60):
        log.write(record(late, NOW + late * MINUTE))
        assert index.by_id([f"p{late}"], NOW + late * MINUTE).keys() == {f"p{late}"}
        assert len(index._ids) <= 5
        assert len(index._events) <= 5
    assert index.by_id(names, NOW + HOUR).keys() == set(names)


def test_hashes_are_bounded(log, monkeypatch):
    monkeypatch.setattr(prediction_index, "HASHES", 4)
    ago(log, *AGES)
    index = PredictionIndex(log)
    for _ in range(2):
        assert index.by_id([f"p{n}" for n in range(9)], NOW).keys() == {f"p{n}" for n in range(9)}
    assert sum(len(one) for one in index._spans.values()) <= 4


def test_an_entity_stands_for_its_last_prediction_at_or_before_the_time(log):
    log.write_all([record(n, NOW + n * MINUTE, entity="ab"[n % 2]) for n in range(6)])
    index = PredictionIndex(log)
    asked = [("a", NOW + 4 * MINUTE), ("a", NOW + 3 * MINUTE), ("b", NOW + 3 * MINUTE), ("b", NOW)]
    found = [one and one.event for one in index.by_entity(asked)]
    assert found == ["e4", "e2", "e3", None]


def test_both_ends_of_the_tolerance_are_near(log):
    log.write(record(0, NOW))
    index = PredictionIndex(log)
    tick = timedelta(microseconds=1)
    asked = [("ann", NOW), ("ann", NOW + HOUR), ("ann", NOW + HOUR + tick), ("ann", NOW - tick)]
    assert [one is not None for one in index.by_entity(asked, HOUR)] == [True, True, False, False]


def test_a_shadow_answers_nobody(log):
    log.write(record(0, NOW - 2 * MINUTE))
    log.write(record(1, NOW - MINUTE, arm="shadow"))
    assert PredictionIndex(log).by_entity([("ann", NOW)])[0].event == "e0"


@settings(max_examples=40, deadline=None)
@given(
    made=st.lists(st.tuples(st.integers(0, 4000), st.sampled_from("abc")), max_size=30),
    asked=st.lists(st.tuples(st.sampled_from("abcd"), st.integers(-100, 4200)), max_size=30),
)
def test_entities_are_found_as_by_looking_at_every_row(tmp_path_factory, made, asked):
    log = PredictionLog(tmp_path_factory.mktemp("log"))
    rows = sorted(made)
    if rows:
        log.write_all([record(n, NOW + t * MINUTE, e) for n, (t, e) in enumerate(rows)])
    found = PredictionIndex(log).by_entity([(e, NOW + t * MINUTE) for e, t in asked])
    for (entity, time), one in zip(asked, found, strict=True):
        near = [n for n, (t, e) in enumerate(rows) if e == entity and time - 60 <= t <= time]
        assert (one and one.at) == (NOW + rows[near[-1]][0] * MINUTE if near else None)
