"""What came of an action, and facts and orders that no action caused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from homeostat.domain.delivery import Delivery
from homeostat.domain.rollout import Routing
from homeostat.domain.run import Candidate, RunRequest


@dataclass(frozen=True, slots=True)
class Done:
    """The action was carried out; there is nothing to add."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A source answered; here is the delivery with what the checks said."""

    delivery: Delivery


@dataclass(frozen=True, slots=True)
class Started:
    """A run was handed to the executor."""

    request: RunRequest


@dataclass(frozen=True, slots=True)
class Routed:
    """The gateway was asked after the change, and answers like this.

    ``took_ms`` is the time from the decision's being carried out to that answer.
    """

    routing: Routing
    took_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """The action could not be carried out. ``terminal``: trying again cannot help."""

    code: str
    problem: str
    terminal: bool = False


@dataclass(frozen=True, slots=True)
class Declared:
    """The project file took effect: first seen, or changed."""

    model: str
    owner: str
    spec_digest: str


@dataclass(frozen=True, slots=True)
class Ended:
    """A run ended: with a candidate, or with an error; ``interrupted``: its process died."""

    run_id: str
    candidate: Candidate | None = None
    error: str = ""
    interrupted: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """A person's order.

    ``pause``, ``resume``, ``retrain``, ``promote``, ``rollback``, ``deploy`` or ``undeploy``.
    """

    kind: str
    who: str
    why: str
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Scored:
    """A batch of rows was scored by a version. Digests are SHA-256 of files."""

    batch: str
    version: int
    digest: str
    input: str
    output: str
    output_digest: str
    rows: int
    rejected: int


@dataclass(frozen=True, slots=True)
class Recovered:
    """A new controller took over; intents without an outcome will be decided again."""

    holder: str
    since: datetime | None = None


EVENTS: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        Done,
        Fetched,
        Started,
        Routed,
        Failed,
        Declared,
        Ended,
        Order,
        Scored,
        Recovered,
    )
}
"""Every event by name: the ledger's vocabulary of outcomes, facts and orders."""
