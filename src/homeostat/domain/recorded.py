"""What the ledger says is so: its projection, with nothing from outside.

``project(entries)`` folds entries into a :class:`Recorded`; folding the first N entries gives
the state as it was after entry N, which is how "what served on 3 March" is answered.
The fold itself stands in ``projection.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from homeostat.domain.action import Action
from homeostat.domain.delivery import Delivery
from homeostat.domain.entry import GENESIS
from homeostat.domain.event import Order
from homeostat.domain.rollout import Rollout, Routing, Watch
from homeostat.domain.run import Run
from homeostat.domain.version import Version


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """All deliveries of one source. ``pending`` ones are fetched and not yet judged."""

    accepted: tuple[Delivery, ...] = ()
    quarantined: tuple[Delivery, ...] = ()
    pending: tuple[Delivery, ...] = ()
    cursor: datetime | None = None


@dataclass(frozen=True, slots=True)
class Tenure:
    """A span in which one version was champion. ``entry`` is the outcome that made it so."""

    version: int
    since: datetime
    entry: int
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class OpenAlert:
    """An alert that has not been resolved."""

    name: str
    severity: str
    since: datetime
    entry: int
    reason: str


@dataclass(frozen=True, slots=True)
class PendingOrder:
    """A person's order that has not been carried out or refused."""

    entry: int
    at: datetime
    order: Order


@dataclass(frozen=True, slots=True)
class Failure:
    """How often an action failed in a row, and why it did the last time."""

    count: int
    last_at: datetime
    code: str
    problem: str
    terminal: bool


@dataclass(frozen=True, slots=True)
class Recorded:
    """State of one model as its ledger tells it, after entry ``position``."""

    model: str = ""
    owner: str = ""
    spec_digest: str = ""
    position: int = 0
    head: str = GENESIS
    first_at: datetime | None = None
    last_at: datetime | None = None
    sources: Mapping[str, SourceRecord] = field(default_factory=dict)
    runs: Mapping[str, Run] = field(default_factory=dict)
    versions: tuple[Version, ...] = ()
    tenures: tuple[Tenure, ...] = ()
    rollout: Rollout | None = None
    past_rollouts: tuple[Rollout, ...] = ()
    watch: Watch | None = None
    dark: tuple[int, ...] = ()
    """Versions that people asked to be loaded dark."""
    routing: Routing = field(default_factory=Routing)
    alerts: Mapping[str, OpenAlert] = field(default_factory=dict)
    paused_by: Order | None = None
    last_pause_entry: int = 0
    orders: tuple[PendingOrder, ...] = ()
    failures: Mapping[str, Failure] = field(default_factory=dict)
    intents: Mapping[int, Action] = field(default_factory=dict)

    @property
    def champion(self) -> Version | None:
        """The version that should serve, None before the first promotion."""
        if not self.tenures or self.tenures[-1].until is not None:
            return None
        return self.version(self.tenures[-1].version)

    def version(self, number: int) -> Version:
        """Version ``number``; KeyError when there is none."""
        if not 1 <= number <= len(self.versions):
            raise KeyError(number)
        return self.versions[number - 1]

    def champion_at(self, at: datetime) -> Tenure | None:
        """Who was champion at ``at``: the tenure ``[since, until)`` that holds it."""
        for tenure in reversed(self.tenures):
            if tenure.since <= at and (tenure.until is None or at < tenure.until):
                return tenure
        return None

    @property
    def last_run(self) -> Run | None:
        """The run that started last; of several at one instant, the one recorded last."""
        return max(reversed(tuple(self.runs.values())), key=lambda r: r.started_at, default=None)
