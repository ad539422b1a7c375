"""Which version answers for which entity. PURE.

An entity's hash gives it one of 1,000 places on a line; arms take up the line from the
challenger's end, so that while a challenger's share grows, who has it keeps it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from homeostat.domain.rollout import Arm, Routing

BUCKETS = 1000
"""Shares are resolved in steps of 0.1 %."""


def bucket(entity: str) -> int:
    """The place of ``entity`` in 0..999: the same in every process and for ever.

    >>> bucket("N14228")
    619
    """
    first = hashlib.sha256(entity.encode("utf-8", "surrogatepass")).digest()[:8]
    return int.from_bytes(first, "big") % BUCKETS


def choose(routing: Routing, entity: str) -> Arm:
    """The arm that answers for ``entity``; ValueError when no arm answers.

    Arms are laid out from the newest version on, so a growing challenger only takes over
    places from older ones.
    """
    return by_bucket(routing)[bucket(entity)]


def by_bucket(routing: Routing) -> Sequence[Arm]:
    """The answering arm of each of the 1,000 places."""
    arms = sorted(routing.answering, key=lambda arm: -arm.version)
    if not arms:
        raise ValueError("the routing has no arm that answers")
    places: list[Arm] = []
    for arm in arms[:-1]:
        places += [arm] * round(arm.share * BUCKETS)
    places += [arms[-1]] * (BUCKETS - len(places))
    return places[:BUCKETS]


@dataclass(frozen=True, slots=True)
class Chosen:
    """The arm of one request, and the probability with which it was chosen."""

    arm: Arm
    propensity: float
    explored: bool


class Choice:
    """A routing compiled for choosing."""

    def __init__(self, routing: Routing) -> None:
        self._places = by_bucket(routing)
        self._only = Chosen(self._places[0], 1.0, False) if len(routing.answering) == 1 else None

    def choose(self, entity: str, draw: float, explore_draw: float, pick: float) -> Chosen:
        """The arm for ``entity``."""
        if self._only is not None:
            return self._only
        return Chosen(self._places[bucket(entity)], 1.0, False)
