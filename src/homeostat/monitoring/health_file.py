"""The last known health, for whoever asks without reading any signal: ``homeostat status``.

Imports nothing heavy, because status answers at once.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from homeostat.stats.health import Health

NAME = "health.json"
STALE = timedelta(minutes=10)
"""An older health says nothing about now: nobody keeps the loop going."""


def write(file: Path, found: Health, now: datetime) -> None:
    """Keep ``found``, in place of the one before; OSError when the disk does not take it."""
    told = {
        "at": now.isoformat(),
        "score": found.score,
        "lost": [
            {"points": loss.points, "part": loss.part, "of": loss.name, "reason": loss.reason}
            for loss in found.losses
        ],
    }
    unfinished = file.with_suffix(".new")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(json.dumps(told), encoding="utf-8")
        unfinished.replace(file)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise


def read(file: Path, now: datetime) -> dict[str, Any] | None:
    """``at``, ``score`` and what was ``lost``, as :func:`write` wrote it.

    None when there is none, it cannot be read, or it is not of now.
    """
    try:
        told: dict[str, Any] = json.loads(file.read_bytes())
        age = now - datetime.fromisoformat(told["at"])
        whole = isinstance(told["score"], int) and isinstance(told["lost"], list)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return told if whole and abs(age) <= STALE else None
