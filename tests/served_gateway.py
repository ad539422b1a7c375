"""A gateway over the served project, asked in this process or over a port."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from homeostat.gateway.server import listening, server_of
from homeostat.loop.deploy.traffic import routing
from homeostat.wiring import Assembly, Worker, open_worker
from tests.served_project import served

ROW = {
    "mean_radius": 17.9,
    "mean_texture": 10.4,
    "mean_smoothness": 0.118,
    "mean_concavity": 0.3,
    "worst_area": 2019.0,
    "worst_symmetry": 0.46,
}
BASE = "/v1/models/tumours"


@dataclass
class Gateway:
    """A worker's application, and the project behind it."""

    wired: Assembly
    worker: Worker

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One request, in this process; rows for shadows are scored before it returns."""

        async def go() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.worker.app)  # type: ignore[arg-type]
            async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
                answer = await client.request(method, path, **options)
                while len(self.worker.model.shadows):
                    await asyncio.sleep(0.01)
                return answer

        return asyncio.run(go())

    @contextmanager
    def listening(self, read_timeout_s: float = 10.0, connections: int = 100) -> Iterator[int]:
        """Serve over a real port; gives the port."""
        sock = listening("127.0.0.1", 0, shared=False)
        server = server_of(
            self.worker.app, read_timeout_s=read_timeout_s, max_connections=connections
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield sock.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(10)


def gateway(place: Path, *, routed: bool = True, declared: str = "") -> Gateway:
    """A copy of the served project with ``declared`` lines added to its file."""
    project = served(place)
    if declared:
        file = project.folder / "homeostat.yaml"
        file.write_text(file.read_text() + "\n" + declared + "\n")
    wired = project.wired()
    worker = open_worker(project.folder, clock=wired.clock)
    if routed:
        worker.model.arms.route(routing(wired.engine.refresh()))
    return Gateway(wired, worker)


def raw(port: int, sent: bytes, wait_s: float = 5.0) -> bytes:
    """Send bytes as they are, and read until the server hangs up or says nothing more."""
    with socket.create_connection(("127.0.0.1", port), timeout=wait_s) as client:
        client.sendall(sent)
        found = b""
        try:
            while part := client.recv(65536):
                found += part
        except TimeoutError:
            pass
        return found
