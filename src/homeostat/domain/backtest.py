"""What a back-test found, as plain values: the report and the summary need nothing else.

All times are aware UTC. A value of None means that it could not be measured, never zero.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Point:
    """A metric over the rows predicted in ``[since, until)``."""

    since: datetime
    until: datetime
    value: float | None
    rows: int
    whole: bool = True
    """False for a month or week that serving or the back-test covers only in part."""


@dataclass(frozen=True, slots=True)
class Curve:
    """Quality of one way to run the model over time, on the rows that all of them scored.

    ``name`` is ``loop``, ``never`` or ``weekly``; ``mean`` is over the whole months from
    :attr:`BacktestResult.compared_from` on, each month counting the same.
    """

    name: str
    title: str
    monthly: tuple[Point, ...]
    weekly: tuple[Point, ...]
    mean: float | None
    trained_at: tuple[datetime, ...] = ()

    @property
    def trainings(self) -> int:
        """How often this way trained a model."""
        return len(self.trained_at)


@dataclass(frozen=True, slots=True)
class Gap:
    """The loop against one baseline: difference of mean monthly quality, positive is better.

    ``[low, high]`` is a 95 % interval by bootstrap of whole days within each month.
    """

    against: str
    difference: float | None
    low: float | None
    high: float | None
    rows: int
    months: int


class Happening(StrEnum):
    """What kind of thing the ledger tells of."""

    TRAINING = "training"
    REFUSAL = "refusal"
    REGISTRATION = "registration"
    ROLLOUT = "rollout"
    ABORT = "abort"
    PROMOTION = "promotion"
    ROLLBACK = "rollback"
    LOOK = "look"
    QUARANTINE = "quarantine"
    RECOVERY = "recovery"
    ALERT = "alert"
    RESOLVED = "resolved"
    ORDER = "order"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision of the loop as the ledger holds it; ``entry`` is the number of its intent.

    ``subject`` names what it is about (``v3``, ``run-0004``, a source, an alert).
    """

    at: datetime
    kind: Happening
    subject: str
    title: str
    reason: str
    entry: int


@dataclass(frozen=True, slots=True)
class Served:
    """A span in which one version was champion; ``until`` None: it still is."""

    version: int
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Review:
    """A change of champion looked at afterwards: both versions on the same later rows.

    ``difference`` is positive when the change was for the better; ``[low, high]`` its
    interval by bootstrap of whole blocks; all reviews hold together at 95 %. ``blocks`` says
    of what (``day`` or ``hour``).
    """

    at: datetime
    entry: int
    kind: Happening
    version: int
    replaced: int
    until: datetime
    metric: str
    rows: int
    new: float | None
    old: float | None
    difference: float | None
    low: float | None
    high: float | None
    blocks: str = "day"
    note: str = ""

    @property
    def worse(self) -> bool:
        """Whether the change is shown to have made things worse."""
        return self.high is not None and self.high < 0


class Handling(StrEnum):
    """How a disturbance ended. ``absent``: the back-test did not come to inject it."""

    HANDLED = "handled"
    PARTLY = "partly handled"
    MISSED = "missed"
    ABSENT = "not injected"


@dataclass(frozen=True, slots=True)
class Disturbed:
    """A declared disturbance, what it did to the data, and what the ledger says came of it.

    ``injected`` tells the damage in words; ``noticed_at`` is the first decision against it,
    ``recovered_at`` when the loop was back on good data. ``story`` is one sentence for each
    entry in ``entries``.
    """

    name: str
    kind: str
    since: datetime
    until: datetime
    injected: str
    handling: Handling
    verdict: str
    noticed_at: datetime | None = None
    recovered_at: datetime | None = None
    answered: int = 0
    """Predictions answered while it lasted."""
    entries: tuple[int, ...] = ()
    story: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Drift:
    """Drift signals sampled over time. ``features`` maps a feature to its PSI at each of ``at``."""

    at: tuple[datetime, ...] = ()
    psi_max: tuple[float | None, ...] = ()
    drifted_share: tuple[float | None, ...] = ()
    features: dict[str, tuple[float | None, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tally:
    """How often things happened."""

    events: int = 0
    predictions: int = 0
    labelled: int = 0
    deliveries: int = 0
    quarantined: int = 0
    trainings: int = 0
    failed_runs: int = 0
    refused: int = 0
    registered: int = 0
    promotions: int = 0
    aborted: int = 0
    rollbacks: int = 0
    alerts: int = 0
    entries: int = 0


@dataclass(frozen=True, slots=True)
class Commands:
    """What to type next; each is a whole command line."""

    serve: str
    why: str
    served: str
    verify: str
    reproduce: str
    status: str


@dataclass(frozen=True, slots=True)
class BacktestResult:
    """All that one back-test found out."""

    model: str
    owner: str
    description: str
    task: str
    metric: str
    less_is_better: bool
    since: datetime
    until: datetime
    compared_from: datetime | None
    first_served_at: datetime | None
    tally: Tally
    curves: tuple[Curve, ...]
    gaps: tuple[Gap, ...]
    decisions: tuple[Decision, ...]
    served: tuple[Served, ...]
    reviews: tuple[Review, ...]
    disturbed: tuple[Disturbed, ...]
    drift: Drift
    commands: Commands
    ledger_head: str
    champion: int | None
    homeostat: str
    psi_limit: float = 0.2
    notes: tuple[str, ...] = ()
    took_s: float = 0.0

    def curve(self, name: str) -> Curve | None:
        """The curve of that name, if it was computed."""
        return next((curve for curve in self.curves if curve.name == name), None)

    def gap(self, against: str) -> Gap | None:
        """The loop against that baseline, if it was computed."""
        return next((gap for gap in self.gaps if gap.against == against), None)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a back-test is.

    ``stage`` is ``replay``, ``baselines`` or ``judge``; ``share`` in [0, 1] is of the stage.
    ``at`` is the simulated instant, ``doing`` a word or two about what is under way; the counts
    are since the beginning.
    """

    stage: str
    share: float
    at: datetime
    doing: str = ""
    champion: int | None = None
    predictions: int = 0
    trainings: int = 0
    promotions: int = 0
    refusals: int = 0
    rollbacks: int = 0
    quarantined: int = 0
    baseline_share: float = 0.0
