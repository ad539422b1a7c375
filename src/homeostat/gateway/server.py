"""Run an ASGI application until it is asked to stop."""

from __future__ import annotations

import threading
from typing import Any

import uvicorn

from homeostat.errors import ServingError


class Server:
    """An HTTP server in a thread of its own; ``stop`` lets requests under way finish."""

    def __init__(self, app: Any, host: str, port: int) -> None:
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                host=host,
                port=port,
                log_level="warning",
                access_log=False,
                timeout_keep_alive=30,
                timeout_graceful_shutdown=10,
            )
        )
        self._thread = threading.Thread(target=self._server.run, name="gateway", daemon=True)
        self._where = f"{host}:{port}"

    def start(self) -> None:
        """Listen; returns when requests are answered. ServingError when the port is taken."""
        self._thread.start()
        while not self._server.started:
            self._thread.join(0.02)
            if not self._thread.is_alive():
                raise ServingError(
                    "the gateway could not listen",
                    subject=self._where,
                    next_step="another process may have the port: give another one with --port",
                )

    @property
    def alive(self) -> bool:
        """Whether the server still runs."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Finish requests under way, then stop."""
        self._server.should_exit = True
        self._thread.join(15)
