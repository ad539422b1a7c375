"""One worker process of the gateway. ``homeostat up`` starts it; people need not."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from homeostat.errors import HomeostatError, ModelLoadError

if TYPE_CHECKING:
    from homeostat.wiring import Worker

ROLL_EVERY_S = 3600.0
Listen = Callable[[], Awaitable[asyncio.Server]]
"""Opens the worker's control socket, once it is ready to be told."""


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM; 1 when it cannot."""
    given = _parser().parse_args(arguments)
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    try:
        import uvloop

        uvloop.run(_serve(given))
    except HomeostatError as error:
        print(error, file=sys.stderr)  # noqa: T201  # no console in a worker
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="homeostat worker", description=__doc__)
    parser.add_argument("--project", type=Path, required=True, help="the project folder")
    parser.add_argument("--state", type=Path, default=None, help="the state folder")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8080, help="port to listen on")
    parser.add_argument("--grpc-port", type=int, default=None, help="serve gRPC on it instead")
    return parser


async def _serve(given: argparse.Namespace) -> None:
    from homeostat.gateway.control import Control
    from homeostat.gateway.load import Load
    from homeostat.gateway.workers import socket_name
    from homeostat.wiring import WORKERS, open_worker

    worker = open_worker(given.project, given.state)
    model, project = worker.model, worker.project
    try:
        model.arms.restore()
    except ModelLoadError as error:  # it starts without a version; the controller may have one
        logging.getLogger("homeostat.gateway").error("%s", error)
    quieten_collector()
    name = socket_name(os.getpid())
    socket_file = worker.state / "gateway" / WORKERS / f"{name}.sock"
    worker.metrics.workers.labels(project.model).set(1)
    stop = asyncio.Event()
    load = Load(worker.metrics, lambda: len(model.shadows) + worker.app.waiting)
    control = Control(model.arms, worker.standing, load, name, stop.set)
    serve = _serve_http if given.grpc_port is None else _serve_grpc
    rolling = asyncio.ensure_future(_roll(worker))
    try:
        await serve(worker, given, lambda: control.serve(socket_file), stop)
    finally:
        rolling.cancel()
        socket_file.unlink(missing_ok=True)
        worker.log.seal()


async def _roll(worker: Worker) -> None:
    """Close the log's segment once an hour, so that it is sealed also when nobody asks."""
    while True:
        await asyncio.sleep(ROLL_EVERY_S)
        await asyncio.to_thread(worker.log.roll)


async def _serve_http(
    worker: Worker, given: argparse.Namespace, listen: Listen, stop: asyncio.Event
) -> None:
    from homeostat.gateway.server import listening, server_of

    project = worker.project
    server = server_of(
        worker.app,
        read_timeout_s=project.serving.read_timeout.total_seconds(),
        max_connections=project.serving.max_connections,
        connected=worker.metrics.connections.labels(project.model).set,
    )
    listener = listening(given.host, given.port, shared=True)
    telling = await listen()
    asked = asyncio.ensure_future(stop.wait())
    asked.add_done_callback(lambda _: setattr(server, "should_exit", True))
    try:
        await server.serve(sockets=[listener])
    finally:
        telling.close()
        asked.cancel()


async def _serve_grpc(
    worker: Worker, given: argparse.Namespace, listen: Listen, stop: asyncio.Event
) -> None:
    from homeostat.gateway.v2.grpc.server import GrpcServer
    from homeostat.gateway.v2.grpc.service import Service

    service = Service(worker.model, worker.metrics)
    server = GrpcServer(service, worker.model, given.host, given.grpc_port)
    for wanted in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(wanted, stop.set)
    server.start()
    telling = await listen()
    try:
        await stop.wait()
    finally:
        telling.close()
        await asyncio.to_thread(server.stop)


def quieten_collector() -> None:
    """Let the garbage collector look at what a request makes, not at what was loaded before.

    A request leaves no cycles behind; with Python's own thresholds a large one is interrupted
    hundreds of times by a look through everything that was ever imported.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


if __name__ == "__main__":
    sys.exit(main())
