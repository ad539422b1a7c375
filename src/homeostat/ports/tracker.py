"""Where other tools see runs and versions. The ledger is the truth; this follows it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from homeostat.domain.run import Candidate, RunRequest


class Tracker(Protocol):
    """Shows runs, trials and versions to people's other tools.

    Nothing here may stop the loop: an implementation raises StateError when its server is
    away, and the engine retries. All calls are idempotent by run id, trial number or version.
    """

    def log_run(
        self, request: RunRequest, candidate: Candidate, trials: list[dict[str, Any]]
    ) -> str:
        """Show a finished run with its trials as children; the tracker's own run id."""
        ...

    def log_version(self, number: int, run_id: str, package: Path, tags: Mapping[str, str]) -> None:
        """Show a registered version, with its package."""
        ...

    def set_alias(self, alias: str, number: int | None) -> None:
        """Point ``champion`` or ``challenger`` at a version; None removes it."""
        ...

    def aliases(self) -> dict[str, int]:
        """What the aliases point at now, to find a mismatch."""
        ...
