"""What the workers of these tests execute."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from homeostat.domain.run import Candidate, RunRequest
from homeostat.testing.runner_conformance import behave


def execute(
    request: RunRequest, project: Path, state: Path, progress: Callable[[str, float], None]
) -> Candidate:
    """Behave as the request says, as a process that can die."""
    (Path(request.reason) / "worker").touch()
    progress("train", 0.5)
    sys.stderr.write(f"working in {project} on {state}\n")
    return behave(request)
