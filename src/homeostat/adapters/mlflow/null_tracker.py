"""The tracker of a project that wants none (``mlflow: null``)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from homeostat.domain.run import Candidate, RunRequest


class NullTracker:
    """Shows nothing to anybody. The ledger holds everything all the same."""

    def log_run(
        self,
        request: RunRequest,
        candidate: Candidate,  # noqa: ARG002
        trials: list[dict[str, Any]],  # noqa: ARG002
    ) -> str:
        """Our own run id: there is no other."""
        return request.id

    def log_version(self, number: int, run_id: str, package: Path, tags: Mapping[str, str]) -> None:
        """Nothing to do."""

    def set_alias(self, alias: str, number: int | None) -> None:
        """Nothing to do."""

    def aliases(self) -> dict[str, int]:
        """None are shown."""
        return {}
