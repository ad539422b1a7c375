"""What comes of a label that was posted. PURE: decided from what is known of its event."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

LATE_AFTER = timedelta(days=90)
"""A first label for a prediction older than this is late."""


class Outcome(StrEnum):
    """What came of one label. docs/labels.md is their manual."""

    ACCEPTED = "accepted"
    """Stored: the first label of a predicted event."""
    EARLY = "early"
    """Stored: the event was not predicted yet; it is joined when it is."""
    LATE = "late"
    """Stored, and marked: the prediction is older than the horizon."""
    CORRECTED = "corrected"
    """Stored beside the older value; the one received last counts."""
    REPEATED = "repeated"
    """The value that counts already: nothing changes."""
    SUPERSEDED = "superseded"
    """Observed before the value that counts: nothing changes."""
    CONTRADICTORY = "contradictory"
    """The same post says two things of one event: none of them is stored."""
    UNKNOWN = "unknown"
    """No prediction has this id, or none of this entity was made near this time: not stored."""

    @property
    def stored(self) -> bool:
        """Whether the label became a row of the log."""
        return self in _STORED


_STORED = frozenset({Outcome.ACCEPTED, Outcome.EARLY, Outcome.LATE, Outcome.CORRECTED})


@dataclass(frozen=True, slots=True)
class Label:
    """A label of ``event``. ``value`` is 0 or 1 for a binary task, else any finite number.

    ``observed_at`` says when it came true, where the sender knows. ``predicted_at`` is the time
    of the event's prediction; None: it was not predicted yet.
    """

    event: str
    value: float
    observed_at: datetime | None = None
    predicted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Counting:
    """The label of an event that counts now."""

    value: float
    observed_at: datetime | None


def decide(
    label: Label,
    counting: Counting | None,
    received_at: datetime,
    late_after: timedelta = LATE_AFTER,
) -> Outcome:
    """What comes of ``label``, given the one that counts for its event, if there is one."""
    if counting is None:
        if label.predicted_at is None:
            return Outcome.EARLY
        late = received_at - label.predicted_at > late_after
        return Outcome.LATE if late else Outcome.ACCEPTED
    if label.value == counting.value:
        return Outcome.REPEATED
    both = label.observed_at is not None and counting.observed_at is not None
    if both and label.observed_at < counting.observed_at:  # type: ignore[operator]
        return Outcome.SUPERSEDED
    return Outcome.CORRECTED


def contradicted(labels: Iterable[Label]) -> frozenset[str]:
    """Events of which ``labels`` say more than one thing."""
    said: dict[str, float] = {}
    return frozenset(
        label.event for label in labels if said.setdefault(label.event, label.value) != label.value
    )


def counts(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """How many labels had each outcome, those without any among them."""
    found = dict.fromkeys((str(outcome) for outcome in Outcome), 0)
    for outcome in outcomes:
        found[str(outcome)] += 1
    return found
