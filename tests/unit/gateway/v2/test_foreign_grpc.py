"""Triton's own gRPC client against a worker that serves gRPC."""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from homeostat.gateway.workers import Workers
from homeostat.loop.deploy.traffic import routing
from homeostat.wiring import gateway_in
from tests.free_port import free_port
from tests.served_gateway import ROW
from tests.served_project import served as served_project

pytestmark = pytest.mark.xdist_group("workers")
CLIENT = Path(__file__).with_name("triton_grpc.py")


@pytest.fixture(scope="module")
def wired(tmp_path_factory):
    return served_project(tmp_path_factory.mktemp("grpc")).wired()


@pytest.fixture(scope="module")
def saw(wired):
    port = free_port()
    command = [sys.executable, "-m", "homeostat.cli.worker", "--project", str(wired.folder)]
    folder = wired.state / "gateway"
    workers = Workers(
        [[*command, "--grpc-port", str(port)]], folder / "workers", folder / "metrics"
    )
    workers.start()
    try:
        gateway_in(wired.state).route(routing(wired.engine.refresh()))
        client = [sys.executable, str(CLIENT), f"127.0.0.1:{port}", json.dumps(ROW)]
        done = subprocess.run(client, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        yield json.loads(done.stdout)
    finally:
        workers.stop()


def expected(wired, count):
    from homeostat.pipeline.scorer import load_scorer

    package = wired.blobs.get_tree(wired.engine.recorded.champion.candidate.package_digest)
    digest = wired.engine.recorded.champion.digest
    scorer = load_scorer(package, trusted_digest=digest, engine="auto")
    return scorer.score(pl.DataFrame({name: [value] * count for name, value in ROW.items()}))


def test_health_and_metadata(saw):
    assert saw["live"] is saw["ready"] is True
    assert saw["model"] == [True, True]
    assert saw["absent"] == [False, False]
    assert "binary_tensor_data" in saw["server"]["extensions"]
    assert [one["name"] for one in saw["metadata"]["inputs"]] == list(ROW)
    assert saw["metadata"]["outputs"][1]["shape"] == ["-1", "2"]
    assert saw["index"]["models"][0]["state"] == "READY"


def test_what_is_answered_is_what_the_model_says(wired, saw):
    assert saw["prediction"] == pytest.approx(expected(wired, 3), abs=1e-12)
    assert saw["typed"] == pytest.approx(expected(wired, 1), abs=1e-12)
    assert saw["narrow"] == pytest.approx(expected(wired, 3), abs=1e-3)
    assert [sum(row) for row in saw["probabilities"]] == pytest.approx([1, 1, 1])
    assert saw["outputs"] == ["prediction", "probabilities"]
    assert (saw["id"], saw["version"]) == ("request-7", "1")


def test_a_large_request_is_answered_whole_and_all_is_logged(wired, saw):
    assert saw["large"] == 10_000
    now = wired.clock.now()
    rows = wired.log.read(now - timedelta(days=1), now + timedelta(days=1))
    assert rows.height == 3 + 10_000 + 1 + 3 + 3


@pytest.mark.parametrize(
    ("what", "status", "named"),
    [
        ("no model", "StatusCode.NOT_FOUND", "other"),
        ("no version", "StatusCode.NOT_FOUND", "99"),
        ("no input", "StatusCode.INVALID_ARGUMENT", "mean_radius"),
    ],
)
def test_errors_have_the_status_that_the_client_knows(saw, what, status, named):
    assert saw[what][0] == status
    assert named in saw[what][1]


def test_contents_beside_raw_contents_are_refused(saw):
    assert saw["both contents"] == "StatusCode.INVALID_ARGUMENT"


def test_the_generated_messages_are_those_of_the_proto(tmp_path):
    from grpc_tools import protoc

    import homeostat.gateway.v2.grpc as package

    folder = Path(package.__file__).parent
    command = ["protoc", f"-I{folder}", f"--python_out={tmp_path}", "open_inference.proto"]
    assert protoc.main(command) == 0
    name = "open_inference_pb2.py"
    assert (tmp_path / name).read_text() == (folder / name).read_text(), "run `make proto`"
