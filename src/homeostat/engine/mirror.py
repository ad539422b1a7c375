"""Show runs, versions and aliases to the tracker. The ledger is the truth; this follows it."""

from __future__ import annotations

import json

from homeostat.domain.recorded import Recorded
from homeostat.domain.run import RunStatus
from homeostat.errors import HomeostatError
from homeostat.ports.blobs import Blobs
from homeostat.ports.tracker import Tracker


class Mirror:
    """Brings the tracker to what the ledger says; calls are idempotent, so it may start anew.

    A tracker that is away never stops the loop: ``problem`` then says what went wrong, and the
    next pass tries again.
    """

    def __init__(self, tracker: Tracker, blobs: Blobs) -> None:
        self._tracker = tracker
        self._blobs = blobs
        self._runs: set[str] = set()
        self._versions: set[int] = set()
        self._aliases: dict[str, int | None] | None = None
        self.problem = ""

    def follow(self, recorded: Recorded) -> None:
        """Show what is new since the last call."""
        try:
            self._show_runs(recorded)
            self._show_versions(recorded)
            self._point(recorded)
            self.problem = ""
        except HomeostatError as error:
            self.problem = str(error)

    def _show_runs(self, recorded: Recorded) -> None:
        for run in recorded.runs.values():
            name = run.request.id
            if name in self._runs or run.status is not RunStatus.FINISHED:
                continue
            assert run.candidate is not None, name
            trials = run.candidate.trials_digest
            shown = json.loads(self._blobs.get(trials)) if trials else []
            self._tracker.log_run(run.request, run.candidate, shown)
            self._runs.add(name)

    def _show_versions(self, recorded: Recorded) -> None:
        for version in recorded.versions:
            if version.number in self._versions:
                continue
            package = self._blobs.get_tree(version.candidate.package_digest)
            tags = {
                "homeostat.version": str(version.number),
                "homeostat.digest": version.digest,
                "homeostat.snapshot": version.candidate.snapshot,
                "homeostat.run": version.candidate.run_id,
                "homeostat.ledger_entry": str(version.entry),
            }
            self._tracker.log_version(version.number, version.candidate.run_id, package, tags)
            self._versions.add(version.number)

    def _point(self, recorded: Recorded) -> None:
        champion = recorded.champion
        rollout = recorded.rollout
        wanted = {
            "champion": champion.number if champion else None,
            "challenger": rollout.version if rollout else None,
        }
        if wanted == self._aliases:
            return
        for alias, number in wanted.items():
            if self._aliases is None or self._aliases.get(alias) != number:
                self._tracker.set_alias(alias, number)
        self._aliases = wanted
