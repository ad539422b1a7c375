"""The one clock."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time. ``now`` is aware, in UTC, and never goes back within one process."""

    def now(self) -> datetime:
        """The present instant."""
        ...
