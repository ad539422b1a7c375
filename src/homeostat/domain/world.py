"""What goes into one decision: recorded state, and observed evidence with its age."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from homeostat.domain.evidence import Comparison, Signal
from homeostat.domain.recorded import Recorded
from homeostat.domain.rollout import Routing


@dataclass(frozen=True, slots=True)
class World:
    """A frozen snapshot of one model.

    ``routing`` is what the gateway answered when asked just now; None: it did not answer.
    ``signals`` has an entry for each signal the project declares, with value None where there
    is no data. ``live`` compares the rollout's (or the watch's) pair on labelled traffic.
    """

    recorded: Recorded
    signals: Mapping[str, Signal] = field(default_factory=dict)
    live: tuple[Comparison, ...] = ()
    routing: Routing | None = None
