from datetime import UTC, datetime, timedelta

import pytest

from homeostat.errors import DiskFullError, InputError
from homeostat.gateway.label_route import LabelRoute
from homeostat.monitoring.label_log import LabelLog
from homeostat.monitoring.label_outcome import Outcome
from homeostat.monitoring.prediction_log import PredictionLog
from homeostat.testing.sim_clock import SimClock

NOW = datetime(2026, 3, 11, 14, 23, tzinfo=UTC)
DAY = timedelta(days=1)


def predict(log, number, at=NOW - DAY, entity="ann"):
    log.write(
        {
            "id": f"p{number}", "event": f"e{number}", "at": at, "model": "m", "version": 1,
            "digest": "d", "arm": "champion", "entity": entity, "prediction": 0.5,
            "latency_ms": 1.0, "flags": [], "inputs": {"x": 1.0}, "propensity": 1.0,
            "fetched": None,
        }
    )  # fmt: skip


@pytest.fixture
def predictions(tmp_path):
    return PredictionLog(tmp_path / "predictions")


@pytest.fixture
def labels(tmp_path):
    return LabelLog(tmp_path / "labels")


@pytest.fixture
def route(labels, predictions):
    return LabelRoute(labels, predictions, SimClock(NOW), binary=True)


def rows(labels):
    found = labels.read(NOW - DAY, NOW + DAY)
    return list(zip(found["id"], found["label"], strict=True))


def post(route, *given):
    answer = route.answer({"labels": list(given), "details": True})
    told = [(one["outcome"], one["event_id"]) for one in answer["labels"]]
    assert sum(answer[outcome] for outcome in map(str, Outcome)) == len(given)
    return told


def test_all_three_names_lead_to_the_same_event(route, predictions, labels):
    predict(predictions, 1)
    at = (NOW - DAY + timedelta(minutes=59)).isoformat()
    assert post(route, {"prediction_id": "p1", "label": True}) == [("accepted", "e1")]
    assert post(route, {"id": "e1", "label": 1}) == [("repeated", "e1")]
    assert post(route, {"entity": "ann", "at": at, "label": 1}) == [("repeated", "e1")]
    assert rows(labels) == [("e1", 1.0)]


def test_each_label_of_a_post_has_an_outcome_in_its_place(route, predictions, labels):
    predict(predictions, 1)
    predict(predictions, 2)
    predict(predictions, 3, NOW - 100 * DAY)
    post(route, {"id": "e2", "label": 0})
    assert post(
        route,
        {"prediction_id": "p3", "label": 1},
        {"prediction_id": "nobody", "label": 1},
        {"id": "e2", "label": 1},
        {"entity": "bob", "at": "2026-03-10T14:23:00Z", "label": 1},
        {"id": "e9", "label": 0},
        {"prediction_id": "p1", "label": 1},
        {"id": "e1", "label": 0},
    ) == [
        ("late", "e3"),
        ("unknown", None),
        ("corrected", "e2"),
        ("unknown", None),
        ("early", "e9"),
        ("contradictory", "e1"),
        ("contradictory", "e1"),
    ]
    assert rows(labels) == [("e2", 0.0), ("e3", 1.0), ("e2", 1.0), ("e9", 0.0)]


def test_without_details_there_are_counts_only(route):
    answer = route.answer({"id": "e1", "label": 1})
    assert answer == {str(outcome): int(outcome == "early") for outcome in Outcome}


def test_an_early_label_is_there_when_its_prediction_comes(route, predictions, labels):
    assert post(route, {"id": "e1", "label": 1}) == [("early", "e1")]
    predict(predictions, 1, NOW)
    assert post(route, {"prediction_id": "p1", "label": 1}) == [("repeated", "e1")]
    assert rows(labels) == [("e1", 1.0)]


def test_an_unknown_label_is_taken_when_its_prediction_is_there(route, predictions):
    assert post(route, {"prediction_id": "p1", "label": 1}) == [("unknown", None)]
    predict(predictions, 1, NOW)
    assert post(route, {"prediction_id": "p1", "label": 1}) == [("accepted", "e1")]


def test_the_tolerance_is_declared(labels, predictions):
    predict(predictions, 1)
    given = {"entity": "ann", "at": (NOW - DAY + timedelta(minutes=5)).isoformat(), "label": 1}
    clock = SimClock(NOW)
    narrow = LabelRoute(labels, predictions, clock, binary=True, tolerance=timedelta(minutes=4))
    wide = LabelRoute(labels, predictions, clock, binary=True, tolerance=timedelta(minutes=5))
    assert post(narrow, given) == [("unknown", None)]
    assert post(wide, given) == [("accepted", "e1")]


def test_one_wrong_label_refuses_the_post(route, labels):
    with pytest.raises(InputError) as caught:
        route.answer({"labels": [{"id": "e1", "label": 1}, {"id": "e2", "label": "yes"}]})
    assert caught.value.subject == "labels[1].label"
    assert rows(labels) == []


def test_a_full_disk_stores_none(route, labels, monkeypatch):
    def full(*_):
        raise DiskFullError("no room", subject="labels", next_step="make room")

    monkeypatch.setattr(labels, "store", full)
    with pytest.raises(DiskFullError):
        route.answer({"id": "e1", "label": 1})
    monkeypatch.undo()
    assert rows(labels) == []


def test_a_regression_takes_any_number(labels, predictions):
    route = LabelRoute(labels, predictions, SimClock(NOW), binary=False)
    assert route.answer({"id": "e", "label": 17.25})["early"] == 1
    assert rows(labels) == [("e", 17.25)]
