"""A routing holds in all worker processes or in none; what they answer is believed."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest

from homeostat.adapters.local.workers_serving import WorkersServing
from homeostat.domain.rollout import Routing
from homeostat.errors import ModelLoadError, NotReadyError, OrderError, ServingError
from homeostat.gateway.workers import Workers, socket_name
from homeostat.loop.deploy.traffic import routing
from homeostat.monitoring.load import sampled
from homeostat.testing.serving_conformance import Served, ServingConformance
from tests.free_port import free_port
from tests.served_gateway import BASE, ROW
from tests.served_project import served as served_project
from tests.worlds import NOW

pytestmark = pytest.mark.xdist_group("workers")


@dataclass
class Running:
    folder: Path
    workers: Workers
    serving: WorkersServing
    port: int
    one: Routing

    def ask(self, path, **options):
        """One request on a connection of its own, so that any worker may get it."""
        if "json" in options:
            return httpx.post(f"http://127.0.0.1:{self.port}{path}", timeout=20, **options)
        return httpx.get(f"http://127.0.0.1:{self.port}{path}", timeout=20)


@contextmanager
def running(place, count=2):
    project = served_project(place)
    wired = project.wired()
    one = routing(wired.engine.refresh())
    port = free_port()
    command = [sys.executable, "-m", "homeostat.cli.worker", "--project", str(project.folder)]
    command += ["--port", str(port)]
    sockets = wired.state / "gateway" / "workers"
    workers = Workers([command] * count, sockets, wired.state / "gateway" / "metrics")
    workers.start()
    try:
        yield Running(project.folder, workers, WorkersServing(sockets), port, one)
    finally:
        workers.stop()


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    with running(tmp_path_factory.mktemp("workers")) as found:
        yield found


class TestWorkersServing(ServingConformance):
    @pytest.fixture
    def served(self, shared):
        shared.serving.route(Routing())
        (first,) = shared.one.arms
        return Served(shared.serving, first, replace(first, version=2))


def until(true, what, tries=600):
    for _ in range(tries):
        if true():
            return
        time.sleep(0.05)
    raise AssertionError(f"it never happened: {what}")


def test_every_worker_answers_with_what_was_routed(shared):
    shared.serving.route(shared.one)
    assert list(shared.serving.workers().values()) == [shared.one, shared.one]
    for _ in range(8):
        assert shared.ask(f"{BASE}/predict", json=ROW).json()["version"] == 1


def test_a_version_that_cannot_be_loaded_reaches_no_worker(shared):
    shared.serving.route(shared.one)
    (first,) = shared.one.arms
    bad = Routing((first, replace(first, version=9, package="0" * 64, digest="0" * 64, share=0.0)))
    with pytest.raises(ModelLoadError):
        shared.serving.route(bad)
    assert list(shared.serving.workers().values()) == [shared.one, shared.one]


def test_metrics_are_those_of_all_workers_whoever_answers(shared):
    shared.serving.route(shared.one)

    def answered():
        text = shared.ask("/metrics").text
        assert 'homeostat_workers{model="tumours"} 2.0' in text
        for line in text.splitlines():
            if line.startswith("homeostat_predictions_total") and 'version="1"' in line:
                return float(line.split()[-1])
        return 0.0

    before = answered()
    for _ in range(12):
        shared.ask(f"{BASE}/predict", json=ROW)
    assert {answered() for _ in range(6)} == {before + 12}


def test_workers_tell_what_they_did_and_take(shared):
    shared.serving.route(shared.one)
    before = shared.serving.loads()
    assert len(before) == 2
    for _ in range(8):
        shared.ask(f"{BASE}/predict", json=ROW)
    found = sampled(before, shared.serving.loads(), NOW)
    assert (found.requests, found.server_errors, found.workers) == (8, 0, 2)
    assert found.cpu_share > 0
    assert found.queue_rows == 0


def test_readiness_says_whether_the_controller_was_heard(shared):
    shared.serving.route(shared.one)
    shared.serving.heard(failing=True)
    told = shared.ask("/readyz").json()
    assert told["ready"] is True
    assert told["controller"]["up"] is False
    assert told["controller"]["serving"] == "the last good routing"
    shared.serving.heard(failing=False)
    assert shared.ask("/readyz").json()["controller"]["up"] is True
    assert 'homeostat_controller_up{model="tumours"} 1.0' in shared.ask("/metrics").text


def test_a_killed_worker_is_started_again_and_serves_the_last_good_routing(shared):
    shared.serving.route(shared.one)
    victim = shared.workers.pids[0]
    os.kill(victim, signal.SIGKILL)
    ended = []
    until(lambda: ended.extend(shared.workers.watch()) or ended, "the watch sees it")
    assert len(ended) == 1
    assert shared.serving.observe() == shared.one  # the other worker goes on

    def both_serve():
        shared.workers.watch()
        return list(shared.serving.workers().values()) == [shared.one, shared.one]

    until(both_serve, "both serve again")
    assert victim not in shared.workers.pids


def test_a_worker_that_hangs_means_that_no_routing_is_in_force(shared, monkeypatch):
    from homeostat.adapters.local import worker_sockets

    shared.serving.route(shared.one)
    monkeypatch.setattr(worker_sockets.ask, "__defaults__", (0.5,))
    monkeypatch.setattr(worker_sockets.ask_all, "__defaults__", (0.5,))
    hung = shared.workers.pids[0]
    os.kill(hung, signal.SIGSTOP)
    try:
        assert shared.serving.observe() == Routing()
        loads = shared.serving.loads()
        assert (len(loads), loads[f"worker-{hung}"]) == (2, None)
        with pytest.raises(ServingError):
            shared.serving.route(Routing())
    finally:
        os.kill(hung, signal.SIGCONT)
    until(lambda: shared.serving.observe() == shared.one, "it answers again")


def test_without_workers_nothing_can_be_routed(tmp_path):
    serving = WorkersServing(tmp_path)
    assert serving.observe() is None
    assert not serving.alive()
    with pytest.raises(NotReadyError):
        serving.route(Routing())


def test_the_socket_of_a_dead_worker_is_taken_away(tmp_path):
    path = tmp_path / "worker-1.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    assert WorkersServing(tmp_path).observe() is None
    assert not path.exists()


def test_a_state_folder_with_a_long_name_has_sockets_too(tmp_path):
    from homeostat.gateway.control import LONGEST_ADDRESS

    deep = tmp_path / ("a" * 60) / ("b" * 60)
    deep.mkdir(parents=True)
    assert len(str(deep)) > LONGEST_ADDRESS
    with running(deep, count=1) as found:
        found.serving.route(found.one)
        assert found.serving.observe() == found.one


def test_workers_without_their_starter_go_on_and_can_be_followed_by_new_ones(tmp_path):
    project = served_project(tmp_path)
    port = free_port()
    code = "from homeostat.cli.entry import main; main()"
    command = [sys.executable, "-c", code, "up", "--no-controller", "-p", str(project.folder)]
    command += ["--port", str(port), "--workers", "1"]
    serving = WorkersServing(project.folder / ".homeostat" / "gateway" / "workers")

    def answers():
        observed = serving.observe()
        return observed is not None and bool(observed.answering)

    first = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    second = None
    try:
        until(answers, "the first gateway serves")
        with pytest.raises(OrderError):
            serving.orphans()
        first.kill()
        first.wait()
        (orphan,) = serving.workers()
        until(lambda: serving.orphans() == [orphan], "it is without its starter")
        assert httpx.post(f"http://127.0.0.1:{port}{BASE}/predict", json=ROW).status_code == 200
        second = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        until(lambda: answers() and orphan not in serving.workers(), "the second has followed")
        assert httpx.post(f"http://127.0.0.1:{port}{BASE}/predict", json=ROW).status_code == 200
        second.send_signal(signal.SIGTERM)
        second.wait(30)
        assert serving.observe() is None
    finally:
        for process in (first, second):
            if process is not None and process.poll() is None:
                process.kill()
        for name in serving.workers():
            os.kill(int(name.removeprefix(socket_name(0)[:-1])), signal.SIGKILL)
