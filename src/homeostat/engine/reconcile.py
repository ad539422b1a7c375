"""One pass: observe -> ``step`` -> for each action: write the intent, do it, write the outcome.

Level-triggered: a pass reads all state anew, so nothing depends on having seen an event. One
leased pass per model at a time; the lease's token fences off a controller that lost it.
Recovery is the next pass: an intent without an outcome is forgotten and decided again, and
each action is idempotent by its key.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Protocol

from homeostat.domain.action import Action
from homeostat.domain.entry import Entry, Kind, draft
from homeostat.domain.event import Declared, Ended, Recovered
from homeostat.domain.plan import Plan
from homeostat.domain.projection import project as fold
from homeostat.domain.recorded import Recorded
from homeostat.domain.run import Run, RunStatus
from homeostat.domain.world import World
from homeostat.engine.mirror import Mirror
from homeostat.loop.step import step
from homeostat.policy.settings import LoopPolicy
from homeostat.ports.clock import Clock
from homeostat.ports.evidence import Evidence
from homeostat.ports.ledger import Ledger
from homeostat.ports.runner import Runner
from homeostat.ports.serving import Serving

LEASE = timedelta(seconds=60)
MAX_PASSES = 2_000
"""A plan that never empties is a broken invariant; this bound makes it show."""


class Acts(Protocol):
    """Whatever carries actions out; :class:`homeostat.engine.act.Actor` in production."""

    def act(self, action: Action, recorded: Recorded, now: datetime) -> Any:
        """The event that came of ``action``."""
        ...


class Engine:
    """Runs the loop of one model on its ports.

    ``lease_clock`` is wall time even in a simulation: leases keep real processes apart.
    """

    def __init__(
        self,
        *,
        policy: LoopPolicy,
        declared: Declared,
        ledger: Ledger,
        actor: Acts,
        evidence: Evidence,
        runner: Runner,
        serving: Serving,
        mirror: Mirror,
        holder: str,
        lease_clock: Clock,
    ) -> None:
        self._policy = policy
        self._declared = declared
        self._ledger = ledger
        self._actor = actor
        self._evidence = evidence
        self._runner = runner
        self._serving = serving
        self._mirror = mirror
        self._holder = holder
        self._lease_clock = lease_clock
        self._token: int | None = None
        self._leased_until: datetime | None = None
        self.recorded = Recorded()
        self.recheck_at: datetime | None = None

    @property
    def mirror_problem(self) -> str:
        """Why the tracker could not be brought up to date; empty when it was."""
        return self._mirror.problem

    def settle(
        self,
        now: datetime,
        watch: Callable[[Entry], None] | None = None,
        only: tuple[type[Action], ...] = (Action,),
    ) -> tuple[Entry, ...]:
        """Make passes until nothing is left to do now; the entries that were written.

        ``watch`` is told of each outcome. ``only`` limits what is done to these kinds of action.
        Raises LeaseHeldError when another controller is in charge, and StateError when the
        ledger cannot be written; the gateway goes on serving in either case.
        """
        written: list[Entry] = []
        for _ in range(MAX_PASSES):
            entries = self.make_pass(now, watch, only)
            written += entries
            if not entries:
                break
        else:
            raise AssertionError(f"the plan never empties: {written[-4:]}")
        self._mirror.follow(self.recorded)
        return tuple(written)

    def make_pass(
        self,
        now: datetime,
        watch: Callable[[Entry], None] | None = None,
        only: tuple[type[Action], ...] = (Action,),
    ) -> tuple[Entry, ...]:
        """One pass; the entries that it wrote."""
        self._lead(now)
        written = list(self._observe_runs(now))
        plan = self._decide(now)
        self.recheck_at = plan.recheck_at
        for action in plan.actions:
            if not isinstance(action, only):
                continue
            self._renew()
            intent = self._append(now, Kind.INTENT, action)
            outcome = self._actor.act(action, self.recorded, now)
            done = self._append(now, Kind.OUTCOME, outcome, cause=intent.seq)
            written += [intent, done]
            if watch is not None:
                watch(done)
        return tuple(written)

    def refresh(self) -> Recorded:
        """Read what was appended since; the recorded state."""
        self.recorded = fold(self._ledger.read(after=self.recorded.position), self.recorded)
        return self.recorded

    def release(self) -> None:
        """Give the lease back, so that another controller need not wait for its end."""
        self._ledger.release(self._holder)
        self._token = None
        self._leased_until = None

    def _decide(self, now: datetime) -> Plan:
        world = World(
            recorded=self.recorded,
            signals=self._evidence.signals(self.recorded, now),
            live=self._evidence.live(self.recorded, now),
            routing=self._serving.observe(),
        )
        return step(world, self._policy, now)

    def _lead(self, now: datetime) -> None:
        """Take or renew the lease; on taking it, forget intents that a crash left open."""
        first = self._token is None
        self._renew()
        self.refresh()
        if first and self.recorded.intents:
            self._append(now, Kind.FACT, Recovered(self._holder))
        if self._declared.spec_digest != self.recorded.spec_digest:
            self._append(now, Kind.FACT, self._declared)

    def _renew(self) -> None:
        """Renew the lease when half of it is used up."""
        present = self._lease_clock.now()
        if self._leased_until is not None and present < self._leased_until - LEASE / 2:
            return
        until = present + LEASE
        self._token = self._ledger.acquire(self._holder, until, present)
        self._leased_until = until

    def _observe_runs(self, now: datetime) -> list[Entry]:
        """Write down how runs ended since the last pass."""
        ended = []
        for run in list(self.recorded.runs.values()):
            if run.status is not RunStatus.RUNNING:
                continue
            event = self._runner.poll(run.request.id)
            if event is not None:
                ended.append(self._append(now, Kind.FACT, self._last_try(run, event)))
        return ended

    def _last_try(self, run: Run, event: Ended) -> Ended:
        """Give up on a run whose process has died too often."""
        if event.interrupted and run.attempts >= self._policy.max_failures:
            return Ended(run.request.id, error=f"its process died {run.attempts} times")
        return event

    def _append(self, now: datetime, kind: Kind, value: object, cause: int | None = None) -> Entry:
        (entry,) = self._ledger.append([draft(now, kind, value, cause)], token=self._token)
        if entry.seq == self.recorded.position + 1:
            self.recorded = fold([entry], self.recorded)
        else:  # a person's order came in between
            self.refresh()
        return entry
