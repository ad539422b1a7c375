"""How far sealing is behind the prediction log's writers."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import orjson


@dataclass(frozen=True, slots=True)
class LogLag:
    """``unsealed_bytes`` in segments, the oldest of which was begun ``age_s`` ago."""

    unsealed_bytes: int
    age_s: float


def log_lag(folder: Path, now_s: float) -> LogLag:
    """Of the log in ``folder``; ``now_s`` in seconds since the epoch, as file times are."""
    size, oldest_s = 0, now_s
    for segment in (folder / "segments").glob("*.jsonl"):
        # Sealed meanwhile, or the first line is being written, or it is no row.
        with contextlib.suppress(FileNotFoundError, ValueError, KeyError, TypeError):
            found = segment.stat()
            if found.st_size:
                size += found.st_size
                oldest_s = min(oldest_s, _begun_s(segment))
    return LogLag(size, max(0.0, now_s - oldest_s))


def _begun_s(segment: Path) -> float:
    """When the first line was written, which the line itself says."""
    with segment.open("rb") as lines:
        first = orjson.loads(lines.readline())
    return datetime.fromisoformat(first["at"]).timestamp()
