"""A whole world for the loop, from a seed: bad data, dying runs, forgetful gateways, crashes.

The engine and the loop run unchanged; everything around them is simulated, with a hidden truth
(the real quality of each version) that decisions must do justice to. A failing test is a seed.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from homeostat.domain.action import Action, Fetch, Route, Train
from homeostat.domain.delivery import Delivery, delivery_id
from homeostat.domain.entry import Entry
from homeostat.domain.event import Declared, Done, Ended, Failed, Fetched, Routed, Started
from homeostat.domain.evidence import Comparison, Finding, Signal
from homeostat.domain.recorded import Recorded
from homeostat.domain.rollout import Routing
from homeostat.domain.run import Candidate, RunRequest
from homeostat.domain.verdict import Verdict
from homeostat.engine.mirror import Mirror
from homeostat.engine.reconcile import Engine
from homeostat.policy.settings import LoopPolicy
from homeostat.testing.memory import MemoryBlobs, MemoryLedger
from homeostat.testing.sim_clock import SimClock
from homeostat.testing.tracker import MemoryTracker

START = datetime(2024, 1, 1, tzinfo=UTC)


class Crash(BaseException):
    """The controller's process dies here. Not an Exception: nothing may catch it."""


@dataclass(frozen=True, slots=True)
class Faults:
    """Probabilities, per opportunity, of things going wrong."""

    bad_delivery: float = 0.0
    source_down: float = 0.0
    run_dies: float = 0.0
    run_fails: float = 0.0
    gateway_forgets: float = 0.0
    gateway_away: float = 0.0
    route_fails: float = 0.0
    crash: float = 0.0
    no_labels: float = 0.0


