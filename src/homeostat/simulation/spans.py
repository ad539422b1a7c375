"""Calendar months and weeks of a back-test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Stretch:
    """A half-open span of time; ``whole`` unless it was cut at the back-test's ends."""

    since: datetime
    until: datetime
    whole: bool


def months(since: datetime, until: datetime) -> tuple[Stretch, ...]:
    """Calendar months (UTC) that overlap ``[since, until)``, cut to it.

    >>> from datetime import UTC
    >>> found = months(datetime(2013, 3, 4, tzinfo=UTC), datetime(2013, 5, 1, tzinfo=UTC))
    >>> [(f"{m.since:%d %b}", m.whole) for m in found]
    [('04 Mar', False), ('01 Apr', True)]
    """
    first = since.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return _stretches(first, since, until, lambda at: (at + timedelta(days=32)).replace(day=1))


def weeks(since: datetime, until: datetime) -> tuple[Stretch, ...]:
    """Spans of seven days from ``since`` on."""
    return _stretches(since, since, until, lambda at: at + timedelta(days=7))


def _stretches(
    at: datetime, since: datetime, until: datetime, following: Callable[[datetime], datetime]
) -> tuple[Stretch, ...]:
    found = []
    while at < until:
        end = following(at)
        found.append(Stretch(max(at, since), min(end, until), since <= at and end <= until))
        at = end
    return tuple(found)
