"""A delivery: one window of one source, fetched, checked, and accepted or quarantined."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from homeostat.domain.evidence import Finding
from homeostat.domain.verdict import Verdict


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """Half-open span of ``known_at`` times, ``[since, until)``, both aware UTC."""

    since: datetime
    until: datetime

    def overlaps(self, other: Window) -> bool:
        """Whether the two spans share any instant."""
        return self.since < other.until and other.since < self.until


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one fetch brought. ``digest`` names its Parquet blob, None when it has no rows.

    ``verdict`` is what the checks said; ``findings`` holds every check that did not pass.
    """

    id: str
    source: str
    window: Window
    attempt: int
    fetched_at: datetime
    rows: int
    digest: str | None
    schema_digest: str | None
    verdict: Verdict
    findings: tuple[Finding, ...] = ()


def delivery_id(source: str, window: Window, attempt: int) -> str:
    """Stable id of a delivery, and so the idempotency key of fetching it.

    >>> from datetime import UTC, datetime
    >>> day = Window(datetime(2013, 1, 1, tzinfo=UTC), datetime(2013, 1, 2, tzinfo=UTC))
    >>> delivery_id("weather", day, 1)
    'weather/20130101T000000-20130102T000000/1'
    """
    return f"{source}/{window.since:%Y%m%dT%H%M%S}-{window.until:%Y%m%dT%H%M%S}/{attempt}"
