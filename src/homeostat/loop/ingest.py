"""Which window of which source is due to be fetched."""

from __future__ import annotations

from datetime import datetime, timedelta

from homeostat.domain.action import Fetch
from homeostat.domain.delivery import Window
from homeostat.domain.recorded import SourceRecord
from homeostat.domain.world import World
from homeostat.policy.settings import LoopPolicy, SourcePolicy

FIRST_LOOK_BACK = timedelta(days=30)
"""Where a source without a declared start begins."""
CATCH_UP = 30
"""A source that is behind is asked for up to so many intervals in one delivery."""


def decide(world: World, policy: LoopPolicy, now: datetime) -> list[Fetch]:
    """At most one fetch per source: first a bad window once more, else the next new one."""
    fetches = []
    for source in policy.sources:
        record = world.recorded.sources.get(source.name, SourceRecord())
        if record.pending:
            continue
        start = source.start or (world.recorded.first_at or now) - FIRST_LOOK_BACK
        fetch = _again(source, record, now) or _next(source, record, start, now)
        if fetch is not None:
            fetches.append(fetch)
    return fetches


def _next(
    source: SourcePolicy, record: SourceRecord, start: datetime, now: datetime
) -> Fetch | None:
    since = record.cursor or start
    intervals = (now - since) // source.every
    if intervals < 1:
        return None
    until = since + source.every * min(intervals, CATCH_UP)
    return Fetch(
        source=source.name,
        window=Window(since, until),
        attempt=1,
        reason=f"the window up to {until:%Y-%m-%d %H:%M} is complete",
    )


def _again(source: SourcePolicy, record: SourceRecord, now: datetime) -> Fetch | None:
    for delivery in record.quarantined:
        waited = now - delivery.fetched_at >= source.every
        if waited and delivery.attempt <= source.retries:
            return Fetch(
                source=source.name,
                window=delivery.window,
                attempt=delivery.attempt + 1,
                reason=(
                    f"asked again for a quarantined window, attempt {delivery.attempt + 1} "
                    f"of {source.retries + 1}"
                ),
            )
    return None
