"""KServe's own REST and gRPC clients against workers, from an environment made for them."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from homeostat.gateway.workers import Workers
from homeostat.loop.deploy.traffic import routing
from homeostat.pipeline.scorer import load_scorer
from homeostat.wiring import gateway_in
from tests.free_port import free_port
from tests.served_gateway import ROW
from tests.served_project import served as served_project

pytestmark = pytest.mark.xdist_group("workers")
ROOT = Path(__file__).parents[4]
CLIENT = Path(__file__).with_name("kserve_client.py")


def environment():
    """The interpreter of an environment with KServe; None, and why, when it cannot be had.

    It is made beside and moved into place: several test processes may want it at once.
    """
    folder = ROOT / "build" / "clients" / "kserve"
    if folder.exists():
        return folder / "bin" / "python", ""
    uv = shutil.which("uv") or ROOT / "build" / "bootstrap" / "bin" / "uv"
    making = folder.with_name(f"kserve-{os.getpid()}")
    python = making / "bin" / "python"
    try:
        for command in (
            [uv, "venv", "-q", "--python", sys.executable, making],
            [uv, "pip", "install", "-q", "--python", python, "kserve"],
        ):
            subprocess.run(command, check=True, capture_output=True, text=True)
        making.rename(folder)
    except (OSError, subprocess.CalledProcessError) as error:
        shutil.rmtree(making, ignore_errors=True)
        if not folder.exists():
            why = getattr(error, "stderr", "") or error
            return None, f"KServe cannot be installed: {why}"
    return folder / "bin" / "python", ""


@pytest.fixture(scope="module")
def wired(tmp_path_factory):
    return served_project(tmp_path_factory.mktemp("kserve")).wired()


@pytest.fixture(scope="module")
def saw(wired):
    python, problem = environment()
    if python is None:
        if os.environ.get("HOMEOSTAT_REQUIRE_SERVICES") == "1":
            pytest.fail(problem)
        pytest.skip(problem)
    rest, grpc = free_port(), free_port()
    command = [sys.executable, "-m", "homeostat.cli.worker", "--project", str(wired.folder)]
    commands = [[*command, "--port", str(rest)], [*command, "--grpc-port", str(grpc)]]
    folder = wired.state / "gateway"
    workers = Workers(commands, folder / "workers", folder / "metrics")
    workers.start()
    try:
        gateway_in(wired.state).route(routing(wired.engine.refresh()))
        asked = [python, CLIENT, f"http://127.0.0.1:{rest}", f"127.0.0.1:{grpc}", json.dumps(ROW)]
        done = subprocess.run(asked, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        yield json.loads(done.stdout)
    finally:
        workers.stop()


@pytest.mark.parametrize("protocol", ["rest", "grpc"])
def test_kserves_client_is_answered_what_the_model_says(wired, saw, protocol):
    champion = wired.engine.recorded.champion
    package = wired.blobs.get_tree(champion.candidate.package_digest)
    scorer = load_scorer(package, trusted_digest=champion.digest, engine="auto")
    truth = scorer.score(pl.DataFrame({name: [value] * 2 for name, value in ROW.items()}))
    found = saw[protocol]
    assert found["live"] is found["ready"] is found["model"] is True
    assert found["outputs"]["prediction"] == pytest.approx(truth, abs=1e-12)
    assert found["outputs"]["label"] == [True, True]
    assert len(set(found["outputs"]["prediction_id"])) == 2
    assert found["id"] == "request-7"
    if protocol == "grpc":  # its REST client does not read the version that stands in the answer
        assert found["version"] == "1"
