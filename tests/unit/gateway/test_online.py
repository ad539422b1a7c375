"""A request with keys only: the gateway fills the rest from the online store, and logs what."""

import json
from datetime import timedelta

import polars as pl
import pytest

from homeostat.features.build import build
from homeostat.features.frames import DeliveryFrames
from tests.served_shop import served_shop

PREDICT = "/v1/models/shop/predict"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    return served_shop(tmp_path_factory.mktemp("shop"))


def logged(served):
    now = served.wired.clock.now()
    return served.wired.log.read(now - timedelta(days=1), now + timedelta(days=1))


def built(served, shop, size):
    """The features as training would have computed them now."""
    wired = served.wired
    accepted = {n: s.accepted for n, s in wired.engine.refresh().sources.items()}
    known = {name: source.known_at for name, source in wired.project.sources.items()}
    events = pl.DataFrame({"id": ["e"], "at": [wired.clock.now()], "shop": [shop], "size": [size]})
    frames = DeliveryFrames(wired.blobs, accepted, known)
    frame = build(wired.project, wired.folder, events, frames).frame
    return frame.select(wired.project.features.names).to_dicts()[0]


def test_a_key_is_enough_and_what_was_fetched_is_logged(served):
    answer = served.ask("POST", PREDICT, json={"id": "e-1", "shop": "b", "size": 0.5})
    assert answer.status_code == 200
    row = logged(served).filter(pl.col("event") == "e-1").to_dicts()[0]
    assert row["inputs"] == built(served, "b", 0.5)
    assert set(json.loads(row["fetched"])) == {"last", "sums"}


def test_many_rows_are_filled_alike(served):
    rows = [{"id": f"m-{n}", "shop": "abc"[n % 3], "size": n / 100} for n in range(90)]
    answer = served.ask("POST", PREDICT, json={"rows": rows})
    assert answer.status_code == 200
    found = logged(served).filter(pl.col("event") == "m-7").to_dicts()[0]
    assert found["inputs"] == built(served, "b", 0.07)
    assert json.loads(found["fetched"])["last"]


def test_a_feature_that_is_sent_wins_over_the_store(served):
    sent = {"id": "e-2", "shop": "b", "size": 0.5, "last__price": 77.0}
    assert served.ask("POST", PREDICT, json=sent).status_code == 200
    row = logged(served).filter(pl.col("event") == "e-2").to_dicts()[0]
    assert row["inputs"]["last__price"] == 77.0
    assert row["inputs"]["last__kind"] == built(served, "b", 0.5)["last__kind"]


def test_all_features_may_be_sent_without_keys(served):
    sent = {"id": "e-3", **built(served, "a", 1.0)}
    assert served.ask("POST", PREDICT, json=sent).status_code == 200
    row = logged(served).filter(pl.col("event") == "e-3").to_dicts()[0]
    assert row["fetched"] is None


def test_an_unknown_key_is_null_and_counts_nothing(served):
    answer = served.ask("POST", PREDICT, json={"id": "e-4", "shop": "nowhere", "size": 0.5})
    assert answer.status_code == 200
    inputs = logged(served).filter(pl.col("event") == "e-4").to_dicts()[0]["inputs"]
    assert (inputs["last__price"], inputs["sums__mean"], inputs["sums__rows"]) == (None, None, 0.0)


@pytest.mark.parametrize(
    ("sent", "subject"),
    [
        ({"size": 0.5}, "shop"),
        ({"shop": "a"}, "size"),
        ({"shop": "a", "size": 0.5, "shpo": "a"}, "shpo"),
    ],
)
def test_what_is_missing_or_misspelt_is_named(served, sent, subject):
    answer = served.ask("POST", PREDICT, json=sent)
    assert answer.status_code == 422
    assert answer.json()["subject"].endswith(subject)


def test_the_document_and_the_metrics_know_of_the_store(served):
    record = served.ask("GET", "/openapi.json").json()["components"]["schemas"]["Record"]
    assert "shop" in record["properties"]
    assert "last__price" not in record["required"]
    text = served.ask("GET", "/metrics").text
    assert 'homeostat_feature_age_seconds{model="shop",view="last"}' in text


def test_the_open_inference_protocol_takes_keys_too(served):
    inputs = [
        {"name": "shop", "datatype": "BYTES", "shape": [2], "data": ["a", "b"]},
        {"name": "size", "datatype": "FP64", "shape": [2], "data": [0.5, 0.5]},
        {"name": "id", "datatype": "BYTES", "shape": [2], "data": ["o-1", "o-2"]},
    ]
    answer = served.ask("POST", "/v2/models/shop/infer", json={"inputs": inputs})
    assert answer.status_code == 200
    row = logged(served).filter(pl.col("event") == "o-2").to_dicts()[0]
    assert row["inputs"] == built(served, "b", 0.5)


def test_what_a_request_would_get_can_be_looked_at(served):
    answer = served.ask("GET", "/v1/models/shop/features", params={"shop": "b"})
    assert answer.status_code == 200
    expected = built(served, "b", 0.5)
    views = {name: value for name, value in expected.items() if "__" in name}
    assert answer.json()["features"] == views
    assert set(answer.json()["fetched"]) == {"last", "sums"}
    document = served.ask("GET", "/openapi.json").json()
    assert document["paths"]["/v1/models/shop/features"]["get"]["parameters"][0]["name"] == "shop"


@pytest.mark.parametrize(("keys", "subject"), [({}, "shop"), ({"shpo": "b"}, "shpo")])
def test_a_missing_or_unknown_key_is_named(served, keys, subject):
    answer = served.ask("GET", "/v1/models/shop/features", params=keys)
    assert answer.status_code == 422
    assert answer.json()["subject"] == subject
