"""Recorded events replayed as prediction requests, under the routing that held at their time.

Requests come from the application upstream, so they are read from the undisturbed source; what
is disturbed is the feed that features are computed from. Rows of an accepted delivery are used
from their ``known_at`` on, as a streaming feed would provide them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from homeostat.domain.delivery import Window
from homeostat.domain.recorded import Recorded
from homeostat.domain.rollout import Routing
from homeostat.errors import EmptyDataError
from homeostat.features.build import build
from homeostat.features.columns import as_instants
from homeostat.features.frames import DeliveryFrames
from homeostat.gateway.host import Host
from homeostat.pipeline.snapshot import known_at_columns
from homeostat.ports.blobs import Blobs
from homeostat.ports.source import SourceReader
from homeostat.spec.project import Project

if TYPE_CHECKING:
    import polars as pl


def recorded_events(
    project: Project, reader: SourceReader, since: datetime, until: datetime
) -> pl.DataFrame:
    """Events with prediction time in ``[since, until)``, in its order; the last row of an id.

    Raises EmptyDataError when there are none, and what ``reader`` raises.
    """
    import polars as pl

    events = project.events
    frame = reader.read(events.source, Window(since, until))
    if frame.height:
        time = as_instants(frame, events.time, f"source {events.source}")
        inside = ((time >= since) & (time < until)).fill_null(value=False)
        frame = frame.with_columns(time.alias(events.time)).filter(inside)
    if not frame.height:
        raise EmptyDataError(
            f"there are no events between {since:%Y-%m-%d} and {until:%Y-%m-%d}",
            subject=f"source {events.source}",
            next_step="give --since and --until within the recorded data",
        )
    latest = frame.unique(events.id, keep="last", maintain_order=True)
    return latest.sort(pl.col(events.time), events.id)


@dataclass(frozen=True, slots=True)
class _Span:
    """What was answered in one span; ``fallback`` counts rows on a fallback, by source."""

    since: datetime
    until: datetime
    answers: int
    fallback: Counter[str]


@dataclass
class Answered:
    """Answers over time."""

    spans: list[_Span] = field(default_factory=list)

    def add(self, since: datetime, until: datetime, answers: int, fallback: Counter[str]) -> None:
        """Note what was answered in ``[since, until)``."""
        self.spans.append(_Span(since, until, answers, fallback))

    @property
    def total(self) -> int:
        """All answers."""
        return sum(span.answers for span in self.spans)

    def between(self, since: datetime, until: datetime, source: str) -> tuple[int, int]:
        """How much was answered in the spans that overlap ``[since, until)``.

        The second number is how many of these answers used the last good row of ``source``.
        """
        inside = [span for span in self.spans if span.since < until and since < span.until]
        return (
            sum(span.answers for span in inside),
            sum(span.fallback[source] for span in inside),
        )


class Traffic:
    """Sends the events of each span to a gateway of its own that follows the routing.

    ``host`` is routed by :meth:`follow` after the loop has settled, so that it answers with the
    arms that held while the requests came in, not with those of the decision after them.
    """

    def __init__(
        self,
        project: Project,
        folder: Path,
        blobs: Blobs,
        host: Host,
        events: pl.DataFrame,
    ) -> None:
        self._project = project
        self._folder = folder
        self._blobs = blobs
        self._host = host
        self._routing = Routing()
        self._times = events[project.events.time]
        self._events = events
        self.asked = 0
        self.answered = Answered()

    def send(self, since: datetime, until: datetime, recorded: Recorded) -> int:
        """Answer the events with prediction time in ``[since, until)``; how many were answered.

        Before a version serves there is no answer.
        """
        first = self._times.search_sorted(since, side="left")
        last = self._times.search_sorted(until, side="left")
        rows = self._events.slice(first, last - first)
        self.asked += rows.height
        if not rows.height or not self._host.ready:
            return 0
        deliveries = {name: source.accepted for name, source in recorded.sources.items()}
        frames = DeliveryFrames(self._blobs, deliveries, known_at_columns(self._project))
        built = build(self._project, self._folder, rows, frames)
        answers = self._host.predict(built.frame, at=self._project.events.time)
        fallback: Counter[str] = Counter()
        for view, count in built.fallback_rows.items():
            source = self._project.features.views[view].source
            fallback[source] = max(fallback[source], count)
        self.answered.add(since, until, answers.height, fallback)
        return int(answers.height)

    def follow(self, routing: Routing) -> None:
        """Route later requests by ``routing``."""
        if routing != self._routing:
            self._host.route(routing)
            self._routing = routing
