"""What `serving` declares, through the whole application."""

import asyncio
import resource
import subprocess
import sys
from datetime import timedelta

import httpx
import pytest

from homeostat.errors import DiskFullError
from tests.served_gateway import BASE, ROW, gateway


def logged(served):
    now = served.wired.clock.now()
    return served.wired.log.read(now - timedelta(days=1), now + timedelta(days=1))


def full(_):
    raise DiskFullError("no room", subject="log", next_step="make room")


@pytest.mark.parametrize("count", [1, 100])
def test_a_full_log_may_be_answered_over_and_is_counted(tmp_path, monkeypatch, count):
    served = gateway(tmp_path, declared="serving: {log: {when_full: answer}}")
    monkeypatch.setattr(served.worker.log, "write_lines", full)
    monkeypatch.setattr(served.worker.log, "append", full)
    sent = {"rows": [ROW] * count} if count > 1 else ROW
    answer = served.ask("POST", f"{BASE}/predict", json=sent)
    assert answer.status_code == 200
    one = answer.json()["predictions"][0] if count > 1 else answer.json()
    assert one["flags"][-1] == "unlogged"
    text = served.ask("GET", "/metrics").text
    assert f'homeostat_unlogged_predictions_total{{model="tumours"}} {count:.1f}' in text
    assert logged(served).height == 0


@pytest.mark.parametrize("count", [1, 100])
def test_a_full_log_refuses_by_default_and_acknowledges_nothing(tmp_path, monkeypatch, count):
    served = gateway(tmp_path)
    monkeypatch.setattr(served.worker.log, "write_lines", full)
    monkeypatch.setattr(served.worker.log, "append", full)
    sent = {"rows": [ROW] * count} if count > 1 else ROW
    answer = served.ask("POST", f"{BASE}/predict", json=sent)
    assert (answer.status_code, answer.json()["code"]) == (503, "H406")
    assert answer.headers["retry-after"]


def test_requests_that_arrive_together_are_batched_and_each_gets_its_own_answer(tmp_path):
    served = gateway(tmp_path, declared="serving: {micro_batch: {max_rows: 16, budget_ms: 5}}")
    calls = []
    answer_rows = served.worker.model.rows.answer
    served.worker.app._batcher._answer = lambda rows: (calls.append(len(rows)), answer_rows(rows))
    bodies = [{"id": f"b-{n}", **ROW, "worst_area": 500.0 + n} for n in range(40)]
    bodies[7]["worst_area"] = "large"

    async def go():
        transport = httpx.ASGITransport(app=served.worker.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            asked = [client.post(f"{BASE}/predict", json=body) for body in bodies]
            return await asyncio.gather(*asked)

    answers = asyncio.run(go())
    assert [a.status_code for a in answers] == [422 if n == 7 else 200 for n in range(40)]
    good = [a.json() for n, a in enumerate(answers) if n != 7]
    assert [a["event_id"] for a in good] == [f"b-{n}" for n in range(40) if n != 7]
    assert len({a["prediction"] for a in good}) == 39
    assert max(calls) > 1
    assert logged(served).height == 39


def test_more_waiting_requests_than_declared_are_told_to_come_back(tmp_path):
    served = gateway(tmp_path, declared="serving: {max_waiting: 1}")
    rows = {"rows": [ROW] * 100}

    async def go():
        transport = httpx.ASGITransport(app=served.worker.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            return await asyncio.gather(
                *(client.post(f"{BASE}/predict", json=rows) for _ in range(6))
            )

    statuses = sorted(answer.status_code for answer in asyncio.run(go()))
    assert statuses[0] == 200
    assert statuses[-1] == 503


def test_a_version_that_is_named_answers_and_is_logged_as_pinned(tmp_path):
    from dataclasses import replace

    served = gateway(tmp_path)
    arms = served.worker.model.arms
    (first,) = arms.observe().arms
    dark = replace(first, version=5, share=0.0)
    arms.route(replace(arms.observe(), arms=(first, dark)))
    inputs = [
        {"name": name, "datatype": "FP64", "shape": [1], "data": [value]}
        for name, value in ROW.items()
    ]
    path = "/v2/models/tumours/versions/5/infer"
    answer = served.ask("POST", path, json={"inputs": inputs})
    assert answer.json()["model_version"] == "5"
    for _ in range(20):
        assert served.ask("POST", f"{BASE}/predict", json=ROW).json()["version"] == 1
    rows = logged(served)
    assert rows["arm"].value_counts(sort=True).rows() == [("champion", 20), ("pinned", 1)]


WRITER = """
import resource, sys
from pathlib import Path
from homeostat.errors import DiskFullError
from homeostat.wiring import open_worker
worker = open_worker(Path(sys.argv[1]))
worker.model.arms.restore()
row = eval(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
acknowledged = refused = 0
for number in range(400):
    try:
        one = worker.model.rows.read({"id": f"w-{number}", **row})
        worker.model.rows.answer((one,))
        acknowledged += 1
    except DiskFullError:
        refused += 1
print(acknowledged, refused)
"""


def test_a_disk_that_is_full_loses_no_acknowledged_prediction(tmp_path):
    assert resource.RLIMIT_FSIZE
    served = gateway(tmp_path)
    command = [sys.executable, "-c", WRITER, str(served.wired.folder), repr(ROW)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    acknowledged, refused = map(int, done.stdout.split())
    assert acknowledged > 10
    assert refused > 10
    assert logged(served).height == acknowledged
