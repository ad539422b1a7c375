"""The closed set of things the loop may do. Each is data: what, why, on what evidence.

``key`` is the idempotency key: the same decision from the same cause has the same key, and
doing it twice is the same as doing it once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from homeostat.domain.delivery import Window
from homeostat.domain.evidence import Comparison, Finding
from homeostat.domain.rollout import Routing


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What every action carries: its reason, and the ledger entries that are its evidence."""

    reason: str
    evidence: tuple[int, ...] = ()

    @property
    def key(self) -> str:
        """Idempotency key; also how an action is named in messages."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch(Action):
    """Ask a source for one window and check what comes."""

    source: str
    window: Window
    attempt: int

    @property
    def key(self) -> str:
        """Source, window and attempt."""
        return f"fetch:{self.source}:{self.window.since.isoformat()}:{self.attempt}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Accept(Action):
    """Take a checked delivery into the data that features and training may use."""

    delivery: str

    @property
    def key(self) -> str:
        """The delivery."""
        return f"accept:{self.delivery}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantine(Action):
    """Set a delivery aside: kept, never used."""

    delivery: str
    findings: tuple[Finding, ...] = ()

    @property
    def key(self) -> str:
        """The delivery."""
        return f"quarantine:{self.delivery}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Train(Action):
    """Start a training run, or start an interrupted one again (same ``run_id``)."""

    run_id: str
    trigger: str
    seed: int
    search: bool
    attempt: int = 1

    @property
    def key(self) -> str:
        """The run and the attempt."""
        return f"train:{self.run_id}:{self.attempt}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse(Action):
    """Turn a candidate down at its gates."""

    run_id: str
    findings: tuple[Finding, ...] = ()

    @property
    def key(self) -> str:
        """The run."""
        return f"refuse:{self.run_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Register(Action):
    """Give a candidate that passed its gates a version number."""

    run_id: str
    findings: tuple[Finding, ...] = ()

    @property
    def key(self) -> str:
        """The run."""
        return f"register:{self.run_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginRollout(Action):
    """Start to move traffic towards a version."""

    version: int
    run_id: str

    @property
    def key(self) -> str:
        """The version and the run or order that asks for it."""
        return f"rollout:{self.version}:{self.run_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Advance(Action):
    """Move a rollout to its next step: a canary share in (0, 1)."""

    rollout: str
    step: int
    share: float
    comparisons: tuple[Comparison, ...] = ()

    @property
    def key(self) -> str:
        """The rollout and the step."""
        return f"advance:{self.rollout}:{self.step}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Abort(Action):
    """Stop a rollout; the champion keeps all traffic."""

    rollout: str
    comparisons: tuple[Comparison, ...] = ()

    @property
    def key(self) -> str:
        """The rollout."""
        return f"abort:{self.rollout}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Promote(Action):
    """Make a version the champion; for ``watch`` its predecessor goes on scoring beside it."""

    rollout: str
    version: int
    replaces: int | None
    watch: timedelta
    comparisons: tuple[Comparison, ...] = ()

    @property
    def key(self) -> str:
        """The rollout."""
        return f"promote:{self.rollout}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollback(Action):
    """Make an earlier version the champion again, at once."""

    from_version: int
    to_version: int
    cause: str
    comparisons: tuple[Comparison, ...] = ()

    @property
    def key(self) -> str:
        """From, to and cause."""
        return f"rollback:{self.from_version}:{self.to_version}:{self.cause}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAt(Action):
    """Judge a promotion on labelled traffic once more and write the numbers down."""

    version: int
    predecessor: int
    look: int
    last: bool
    comparisons: tuple[Comparison, ...] = ()

    @property
    def key(self) -> str:
        """The version and the number of the look."""
        return f"look:{self.version}:{self.predecessor}:{self.look}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route(Action):
    """Make the gateway route as the record says, and ask it what it answers with."""

    routing: Routing

    @property
    def key(self) -> str:
        """The arms, and how they are assigned where that is not the usual way."""
        routing = self.routing
        arms = ",".join(
            f"{arm.version}={'shadow' if arm.shadow else format(arm.share, '.3f')}"
            for arm in routing.arms
        )
        unusual = routing.assignment != "sticky" or routing.salt or routing.explore
        how = f";{routing.assignment};{routing.salt};{routing.explore:g}" if unusual else ""
        return f"route:{arms}{how}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert(Action):
    """Tell people. ``name`` identifies the condition; one alert stays open per name."""

    name: str
    severity: str
    value: float | None = None

    @property
    def key(self) -> str:
        """The condition."""
        return f"alert:{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolve(Action):
    """Close an alert whose condition is over."""

    name: str

    @property
    def key(self) -> str:
        """The condition."""
        return f"resolve:{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Obey(Action):
    """Carry out a person's order (pause, resume), or refuse it with the reason."""

    order: int
    refused: bool = False

    @property
    def key(self) -> str:
        """The order's ledger entry."""
        return f"obey:{self.order}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause(Action):
    """Stop training, rollouts and rollbacks until a person resumes, because a rule says so."""

    rule: str

    @property
    def key(self) -> str:
        """The rule and the alert behind it."""
        return f"pause:{self.rule}:{','.join(map(str, self.evidence))}"


ACTIONS: dict[str, type[Action]] = {
    kind.__name__: kind
    for kind in (
        Fetch, Accept, Quarantine, Train, Refuse, Register, BeginRollout, Advance, Abort,
        Promote, Rollback, LookAt, Route, Alert, Resolve, Obey, Pause,
    )
}  # fmt: skip
"""Every action by name: the ledger's vocabulary of intents."""
