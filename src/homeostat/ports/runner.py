"""Executes training runs."""

from __future__ import annotations

from typing import Protocol

from homeostat.domain.event import Ended
from homeostat.domain.run import RunRequest


class Runner(Protocol):
    """Starts runs and tells how they ended.

    Starting a run that already runs does nothing; starting one whose process died resumes it:
    finished steps come from the cache. A run never ends silently: it is running, or ``poll``
    tells how it ended, also after a restart of this process.
    """

    def start(self, request: RunRequest) -> None:
        """Begin (or resume) a run; may return before it ends."""
        ...

    def poll(self, run_id: str) -> Ended | None:
        """How the run ended, ``interrupted`` when its process died; None while it runs."""
        ...
