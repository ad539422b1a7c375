"""What comes out of one decision: actions as data, and when to look again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from homeostat.domain.action import Action


@dataclass(frozen=True, slots=True)
class Plan:
    """Actions in the order in which to do them. ``recheck_at`` None: only new facts matter."""

    actions: tuple[Action, ...] = ()
    recheck_at: datetime | None = None
