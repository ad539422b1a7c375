import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import httpx
import polars as pl
import psutil
import pytest

from homeostat.errors import DiskFullError
from homeostat.wiring import open_worker
from tests.served_gateway import BASE, ROW, gateway
from tests.served_project import served as served_project


@pytest.fixture
def served(tmp_path):
    return gateway(tmp_path)


@pytest.fixture
def ask(served):
    return served.ask


def logged(served):
    now = served.wired.clock.now()
    return served.wired.log.read(now - timedelta(days=1), now + timedelta(days=1))


def test_one_record_is_answered_and_logged_with_its_inputs(served, ask):
    answer = ask("POST", f"{BASE}/predict", json={"id": "b-1", **ROW})
    assert answer.status_code == 200
    found = answer.json()
    assert found["event_id"] == "b-1"
    assert found["version"] == 1
    assert 0.5 < found["prediction"] <= 1
    assert found["label"] is True
    (row,) = logged(served).to_dicts()
    assert row["id"] == found["id"]
    assert row["prediction"] == pytest.approx(found["prediction"], abs=1e-12)
    assert row["inputs"] == ROW
    assert row["arm"] == "champion"


def test_many_records_are_answered_in_order(served, ask):
    rows = [{"id": f"b-{n}", **ROW, "worst_area": 200.0 + n} for n in range(50)]
    found = ask("POST", f"{BASE}/predict", json={"rows": rows}).json()["predictions"]
    assert [answer["event_id"] for answer in found] == [row["id"] for row in rows]
    assert logged(served).height == 50


def test_records_without_an_id_get_one_of_their_own(ask):
    rows = [ROW, ROW]
    found = ask("POST", f"{BASE}/predict", json={"rows": rows}).json()["predictions"]
    assert len({answer["event_id"] for answer in found}) == 2


@pytest.mark.parametrize(
    ("options", "status", "code"),
    [
        ({"content": b"{"}, 422, "H503"),
        ({"content": b'{"mean_radius": NaN}'}, 422, "H503"),
        ({"content": b'{"mean_radius": Infinity}'}, 422, "H503"),
        ({"content": b""}, 422, "H503"),
        ({"content": b"[1, 2]"}, 422, "H503"),
        ({"json": {"rows": []}}, 422, "H503"),
        ({"json": {"rows": "all"}}, 422, "H503"),
        ({"json": {k: v for k, v in ROW.items() if k != "worst_area"}}, 422, "H503"),
        ({"json": {**ROW, "worst_aera": 1.0}}, 422, "H503"),
        ({"json": {**ROW, "worst_area": "large"}}, 422, "H503"),
        ({"json": {**ROW, "worst_area": [1.0]}}, 422, "H503"),
        ({"json": {**ROW, "worst_area": {"a": 1}}}, 422, "H503"),
        ({"content": b" " * (17 * 1024 * 1024)}, 413, "H506"),
    ],
)
def test_a_bad_request_is_one_shape_and_is_not_logged(served, ask, options, status, code):
    answer = ask("POST", f"{BASE}/predict", **options)
    assert answer.status_code == status
    assert set(answer.json()) == {"code", "error", "problem", "subject", "next_step"}
    assert answer.json()["code"] == code
    assert answer.json()["next_step"]
    assert logged(served).height == 0


def test_a_missing_or_misspelt_feature_is_named(ask):
    misspelt = {**ROW, "worst_aera": 1}
    assert ask("POST", f"{BASE}/predict", json=misspelt).json()["subject"] == "worst_aera"
    rows = {"rows": [ROW, misspelt]}
    assert ask("POST", f"{BASE}/predict", json=rows).json()["subject"] == "rows[1].worst_aera"


def test_unknown_models_and_routes_have_the_same_shape(ask):
    for method, path, status in (
        ("POST", "/v1/models/other/predict", 404),
        ("GET", "/nowhere", 404),
        ("GET", f"{BASE}/predict", 405),
    ):
        answer = ask(method, path)
        assert answer.status_code == status
        assert "next_step" in answer.json()


