"""A tracker in memory, for simulations and tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from homeostat.domain.run import Candidate, RunRequest


@dataclass
class MemoryTracker:
    """Keeps what it was shown. The same run, version or alias shown twice is kept once."""

    runs: dict[str, Candidate] = field(default_factory=dict)
    trials: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    versions: dict[int, str] = field(default_factory=dict)
    tags: dict[int, dict[str, str]] = field(default_factory=dict)
    pointers: dict[str, int] = field(default_factory=dict)

    def log_run(
        self, request: RunRequest, candidate: Candidate, trials: list[dict[str, Any]]
    ) -> str:
        """Keep a finished run; its own id."""
        self.runs[request.id] = candidate
        self.trials[request.id] = list(trials)
        return f"memory-{request.id}"

    def log_version(self, number: int, run_id: str, package: Path, tags: Mapping[str, str]) -> None:
        """Keep a version; its package must be there."""
        assert package.is_dir(), package
        self.versions[number] = run_id
        self.tags[number] = dict(tags)

    def set_alias(self, alias: str, number: int | None) -> None:
        """Point an alias at a version, or at none."""
        if number is None:
            self.pointers.pop(alias, None)
        else:
            self.pointers[alias] = number

    def aliases(self) -> dict[str, int]:
        """What the aliases point at."""
        return dict(self.pointers)
