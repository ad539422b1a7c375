import asyncio
import json
from types import SimpleNamespace

import pytest

from homeostat.errors import InputError, OverloadedError, StateError, UnexpectedError
from homeostat.gateway.control import Control
from homeostat.gateway.load import Load
from homeostat.gateway.metrics import Metrics
from homeostat.gateway.problems import fault_codes
from homeostat.gateway.standing import Standing
from homeostat.monitoring.load import WorkerLoad
from tests.served_gateway import BASE, ROW, gateway


def test_codes_of_faults_are_those_answered_with_a_5xx():
    codes = fault_codes()
    assert {UnexpectedError.code, OverloadedError.code, StateError.code} <= codes
    assert InputError.code not in codes


def test_requests_and_faults_are_counted_and_probes_are_not():
    metrics = Metrics("m")
    for route in ("predict", "predict", "v2.infer", "healthz", "metrics", "unknown"):
        metrics.latency.labels("m", route).observe(0.1)
    for route, code in (
        ("predict", OverloadedError.code),
        ("predict", InputError.code),
        ("v2.infer", UnexpectedError.code),
        ("metrics", OverloadedError.code),
    ):
        metrics.errors.labels("m", route, code).inc()
    found = Load(metrics, lambda: 7).now()
    assert (found.requests, found.server_errors, found.queue_rows) == (3, 2, 7)


def test_a_worker_that_did_nothing_has_counted_nothing():
    found = Load(Metrics("m"), lambda: 0).now()
    assert (found.requests, found.server_errors) == (0, 0)
    assert found.age_s >= 0
    assert found.cpu_s > 0


def test_real_requests_are_counted(tmp_path):
    served = gateway(tmp_path)
    load = Load(served.worker.metrics, lambda: served.worker.app.waiting)
    assert served.ask("POST", f"{BASE}/predict", json=ROW).status_code == 200
    assert served.ask("POST", f"{BASE}/predict", json={}).status_code == 422
    served.ask("GET", "/readyz")
    assert (load.now().requests, load.now().server_errors) == (2, 0)
    assert load.now().queue_rows == 0


def test_a_model_without_a_version_answers_with_faults(tmp_path):
    served = gateway(tmp_path, routed=False)
    load = Load(served.worker.metrics, lambda: 0)
    assert served.ask("POST", f"{BASE}/predict", json=ROW).status_code == 503
    assert (load.now().requests, load.now().server_errors) == (1, 1)


@pytest.fixture
def told(tmp_path):
    """What a worker answers to ``load`` over its control socket."""
    load = Load(Metrics("m"), lambda: 5)
    control = Control(SimpleNamespace(), Standing(), load, "worker-1", lambda: None)

    async def go():
        server = await control.serve(tmp_path / "worker-1.sock")
        reader, writer = await asyncio.open_unix_connection(tmp_path / "worker-1.sock")
        writer.write(b'{"do": "load"}\n')
        line = await reader.readline()
        writer.close()
        server.close()
        return json.loads(line)

    return asyncio.run(go())


def test_the_control_socket_tells_the_load(told):
    found = WorkerLoad(**told["ok"])
    assert found.queue_rows == 5
    assert found.requests == 0
