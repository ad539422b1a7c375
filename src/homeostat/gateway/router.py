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


def by_bucket(routing: Routing) -> Sequence[Arm]:
    """The answering arm of each of the 1,000 places; ValueError when no arm answers.

    Arms are laid out from the newest version on, so a growing challenger only takes over
    places from older ones.
    """
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
    explored: bool = False


class Choice:
    """A routing compiled for choosing: the costly part is done once per routing.

    The arm of a request is the greedy one with probability ``1 - explore``, else one of the
    answering arms, each as likely as the other (epsilon-greedy, Sutton and Barto 2018, section
    2.2). The greedy arm is that of the entity's place when assignment is sticky; drawn with the
    arms' shares when it is random. Propensities are exact, so that inverse weighting by them
    (Horvitz and Thompson 1952) is unbiased. ValueError when no arm answers.
    """

    def __init__(self, routing: Routing) -> None:
        arms = routing.answering
        places = by_bucket(routing)
        self._salt = routing.salt
        self._sticky = routing.assignment != "random"
        self._explore = routing.explore if len(arms) > 1 else 0.0
        self._arms = arms
        share = {arm: sum(place is arm for place in places) / BUCKETS for arm in arms}
        even = self._explore / len(arms)
        sure = 1.0 - self._explore
        greedy = {
            arm: Chosen(arm, sure * (1.0 if self._sticky else share[arm]) + even) for arm in arms
        }
        self._places = [greedy[arm] for arm in places]
        self._by_chance = {arm: sure * (0.0 if self._sticky else share[arm]) + even for arm in arms}
        self._only = Chosen(arms[0], 1.0) if len(arms) == 1 else None

    def choose(self, entity: str, draw: float, explore_draw: float, pick: float) -> Chosen:
        """The arm for ``entity``. The draws are independent and uniform in [0, 1).

        ``draw`` picks the arm when assignment is random, ``explore_draw`` says whether to
        explore, ``pick`` which arm then.
        """
        if self._only is not None:
            return self._only
        place = bucket(self._salt + entity) if self._sticky else int(draw * BUCKETS)
        greedy = self._places[place]
        if explore_draw >= self._explore:
            return greedy
        arm = self._arms[int(pick * len(self._arms))]
        odds = greedy.propensity if arm is greedy.arm else self._by_chance[arm]
        return Chosen(arm, odds, True)
