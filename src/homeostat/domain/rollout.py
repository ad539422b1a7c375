"""How traffic reaches versions: arms, routing, and the rollout of a challenger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Phase(StrEnum):
    """Where a rollout stands."""

    SHADOW = "shadow"
    CANARY = "canary"
    DONE = "done"
    ABORTED = "aborted"


@dataclass(frozen=True, slots=True, order=True)
class Arm:
    """A version that is loaded. ``share`` in [0, 1]; a shadow arm scores and never answers.

    An arm with share 0 that is no shadow is dark: loaded and tested, it answers only requests
    that name its version.

    ``digest`` is of the model's bytes, ``package`` of the folder from which it is loaded.
    """

    version: int
    digest: str
    package: str
    share: float
    shadow: bool = False


@dataclass(frozen=True, slots=True)
class Routing:
    """The whole routing of one model, the champion's arm first.

    Shares of the arms that answer add up to 1, or there are none. ``assignment`` is "sticky" or
    "random"; ``salt`` makes the sticky assignment of one experiment independent of another's;
    ``explore`` is the share of requests whose arm is drawn uniformly.
    """

    arms: tuple[Arm, ...] = ()
    assignment: str = "sticky"
    salt: str = ""
    explore: float = 0.0

    @property
    def answering(self) -> tuple[Arm, ...]:
        """Arms that answer requests."""
        return tuple(arm for arm in self.arms if not arm.shadow and arm.share > 0)


@dataclass(frozen=True, slots=True)
class Rollout:
    """A challenger on its way to champion. ``step`` counts canary steps from 0."""

    id: str
    version: int
    replaces: int | None
    phase: Phase
    step: int
    share: float
    began_at: datetime
    phase_since: datetime
    run_id: str


@dataclass(frozen=True, slots=True)
class Watch:
    """The time after a promotion in which the predecessor still scores the same rows.

    ``looks`` counts the judgements that were written down.
    """

    version: int
    predecessor: int
    since: datetime
    until: datetime
    looks: int = 0
    last_look_at: datetime | None = None
