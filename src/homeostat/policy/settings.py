"""What the loop needs to know of the project file, as plain frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from homeostat.policy.expression import Expression


@dataclass(frozen=True, slots=True)
class SourcePolicy:
    """How often to ask a source, from when on, and how often again after a bad delivery."""

    name: str
    every: timedelta
    start: datetime | None
    retries: int


@dataclass(frozen=True, slots=True)
class TriggerPolicy:
    """One reason to train: exactly one of ``schedule``, ``new_labels``, ``when`` is set."""

    name: str
    schedule: str | None = None
    new_labels: int | None = None
    when: Expression | None = None
    hold: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class RulePolicy:
    """One rule: when ``when`` has held for ``hold``, do ``do``."""

    name: str
    when: Expression
    do: str
    hold: timedelta
    severity: str


@dataclass(frozen=True, slots=True)
class GatePolicy:
    """Margin in units of the metric, least number of rows, and which test: see ``Gate``."""

    margin: float
    min_rows: int
    confidence: float = 0.95
    superior: bool = False


@dataclass(frozen=True, slots=True)
class SlicePolicy:
    """How parts of the rows are judged together, and which segments must have how many rows."""

    control: str = "holm"
    segments: tuple[str, ...] = ()
    min_rows: int = 0


@dataclass(frozen=True, slots=True)
class CanaryStep:
    """A share of traffic, held for at least a time and a number of labelled rows."""

    share: float
    hold: timedelta
    min_labels: int


@dataclass(frozen=True, slots=True)
class GuardPolicy:
    """Greatest mean disagreement, more mistakes, and milliseconds slower; None: not asked."""

    disagreement: float | None = None
    mistakes: float | None = None
    slower_ms: float | None = None


@dataclass(frozen=True, slots=True)
class RolloutPolicy:
    """How a version becomes champion, and how long it is watched afterwards."""

    strategy: str
    shadow: timedelta
    shadow_min_labels: int
    steps: tuple[CanaryStep, ...]
    margin: float
    give_up: timedelta
    watch: timedelta
    look_every: timedelta
    approval: bool
    assignment: str = "sticky"
    explore: float = 0.0
    guards: GuardPolicy = GuardPolicy()


@dataclass(frozen=True, slots=True)
class LoopPolicy:
    """All settings of one model's loop."""

    primary: str
    losses: frozenset[str]
    """Metrics of which less is better."""
    sources: tuple[SourcePolicy, ...]
    triggers: tuple[TriggerPolicy, ...]
    rules: tuple[RulePolicy, ...]
    evaluation: GatePolicy
    holdout: GatePolicy
    holdout_used: bool
    slices: GatePolicy
    minimum: dict[str, float]
    rollout: RolloutPolicy
    seed: int
    search_again_after: timedelta | None
    cool_down: timedelta
    retrain_budget: int
    max_failures: int
    every: timedelta = field(default=timedelta(hours=1))
    metrics: dict[str, GatePolicy] = field(default_factory=dict)
    """Gates of further metrics."""
    parts: SlicePolicy = field(default_factory=SlicePolicy)
    cost: dict[str, float] = field(default_factory=dict)
    """Greatest cost, by name."""
    explanation: float | None = None
    """Least agreement of importances with the champion's."""
