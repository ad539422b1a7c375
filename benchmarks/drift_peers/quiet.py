"""Kept silent: a peer's script may neither report its use nor fetch anything.

Standard library only. Import this before the peer. The switches that the peers know are set, and
every attempt to reach an address is refused and counted, so that a figure can say that there was
none.
"""

from __future__ import annotations

import json
import math
import os
import sys
import warnings
from importlib.metadata import version
from typing import Any

SWITCHES = {
    "DO_NOT_TRACK": "1",  # Evidently (iterative_telemetry)
    "EVIDENTLY_DISABLE_TELEMETRY": "1",  # Evidently's older name
    "NML_DISABLE_USAGE_LOGGING": "1",  # NannyML
    "MPLBACKEND": "Agg",
}
REACHING = {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"}
refused: list[str] = []


def _refuse(event: str, _: tuple[Any, ...]) -> None:
    if event in REACHING:
        refused.append(event)
        raise PermissionError("a benchmark's script reaches no network")


os.environ.update(SWITCHES)
warnings.simplefilter("ignore")
sys.addaudithook(_refuse)


def versions(*packages: str) -> dict[str, str]:
    """The version of Python and of each package in this environment."""
    return {"python": sys.version.split()[0], **{name: version(name) for name in packages}}


def plain(value: Any) -> Any:
    """``value`` as JSON has it: numbers of numpy as Python's, what is not finite as null."""
    if isinstance(value, dict):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    return None if isinstance(value, float) and not math.isfinite(value) else value


def answer(found: dict[str, Any]) -> None:
    """Print the script's one object, with the attempts that were refused."""
    print(json.dumps(plain(found | {"network_attempts": len(refused)}), allow_nan=False))
