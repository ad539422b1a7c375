"""Asking the gateway's workers, each on its own socket."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from homeostat import errors
from homeostat.errors import HomeostatError, ServingError, WorkerGoneError
from homeostat.gateway.control import address

ASK_S = 5.0
"""How long a worker may take to answer; loading a version may take longer."""
LOAD_S = 120.0


def ask(path: Path, request: Mapping[str, Any], timeout_s: float = ASK_S) -> Any:
    """The answer of the worker at ``path``.

    Raises the typed error that the worker answered with, WorkerGoneError when it does not.
    """
    try:
        where, folder = address(path)
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asked:
                asked.settimeout(timeout_s)
                asked.connect(where)
                asked.sendall(json.dumps(request).encode() + b"\n")
                with asked.makefile("rb") as answers:
                    line = answers.readline()
        finally:
            if folder is not None:
                os.close(folder)
    except OSError as error:
        raise _gone(path, str(error)) from error
    if not line:
        raise _gone(path, "it hung up")
    answer = json.loads(line)
    if "error" in answer:
        raise _raised(answer["error"])
    return answer["ok"]


def ask_all(
    paths: list[Path], request: Mapping[str, Any], timeout_s: float = ASK_S
) -> dict[Path, Any | HomeostatError]:
    """The answers of several workers at once; an error stands in the place of an answer."""

    def one(path: Path) -> Any | HomeostatError:
        try:
            return ask(path, request, timeout_s)
        except HomeostatError as error:
            return error

    if len(paths) == 1:
        return {paths[0]: one(paths[0])}
    with ThreadPoolExecutor(max(1, len(paths))) as pool:
        return dict(zip(paths, pool.map(one, paths), strict=True))


def sockets_in(folder: Path) -> list[Path]:
    """The workers' sockets; those of dead workers among them."""
    return sorted(folder.glob("*.sock"))


def _gone(path: Path, why: str) -> WorkerGoneError:
    return WorkerGoneError(
        f"a worker of the gateway does not answer: {why}",
        subject=path.name,
        next_step="it is started again by itself; if not, restart `homeostat up`",
    )


def _raised(told: Mapping[str, str]) -> HomeostatError:
    kind = getattr(errors, told.get("error", ""), ServingError)
    if not (isinstance(kind, type) and issubclass(kind, HomeostatError)):
        kind = ServingError
    return kind(
        told.get("problem", "the worker answered with an error"),
        subject=told.get("subject", ""),
        next_step=told.get("next_step", ""),
    )
