"""One health score per model, in which every lost point has a reason."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

PARTS: Mapping[str, float] = MappingProxyType(
    {"quality": 35.0, "drift": 15.0, "data": 20.0, "service": 20.0, "rollout": 10.0}
)
"""Points each part can cost, 100 together. *rollout* stands for rollouts and open alerts."""
NOT_KNOWN = 0.5
"""Share of its points that a signal without a value costs: half way from healthy to worst."""


@dataclass(frozen=True, slots=True)
class Symptom:
    """One signal of a model, and how it is to be judged.

    ``part`` is a key of ``PARTS``. ``value`` is None (or not finite) when it is not known. Up to
    ``limit`` it costs nothing; at ``worst``, and beyond, everything. A signal of which less is
    worse has its ``worst`` below its ``limit``. ``weight`` is its say among the symptoms of its
    part. ``limit`` and ``worst`` are in ``unit``. ValueError when ``limit`` and ``worst`` are
    equal or not finite, or ``weight`` is not positive and finite.
    """

    name: str
    part: str
    value: float | None
    limit: float
    worst: float
    weight: float = 1.0
    unit: str = ""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.limit) and math.isfinite(self.worst)):
            raise ValueError(f"{self.name}: limit and worst are finite numbers")
        if self.limit == self.worst:
            raise ValueError(f"{self.name}: worst is to differ from limit, both are {self.limit}")
        if not (math.isfinite(self.weight) and self.weight > 0):
            raise ValueError(f"{self.name}: a positive weight is asked, got {self.weight}")

    @property
    def known(self) -> bool:
        """Whether there is a value to judge."""
        return self.value is not None and math.isfinite(self.value)

    def severity(self) -> float:
        """How far the value is from ``limit`` (0) to ``worst`` (1); ``NOT_KNOWN`` without one.

        >>> Symptom("p95 latency", "service", 2.0, limit=1.0, worst=5.0).severity()
        0.25
        """
        if self.value is None or not math.isfinite(self.value):
            return NOT_KNOWN
        if (self.value > self.limit) != (self.worst > self.limit) or self.value == self.limit:
            return 0.0
        beyond, span = self.value - self.limit, self.worst - self.limit
        if math.isinf(beyond) or math.isinf(span):  # both ends of the range of a float
            beyond, span = self.value / 4 - self.limit / 4, self.worst / 4 - self.limit / 4
        return min(1.0, beyond / span)

    def explain(self) -> str:
        """The reason of a loss in one sentence."""
        if not self.known:
            return f"{self.name} is not known: it costs {NOT_KNOWN:.0%} of what it can"
        unit = f" {self.unit}" if self.unit else ""
        side = "above" if self.worst > self.limit else "below"
        return (
            f"{self.name} is {self.value:g}{unit}, {side} its limit {self.limit:g}{unit}: "
            f"{self.severity():.0%} of the way to the worst, {self.worst:g}{unit}"
        )


@dataclass(frozen=True, slots=True)
class Loss:
    """Points that one symptom, or one part of which nothing is known, costs, and why."""

    name: str
    part: str
    points: int
    reason: str
    known: bool = True


@dataclass(frozen=True, slots=True)
class Health:
    """``score`` from 0 to 100; the points of ``losses`` add up to exactly 100 less the score."""

    score: int
    losses: tuple[Loss, ...] = ()


def health(symptoms: Iterable[Symptom], *, parts: Mapping[str, float] = PARTS) -> Health:
    """Health of a model from its ``symptoms``: 100 points less what each symptom costs.

    A part of weight W (``parts`` gives points, 100 together) shares W among its symptoms by
    their weights. A symptom of share w costs ``w * severity``: nothing up to its limit, then
    linearly more, and w at its worst or beyond. A symptom without a value costs ``NOT_KNOWN``
    of its share, and a part without symptoms ``NOT_KNOWN`` of its weight, as a loss of its own:
    what is not known is neither healthy nor ill, and never silent. With nothing known at all
    the score is 50.

    Points are whole. The total is the nearest whole number, but 1 at least when there is any
    loss, so that 100 means none; it is dealt out by largest remainder (Hamilton's method). A
    loss that comes to less than a point may show 0 points and stays in the list. Losses come
    dearest first, then in the order of the parts, then by name; the order of ``symptoms`` plays
    no part. A worse value never gives a better score.

    The score is a summary for people. It is no test and has no error rate: noise in a value is
    noise in the score, so feed it signals that have their own evidence. It does not see what
    has no symptom, and one bad symptom among many of one part weighs little: give a part few,
    or weights. ValueError for an unknown part, two symptoms of one name in a part, or parts
    that are negative or do not add up to 100.

    >>> found = health([
    ...     Symptom("AUC", "quality", 0.70, limit=0.75, worst=0.65),
    ...     Symptom("features drifted", "drift", 0.1, limit=0.2, worst=0.8),
    ...     Symptom("rows refused", "data", None, limit=0.01, worst=0.2),
    ...     Symptom("p95 latency", "service", 0.2, limit=1.0, worst=5.0, unit="s"),
    ...     Symptom("open alerts", "rollout", 0, limit=0, worst=3),
    ... ])
    >>> found.score
    72
    >>> for loss in found.losses:
    ...     print(loss.points, loss.reason)
    18 AUC is 0.7, below its limit 0.75: 50% of the way to the worst, 0.65
    10 rows refused is not known: it costs 50% of what it can
    """
    _check(parts)
    exact: list[tuple[float, int, Loss]] = []
    by_part: dict[str, dict[str, Symptom]] = {name: {} for name in parts}
    for symptom in symptoms:
        if symptom.part not in by_part:
            raise ValueError(f"{symptom.name}: unknown part {symptom.part!r}, of {list(parts)}")
        if symptom.name in by_part[symptom.part]:
            raise ValueError(f"two symptoms of {symptom.part} are named {symptom.name!r}")
        by_part[symptom.part][symptom.name] = symptom
    for place, (part, points) in enumerate(parts.items()):
        of_part = by_part[part]
        if not of_part and points:
            reason = f"nothing is known of {part}: it costs {NOT_KNOWN:.0%} of what it can"
            exact.append((points * NOT_KNOWN, place, Loss(part, part, 0, reason, known=False)))
        top = max((each.weight for each in of_part.values()), default=1.0)
        whole = math.fsum(each.weight / top for each in of_part.values())
        for name in sorted(of_part):
            symptom = of_part[name]
            cost = points * (symptom.weight / top / whole) * symptom.severity()
            loss = Loss(name, part, 0, symptom.explain(), known=symptom.known)
            if cost > 0:
                exact.append((cost, place, loss))
    exact.sort(key=lambda each: (-each[0], each[1], each[2].name))
    return _in_whole_points(exact)


def _check(parts: Mapping[str, float]) -> None:
    """Raise ValueError unless the points of the parts are shares of 100."""
    points = list(parts.values())
    if not all(math.isfinite(each) and each >= 0 for each in points):
        raise ValueError(f"parts have points from 0 to 100, got {dict(parts)}")
    if not math.isclose(math.fsum(points), 100.0):
        raise ValueError(f"the points of the parts add up to 100, got {math.fsum(points):g}")


def _in_whole_points(exact: list[tuple[float, int, Loss]]) -> Health:
    """Round the total, and deal it out so that the parts add up to it."""
    if not exact:
        return Health(100)
    total = min(100, max(1, round(math.fsum(cost for cost, _, _ in exact))))
    points = [math.floor(cost) for cost, _, _ in exact]
    by_remainder = sorted(range(len(exact)), key=lambda at: points[at] - exact[at][0])
    for at in by_remainder[: total - sum(points)]:
        points[at] += 1
    losses = tuple(
        Loss(loss.name, loss.part, each, loss.reason, loss.known)
        for each, (_, _, loss) in zip(points, exact, strict=True)
    )
    return Health(100 - total, losses)
