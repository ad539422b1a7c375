"""How a controller speaks to one worker: lines of JSON over a Unix socket in the state folder.

A change of routing has two steps, so that it holds in all workers or in none: ``prepare`` loads
and tests in each, ``commit`` swaps in each. ``observe`` answers with the digests of the bytes in
memory, ``load`` with what the worker has done and takes.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from time import monotonic
from typing import Any

import orjson

from homeostat.domain.codec import canonical, from_builtins
from homeostat.domain.rollout import Routing
from homeostat.errors import HomeostatError, OrderError
from homeostat.gateway.arms import Arms, Loaded
from homeostat.gateway.load import Load
from homeostat.gateway.standing import Standing

MAX_LINE = 1024 * 1024
LONGEST_ADDRESS = 100
"""A Unix socket's address has at most 107 bytes."""


def address(path: Path) -> tuple[str, int | None]:
    """A short address of a socket file, and a descriptor to close when it was used.

    A path that is too long is reached through the descriptor of its folder.
    """
    if len(os.fsencode(path)) <= LONGEST_ADDRESS:
        return str(path), None
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    return f"/proc/self/fd/{folder}/{path.name}", folder


class Control:
    """Answers a controller for one worker."""

    def __init__(
        self, arms: Arms, standing: Standing, load: Load, name: str, stop: Callable[[], None]
    ) -> None:
        self._arms = arms
        self._load = load
        self._stop = stop
        self._starter = os.getppid()
        self._standing = standing
        self._name = name
        self._prepared: dict[str, Loaded] = {}
        self._loader = ThreadPoolExecutor(1, "load")
        self._requests: dict[str, Callable[[dict[str, Any]], Any]] = {
            "commit": self._commit,
            "observe": self._observe,
            "heard": self._heard,
            "load": self._told_load,
            "stop": self._stopped,
        }

    async def serve(self, path: Path) -> asyncio.Server:
        """Listen on ``path``, which is made anew."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        where, folder = address(path)
        try:
            server = await asyncio.start_unix_server(self._client, where, limit=MAX_LINE)
            path.chmod(0o600)
            return server
        finally:
            if folder is not None:
                os.close(folder)

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(orjson.dumps(await self._answer(line)) + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError):
            pass  # gone, or a line that is too long: the controller asks again
        finally:
            writer.close()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            asked = orjson.loads(line)
            if asked["do"] == "prepare":
                return {"ok": await self._prepare(asked)}
            return {"ok": self._requests[asked["do"]](asked)}
        except HomeostatError as error:
            return {"error": error.as_dict()}
        except (KeyError, TypeError, ValueError) as error:
            problem = OrderError(
                f"the worker does not understand ({error!r})",
                subject=self._name,
                next_step="let controller and gateway be of one version",
            )
            return {"error": problem.as_dict()}

    async def _prepare(self, asked: dict[str, Any]) -> str:
        """Load beside the loop; answers the name under which it can be committed."""
        routing = from_builtins(asked["routing"], Routing)
        loop = asyncio.get_running_loop()
        loaded = await loop.run_in_executor(self._loader, self._arms.prepare, routing)
        name = canonical(routing).decode()
        self._prepared = {name: loaded}
        return name

    def _commit(self, asked: dict[str, Any]) -> str:
        loaded = self._prepared.pop(asked["name"], None)
        if loaded is None:
            raise OrderError(
                "this routing was not prepared here",
                subject=self._name,
                next_step="prepare it again; the next pass does so by itself",
            )
        self._arms.commit(loaded)
        return str(asked["name"])

    def _observe(self, _: dict[str, Any]) -> dict[str, Any]:
        return {
            "routing": orjson.loads(canonical(self._arms.observe())),
            "worker": self._name,
            "watched": os.getppid() == self._starter,
            "controlled": self._standing.controlled(monotonic()),
        }

    def _told_load(self, _: dict[str, Any]) -> dict[str, Any]:
        return asdict(self._load.now())

    def _stopped(self, _: dict[str, Any]) -> bool:
        self._stop()
        return True

    def _heard(self, asked: dict[str, Any]) -> bool:
        self._standing.heard(monotonic(), bool(asked.get("failing")))
        return True
