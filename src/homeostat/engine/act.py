"""Carry one action out, and say what came of it. Doing it twice is the same as doing it once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from homeostat.domain.action import Action, Fetch, Route, Train
from homeostat.domain.event import Done, Failed, Fetched, Routed, Started
from homeostat.domain.recorded import Recorded
from homeostat.domain.run import Run, RunRequest, RunStatus
from homeostat.errors import HomeostatError, ModelLoadError
from homeostat.loop.deploy.traffic import same
from homeostat.pipeline.deliver import fetch_delivery
from homeostat.pipeline.snapshot import save_snapshot, snapshot_of
from homeostat.ports.blobs import Blobs
from homeostat.ports.clock import Clock
from homeostat.ports.runner import Runner
from homeostat.ports.serving import Serving
from homeostat.ports.source import SourceReader
from homeostat.spec.project import Project

RequestFaults = Callable[[RunRequest], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Actor:
    """Holds the ports through which actions reach the world."""

    project: Project
    folder: Path
    blobs: Blobs
    reader: SourceReader
    runner: Runner
    serving: Serving
    request_faults: RequestFaults
    clock: Clock

    def act(self, action: Action, recorded: Recorded, now: datetime) -> Any:
        """The event that came of ``action``: Done, or one with what the world answered.

        Most actions are decisions that need nothing but to be recorded: they become true when
        their outcome is in the ledger, and the traffic station then makes the gateway follow.
        A typed error becomes :class:`Failed`; a version that the gateway cannot
        load is terminal, since its bytes never change.
        """
        try:
            if isinstance(action, Fetch):
                return Fetched(self._fetch(action, recorded, now))
            if isinstance(action, Train):
                return Started(self._train(action, recorded, now))
            if isinstance(action, Route):
                return self._route(action)
            return Done()
        except HomeostatError as error:
            terminal = isinstance(error, ModelLoadError)
            return Failed(error.code, str(error), terminal)

    def _fetch(self, action: Fetch, recorded: Recorded, now: datetime) -> Any:
        return fetch_delivery(
            self.project,
            self.reader,
            self.blobs,
            recorded,
            action.source,
            action.window,
            action.attempt,
            now,
        )

    def _train(self, action: Train, recorded: Recorded, now: datetime) -> RunRequest:
        known = recorded.runs.get(action.run_id)
        request = known.request if known else self._request(action, recorded, now)
        self.runner.start(request)
        return request

    def _request(self, action: Train, recorded: Recorded, now: datetime) -> RunRequest:
        champion = recorded.champion
        request = RunRequest(
            id=action.run_id,
            as_of=now,
            reason=action.reason,
            trigger=action.trigger,
            seed=action.seed,
            snapshot=save_snapshot(snapshot_of(recorded, now), self.blobs),
            champion_version=champion.number if champion else None,
            champion_package=champion.candidate.package_digest if champion else None,
            champion_digest=champion.digest if champion else None,
            parameters=None if action.search else found_parameters(recorded),
        )
        return replace(request, faults=self.request_faults(request))

    def _route(self, action: Route) -> Routed | Failed:
        began = self.clock.now()
        self.serving.route(action.routing)
        answered = self.serving.observe()
        took_ms = (self.clock.now() - began).total_seconds() * 1000
        if answered is None or not same(answered, action.routing):
            return Failed("H502", "the gateway does not answer with the routing it was given")
        return Routed(answered, round(took_ms, 3))


def found_parameters(recorded: Recorded) -> dict[str, Any] | None:
    """Parameters that the newest search found, None when there was none."""
    searched: list[Run] = [
        run
        for run in recorded.runs.values()
        if run.request.parameters is None and run.status is RunStatus.FINISHED
    ]
    if not searched:
        return None
    newest = max(searched, key=lambda run: run.started_at)
    assert newest.candidate is not None, newest.request.id
    return dict(newest.candidate.parameters)