class SimWorld:
    """Implements every port that the engine needs, over a hidden truth drawn from ``seed``.

    ``quality`` maps a model digest to its true quality: the expected loss per row is lower by
    0.1 for each unit. A candidate draws its quality around that of the champion.
    """

    def __init__(self, policy: LoopPolicy, seed: int, faults: Faults | None = None) -> None:
        self.policy = policy
        self.random = random.Random(seed)  # noqa: S311  a simulation, from its seed
        self.faults = faults or Faults()
        self.clock = SimClock(START)
        self.ledger = MemoryLedger("sim")
        self.blobs = MemoryBlobs()
        self.tracker = MemoryTracker()
        self.quality: dict[str, float] = {}
        self.routed = Routing()
        self.requests: dict[str, RunRequest] = {}
        self.ended: dict[str, Ended] = {}
        self.holders = 0
        self.engine = self._controller()

    # -- running ------------------------------------------------------------------------

    def day(self, days: int = 1) -> None:
        """Let ``days`` pass, with one settling of the engine each; restart it when it crashes."""
        for _ in range(days):
            self.clock.advance(timedelta(days=1))
            if self._happens(self.faults.gateway_forgets):
                self.routed = Routing()
            self.settle()

    def settle(self) -> None:
        """Settle now; a crashed controller is replaced by a new one, which goes on."""
        while True:
            try:
                self.engine.settle(self.clock.now())
                return
            except Crash:
                self.engine.release()
                self.engine = self._controller()

    @property
    def recorded(self) -> Recorded:
        """The recorded state, read anew."""
        return self.engine.refresh()

    @property
    def entries(self) -> list[Entry]:
        """The whole ledger."""
        return list(self.ledger.read())

    def _controller(self) -> Engine:
        self.holders += 1
        return Engine(
            policy=self.policy,
            declared=Declared("sim", "tests", "spec-1"),
            ledger=self.ledger,
            actor=self,
            evidence=self,
            runner=self,
            serving=self,
            mirror=Mirror(self.tracker, self.blobs),
            holder=f"controller-{self.holders}",
            lease_clock=self.clock,
        )

    def _happens(self, probability: float) -> bool:
        return self.random.random() < probability

    # -- actions ------------------------------------------------------------------------

    def act(self, action: Action, recorded: Recorded, now: datetime) -> Any:
        """Carry an action out in the simulated world; may crash before or after it took effect."""
        if self._happens(self.faults.crash / 2):
            raise Crash
        event = self._act(action, recorded, now)
        if self._happens(self.faults.crash / 2):
            raise Crash
        return event

    def _act(self, action: Action, recorded: Recorded, now: datetime) -> Any:
        if isinstance(action, Fetch):
            return self._fetch(action, now)
        if isinstance(action, Train):
            known = recorded.runs.get(action.run_id)
            request = known.request if known else self._request(action, recorded, now)
            self.start(request)
            return Started(request)
        if isinstance(action, Route):
            if self._happens(self.faults.route_fails):
                return Failed("H502", "the gateway did not take it")
            self.routed = action.routing
            return Routed(action.routing)
        return Done()

    def _fetch(self, action: Fetch, now: datetime) -> Fetched | Failed:
        if self._happens(self.faults.source_down):
            return Failed("H201", "the source is down")
        bad = self._happens(self.faults.bad_delivery)
        finding = Finding("nulls", Verdict.FAIL, "column x: 100 % null, at most 5 % are allowed")
        return Fetched(
            Delivery(
                id=delivery_id(action.source, action.window, action.attempt),
                source=action.source,
                window=action.window,
                attempt=action.attempt,
                fetched_at=now,
                rows=1000,
                digest="d" * 64,
                schema_digest="s" * 64,
                verdict=Verdict.FAIL if bad else Verdict.PASS,
                findings=(finding,) if bad else (),
            )
        )

    def _request(self, action: Train, recorded: Recorded, now: datetime) -> RunRequest:
        champion = recorded.champion
        return RunRequest(
            id=action.run_id,
            as_of=now,
            reason=action.reason,
            trigger=action.trigger,
            seed=action.seed,
            snapshot="snapshot",
            champion_version=champion.number if champion else None,
            champion_package=champion.candidate.package_digest if champion else None,
            parameters=None if action.search else {},
        )

    # -- runner -------------------------------------------------------------------------

    def start(self, request: RunRequest) -> None:
        """Begin or resume a run; how it ends is drawn when it is asked for."""
        self.requests[request.id] = request
        self.ended.pop(request.id, None)

    def poll(self, run_id: str) -> Ended | None:
        """How the run ended; it may have died or failed."""
        if run_id not in self.ended:
            self.ended[run_id] = self._end(self.requests[run_id])
        return self.ended[run_id]

    def _end(self, request: RunRequest) -> Ended:
        if self._happens(self.faults.run_dies):
            return Ended(request.id, interrupted=True)
        if self._happens(self.faults.run_fails):
            return Ended(request.id, error="[H301] train: did not converge")
        return Ended(request.id, self._candidate(request))

    def _candidate(self, request: RunRequest) -> Candidate:
        digest = f"model-{request.id}"
        before = self.quality.get(f"model-{self._run_of(request.champion_version)}", 0.0)
        self.quality[digest] = before + self.random.gauss(0.05, 0.2)
        comparisons = []
        if request.champion_version is not None:
            gain = self.quality[digest] - before
            comparisons = [
                self._comparison("auc", where, gain / 10, 5000)
                for where in ("evaluation", "holdout")
            ]
        return Candidate(
            run_id=request.id,
            model_digest=digest,
            package_digest=f"package-{request.id}",
            snapshot=request.snapshot,
            trained_rows=10_000,
            trained_from=START,
            trained_until=request.as_of,
            evaluated_rows=5000,
            parameters={},
            seed=request.seed,
            metrics={"auc": 0.7 + self.quality[digest] / 10},
            comparisons=tuple(comparisons),
            champion_version=request.champion_version,
            code_digest="c",
            code_commit="",
            environment_digest="e",
            onnx=False,
            onnx_note="simulated",
        )

    def _run_of(self, version: int | None) -> str:
        if version is None:
            return ""
        return self.engine.recorded.version(version).candidate.run_id

    # -- serving ------------------------------------------------------------------------

    def route(self, routing: Routing) -> None:
        """Take a routing."""
        self.routed = routing

    def observe(self) -> Routing | None:
        """What is routed, or None when the gateway does not answer."""
        return None if self._happens(self.faults.gateway_away) else self.routed

    # -- evidence -----------------------------------------------------------------------

    def signals(self, recorded: Recorded, now: datetime) -> Mapping[str, Signal]:
        """A quality signal of the champion, and the labels since the last run."""
        champion = recorded.champion
        last = recorded.last_run
        quality = 0.7 + self.quality[champion.digest] / 10 if champion else None
        days = (now - (last.started_at if last else START)) / timedelta(days=1)
        return {
            "auc": Signal("auc", quality, now, 604_800.0, 1000),
            "new_labels": Signal("new_labels", days * 1000, now, 0.0, 0),
        }

    def live(self, recorded: Recorded, now: datetime) -> tuple[Comparison, ...]:
        """The pair of the rollout or the watch, with noise that shrinks as labels arrive."""
        if self._happens(self.faults.no_labels):
            return ()
        pair = self._pair(recorded)
        if pair is None:
            return ()
        challenger, champion, since = pair
        rows = int((now - since) / timedelta(days=1) * 1000)
        if rows < 1:
            return ()
        gain = (self.quality[challenger] - self.quality[champion]) / 10
        return (self._comparison("log_loss", "live", gain, rows),)

    def _pair(self, recorded: Recorded) -> tuple[str, str, datetime] | None:
        rollout, watch = recorded.rollout, recorded.watch
        if rollout is not None and rollout.replaces is not None:
            new, old, since = rollout.version, rollout.replaces, rollout.phase_since
        elif watch is not None:
            new, old, since = watch.version, watch.predecessor, watch.since
        else:
            return None
        return recorded.version(new).digest, recorded.version(old).digest, since

    def _comparison(self, metric: str, where: str, gain: float, rows: int) -> Comparison:
        error = 0.2 / rows**0.5
        seen = gain + self.random.gauss(0, error)
        return Comparison(
            metric,
            where,
            rows,
            0.7 + seen,
            0.7,
            seen,
            seen - 2.58 * error,
            seen + 2.58 * error,
            0.99,
        )


def calm(world: SimWorld) -> None:
    """Stop all faults, so that what remains must heal."""
    world.faults = replace(world.faults, **dict.fromkeys(Faults.__dataclass_fields__, 0.0))
