"""Runs in this process, one after the other: for the back-test, small models and tests."""

from __future__ import annotations

from collections.abc import Callable

from homeostat.domain.event import Ended
from homeostat.domain.run import Candidate, RunRequest
from homeostat.errors import HomeostatError


class InlineRunner:
    """The runner port without another process: ``start`` returns when the run has ended.

    ``execute`` does the work. How a run ended is kept in memory: after a restart of this
    process a run is ``interrupted``, and starting it again takes its steps from the cache.
    """

    def __init__(self, execute: Callable[[RunRequest], Candidate]) -> None:
        self._execute = execute
        self._ended: dict[str, tuple[RunRequest, Ended]] = {}

    def start(self, request: RunRequest) -> None:
        """Run to the end, unless this very request has already given a candidate."""
        known = self._ended.get(request.id)
        if known is not None and known[0] == request and known[1].candidate is not None:
            return
        self._ended.pop(request.id, None)
        self._ended[request.id] = (request, outcome(request, self._execute))

    def poll(self, run_id: str) -> Ended | None:
        """How the run ended; ``interrupted`` when this process does not know it."""
        known = self._ended.get(run_id)
        return known[1] if known is not None else Ended(run_id, interrupted=True)


def outcome(request: RunRequest, execute: Callable[[RunRequest], Candidate]) -> Ended:
    """Do the work of ``request``; an error of any kind is an answer, the death of us is none."""
    try:
        return Ended(request.id, candidate=execute(request))
    except HomeostatError as error:
        return Ended(request.id, error=str(error))
    except Exception as error:  # the project's own code may raise anything
        return Ended(request.id, error=f"{type(error).__name__}: {error}")
