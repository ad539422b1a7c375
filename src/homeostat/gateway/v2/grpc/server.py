"""A gRPC server on a port of its own, in a worker process of its own."""

from __future__ import annotations

import threading
from concurrent import futures
from time import perf_counter
from typing import TYPE_CHECKING

from homeostat.errors import ServingError
from homeostat.gateway.model import Model
from homeostat.gateway.v2.grpc.service import Service

if TYPE_CHECKING:
    import grpc

THREADS = 4
FINISH_S = 10
SHADOW_EVERY_S = 0.02


class GrpcServer:
    """Answers with a bounded pool of threads; overload is refused as RESOURCE_EXHAUSTED.

    ``port`` 0 takes a free one. ServingError when the port is taken.
    """

    def __init__(self, service: Service, model: Model, host: str, port: int) -> None:
        import grpc

        serving = model.project.serving
        size = serving.max_body_mb * 1024 * 1024
        self._server: grpc.Server = grpc.server(
            futures.ThreadPoolExecutor(THREADS, "grpc"),
            handlers=(service.handler(),),
            maximum_concurrent_rpcs=serving.max_waiting,
            options=[
                ("grpc.max_receive_message_length", size),
                ("grpc.max_send_message_length", -1),
                ("grpc.so_reuseport", 0),
            ],
        )
        self._shadows = model.shadows
        self._stopped = threading.Event()
        where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        try:
            self.port = self._server.add_insecure_port(where)
        except RuntimeError as error:
            raise ServingError(
                "gRPC could not listen",
                subject=where,
                next_step="another process may have the port: give another one with --grpc-port",
            ) from error

    def start(self) -> None:
        """Answer from now on."""
        self._server.start()
        threading.Thread(target=self._shadow, name="shadows", daemon=True).start()

    def stop(self) -> None:
        """Let requests under way finish."""
        self._stopped.set()
        self._server.stop(FINISH_S).wait()

    def _shadow(self) -> None:
        """Score what other arms shall score too, beside the answers."""
        while not self._stopped.wait(SHADOW_EVERY_S):
            while len(self._shadows) and not self._stopped.is_set():
                if self._shadows.work(perf_counter()):
                    self._stopped.wait(SHADOW_EVERY_S)
