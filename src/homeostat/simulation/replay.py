"""The year in simulated time: the engine settles, traffic is answered, the engine settles again.

Each tick stands at the end of a span of recorded time. The engine first takes the deliveries
that are due; then the requests of the span are answered, under the routing that held in it; then
the engine decides on what they showed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from homeostat.domain.backtest import Drift, Progress
from homeostat.domain.recorded import Recorded
from homeostat.domain.run import RunRequest, RunStatus
from homeostat.gateway.host import Host
from homeostat.simulation.disturb import ScenarioReader
from homeostat.simulation.replay_clock import ReplayClock
from homeostat.simulation.scenario import Scenario
from homeostat.simulation.traffic import Traffic, recorded_events
from homeostat.spec.load import load_project
from homeostat.spec.project import Project
from homeostat.wiring import Assembly, assemble

if TYPE_CHECKING:
    import polars as pl

    from homeostat.ports.source import SourceReader

LONGEST_TICK = timedelta(days=1)
SHORTEST_TICK = timedelta(hours=1)
FURTHEST = timedelta(days=3660)
"""How far after its beginning recorded data is looked for when no end is given."""
DRIFT_EVERY = timedelta(days=7)
"""How often drift signals are sampled for the report."""


def tick_of(project: Project) -> timedelta:
    """How far time goes on at once: as often as the busiest source delivers, a day at most."""
    every = min(source.every for source in project.sources.values())
    return min(max(every, SHORTEST_TICK), LONGEST_TICK)


@dataclass
class DriftSamples:
    """Drift signals as they were at some instants."""

    at: list[datetime] = field(default_factory=list)
    psi_max: list[float | None] = field(default_factory=list)
    drifted_share: list[float | None] = field(default_factory=list)
    features: dict[str, list[float | None]] = field(default_factory=dict)

    def due(self, now: datetime) -> bool:
        """Whether it is time for another sample."""
        return not self.at or now - self.at[-1] >= DRIFT_EVERY

    def take(self, wired: Assembly, now: datetime) -> None:
        """One more sample."""
        signals = wired.evidence.signals(wired.engine.recorded, now)
        if signals["psi_max"].value is None and not self.at:
            return
        self.at.append(now)
        self.psi_max.append(signals["psi_max"].value)
        self.drifted_share.append(signals["drifted_share"].value)
        for name in wired.project.features.names:
            self.features.setdefault(name, []).append(signals[f"psi.{name}"].value)

    def drift(self) -> Drift:
        """All samples."""
        return Drift(
            tuple(self.at),
            tuple(self.psi_max),
            tuple(self.drifted_share),
            {name: tuple(values) for name, values in self.features.items()},
        )


@dataclass
class Replay:
    """One back-test under way: the wired model, its clock, what disturbs it, its traffic."""

    wired: Assembly
    clock: ReplayClock
    reader: ScenarioReader
    traffic: Traffic
    since: datetime
    until: datetime
    samples: DriftSamples = field(default_factory=DriftSamples)
    quarantined: int = 0

    @property
    def recorded(self) -> Recorded:
        """What the ledger says now."""
        return self.wired.engine.recorded

    def ticks(self) -> Iterator[datetime]:
        """Go through the whole span; yields each instant after the engine has settled there."""
        tick = tick_of(self.wired.project)
        before = self.since
        while before < self.until:
            now = min(before + tick, self.until)
            self._step(before, now)
            yield now
            before = now
        self.wired.engine.release()

    def _step(self, before: datetime, now: datetime) -> None:
        self.clock.set(now)
        self._settle(now)
        if self.traffic.send(before, now, self.recorded):
            self._settle(now)
        self.traffic.follow(self.wired.host.observe())
        tenures, window = self.recorded.tenures, self.wired.project.monitors.window
        if tenures and now - tenures[0].since >= window and self.samples.due(now):
            self.samples.take(self.wired, now)

    def _settle(self, now: datetime) -> None:
        for entry in self.wired.engine.settle(now):
            self.quarantined += entry.name == "Quarantine"

    def progress(self, now: datetime, doing: str = "") -> Progress:
        """Where the replay stands."""
        recorded = self.recorded
        runs = [run for run in recorded.runs.values() if run.status is RunStatus.FINISHED]
        registered = {version.candidate.run_id for version in recorded.versions}
        refused = [run for run in runs if run.decided and run.request.id not in registered]
        back = sum(after.version < before.version for before, after in pairwise(recorded.tenures))
        return Progress(
            stage="replay",
            share=(now - self.since) / (self.until - self.since),
            at=now,
            doing=doing,
            champion=recorded.champion.number if recorded.champion else None,
            predictions=self.traffic.answered.total,
            trainings=len(recorded.runs),
            promotions=max(len(recorded.tenures) - 1 - back, 0),
            refusals=len(refused),
            rollbacks=back,
            quarantined=self.quarantined,
        )


@contextmanager
def replaying(
    folder: Path,
    state: Path,
    scenario: Scenario,
    since: datetime,
    until: datetime | None,
    tell_step: Callable[[str, float], None],
) -> Iterator[Replay]:
    """Wire the project in ``folder`` for a replay of ``[since, until)`` into ``state``.

    Without ``until`` it goes on to the midnight after the last recorded event.
    """
    clock = ReplayClock(since)
    readers: list[ScenarioReader] = []

    def wrap(inner: SourceReader) -> SourceReader:
        project = load_project(folder)
        known_at = {name: source.known_at for name, source in project.sources.items()}
        readers.append(ScenarioReader(inner, scenario, known_at, clock))
        return readers[0]

    def faults(request: RunRequest) -> tuple[str, ...]:
        return readers[0].faults_for(request)

    wired = assemble(
        folder,
        state,
        clock=clock,
        executor="inline",
        wrap_reader=wrap,
        request_faults=faults,
        progress=tell_step,
        synchronous="NORMAL",
    )
    furthest = until or since + FURTHEST
    events = recorded_events(wired.project, readers[0].inner, since, furthest)
    end = until or _midnight_after(events[wired.project.events.time])
    with tempfile.TemporaryDirectory(prefix="homeostat-replay-") as place:
        host = Host(wired.project, wired.blobs, wired.log, clock, Path(place))
        traffic = Traffic(wired.project, folder, wired.blobs, host, events)
        yield Replay(wired, clock, readers[0], traffic, since, end)


def _midnight_after(times: pl.Series) -> datetime:
    last = times[-1]
    assert isinstance(last, datetime)
    midnight = last.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(days=1)