def test_labels_are_idempotent_and_corrections_are_counted(served, ask):
    ask("POST", f"{BASE}/predict", json={"id": "b-1", **ROW})

    def post(value):
        answer = ask("POST", f"{BASE}/labels", json={"id": "b-1", "label": value})
        assert answer.status_code == 202
        return {outcome for outcome, count in answer.json().items() if count}

    assert post(True) == {"accepted"}
    assert post(True) == {"repeated"}
    assert post(False) == {"corrected"}
    since = datetime(2000, 1, 1, tzinfo=UTC)
    rows = served.wired.labels.read(since, served.wired.clock.now() + timedelta(days=1))
    assert rows["label"].to_list() == [1.0, 0.0]


@pytest.mark.parametrize(
    "body", [{}, {"id": "b"}, {"id": "b", "label": "yes"}, {"labels": []}, {"id": [], "label": 1}]
)
def test_bad_labels_are_named(ask, body):
    assert ask("POST", f"{BASE}/labels", json=body).status_code == 422


def test_a_full_log_answers_503_and_no_prediction(served, ask, monkeypatch):
    def full(_):
        raise DiskFullError("no room", subject="log", next_step="make room")

    monkeypatch.setattr(served.worker.log, "write_lines", full)
    answer = ask("POST", f"{BASE}/predict", json=ROW)
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert answer.json()["code"] == "H406"


def test_before_the_first_version_the_gateway_is_alive_and_not_ready(tmp_path):
    found = gateway(tmp_path, routed=False)
    assert found.ask("GET", "/healthz").status_code == 200
    assert found.ask("GET", "/readyz").status_code == 503
    answer = found.ask("POST", f"{BASE}/predict", json=ROW)
    assert (answer.status_code, answer.json()["code"]) == (503, "H502")


def test_metrics_and_documents(ask):
    ask("POST", f"{BASE}/predict", json=ROW)
    text = ask("GET", "/metrics").text
    assert 'homeostat_predictions_total{arm="champion",model="tumours",version="1"} 1.0' in text
    assert 'homeostat_prediction_seconds_count{arm="champion",model="tumours",version="1"}' in text
    assert 'homeostat_arm_share{model="tumours",version="1"} 1.0' in text
    document = ask("GET", "/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    record = document["paths"][f"{BASE}/predict"]["post"]["requestBody"]["content"]
    assert "worst_area" in str(record)
    assert "predict" in ask("GET", "/").text
    assert ask("GET", BASE).json()["arms"][0]["version"] == 1


def test_a_restarted_gateway_serves_the_last_good_routing_from_its_own_disk(served):
    again = open_worker(served.wired.folder).model
    assert not again.arms.ready
    assert again.arms.restore()
    assert again.observe() == served.worker.model.observe()


def test_a_killed_gateway_has_logged_every_acknowledged_prediction(tmp_path):
    folder = served_project(tmp_path).folder
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    code = "from homeostat.cli.entry import main; main()"
    command = [sys.executable, "-c", code, "up", "--no-controller", "--port", str(port)]
    process = subprocess.Popen([*command, "-p", str(folder)], stdout=subprocess.DEVNULL)
    try:
        acknowledged = []
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
            _wait_until_ready(client)
            for number in range(40):
                row = {"id": f"b-{number}", **ROW}
                acknowledged.append(client.post(f"{BASE}/predict", json=row).json()["id"])
        for worker in psutil.Process(process.pid).children():
            worker.send_signal(signal.SIGKILL)
    finally:
        for left in [*psutil.Process(process.pid).children(), process]:
            left.kill()
        process.wait()
    from homeostat.monitoring.prediction_log import PredictionLog

    log = PredictionLog(folder / ".homeostat" / "log" / "predictions")
    since = datetime(2000, 1, 1, tzinfo=UTC)
    found = log.read(since, datetime(2100, 1, 1, tzinfo=UTC), ["id"])
    assert isinstance(found, pl.DataFrame)
    assert set(acknowledged) == set(found["id"].to_list())
    assert found.height == 40


def _wait_until_ready(client):
    for _ in range(600):
        try:
            if client.get("/readyz").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("the gateway did not come up")
