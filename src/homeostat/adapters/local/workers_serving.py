"""The serving port on the worker processes of a gateway."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from typing import Any

import orjson

from homeostat.adapters.local.worker_sockets import LOAD_S, ask_all, sockets_in
from homeostat.domain.codec import canonical, from_builtins
from homeostat.domain.rollout import Routing
from homeostat.errors import HomeostatError, NotReadyError, OrderError, WorkerGoneError
from homeostat.monitoring.load import WorkerLoad


class WorkersServing:
    """Implements :class:`homeostat.ports.serving.Serving` over all workers of a gateway.

    A routing is prepared in every worker before it is committed in any. What a worker answers
    is believed, not what it was told: ``observe`` asks each.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._changing = threading.Lock()

    def alive(self) -> bool:
        """Whether a worker answers."""
        return self.observe() is not None

    def route(self, routing: Routing) -> None:
        """Make ``routing`` take effect in all workers; ModelLoadError leaves the old one."""
        paths = self._asked({"do": "observe"})
        if not paths:
            raise NotReadyError(
                "no worker of the gateway answers",
                subject=str(self._folder),
                next_step="start it with `homeostat up`",
            )
        _raise_first(paths)  # one that lives and does not answer could not be told
        request = {"do": "prepare", "routing": orjson.loads(canonical(routing))}
        prepared = ask_all(list(paths), request, LOAD_S)
        _raise_first(prepared)
        names = {name for name in prepared.values() if isinstance(name, str)}
        assert len(names) == 1, "one routing has one name"
        ready = [path for path, name in prepared.items() if isinstance(name, str)]
        with self._changing:
            _raise_first(ask_all(ready, {"do": "commit", "name": names.pop()}))

    def observe(self) -> Routing | None:
        """What all workers route; None when none lives.

        When they do not agree, or one of them lives and does not answer, no routing is in
        force: the answer has no arms, and the controller routes again.
        """
        with self._changing:
            answers = self._asked({"do": "observe"})
        if not answers:
            return None
        routings = [
            Routing()
            if isinstance(answer, HomeostatError)
            else from_builtins(answer["routing"], Routing)
            for answer in answers.values()
        ]
        return routings[0] if all(found == routings[0] for found in routings) else Routing()

    def heard(self, *, failing: bool) -> None:
        """Tell all workers that the controller lives, and whether its last pass failed."""
        self._asked({"do": "heard", "failing": failing})

    def controlled(self) -> bool:
        """Whether a controller that works was heard lately by a worker."""
        answers = self._asked({"do": "observe"}).values()
        return any(not isinstance(a, HomeostatError) and a["controlled"] for a in answers)

    def workers(self) -> dict[str, Routing]:
        """What each worker that answers routes, by its name."""
        return {
            answer["worker"]: from_builtins(answer["routing"], Routing)
            for answer in self._asked({"do": "observe"}).values()
            if not isinstance(answer, HomeostatError)
        }

    def loads(self) -> dict[str, WorkerLoad | None]:
        """What each worker that lives counts, by its name; None when it does not answer."""
        return {
            path.stem: None
            if isinstance(answer, HomeostatError)
            else from_builtins(answer, WorkerLoad)
            for path, answer in self._asked({"do": "load"}).items()
        }

    def orphans(self) -> list[str]:
        """Workers that live on after whoever started them; they serve the last good routing.

        Raises OrderError when workers live whose starter lives too.
        """
        found = []
        for answer in self._asked({"do": "observe"}).values():
            if isinstance(answer, HomeostatError):
                continue
            if answer["watched"]:
                raise OrderError(
                    "a gateway of this project runs already",
                    subject=answer["worker"],
                    next_step="stop the other `homeostat up`, or leave this one",
                )
            found.append(answer["worker"])
        return found

    def stop(self, names: list[str]) -> None:
        """Let the named workers finish what is under way and end."""
        for name in names:
            ask_all([self._folder / f"{name}.sock"], {"do": "stop"})

    def _asked(self, request: dict[str, Any]) -> dict[Path, Any | HomeostatError]:
        """Answers of the workers that live; sockets of dead ones are taken away."""
        paths = sockets_in(self._folder)
        answers = ask_all(paths, request) if paths else {}
        for path in [path for path, answer in answers.items() if _dead(answer)]:
            del answers[path]
            with contextlib.suppress(OSError):
                path.unlink()
        return answers


def _dead(answer: Any) -> bool:
    """Whether nobody listens there any more, as opposed to a worker that is late."""
    return isinstance(answer, WorkerGoneError) and isinstance(
        answer.__cause__, ConnectionRefusedError | FileNotFoundError
    )


def _raise_first(answers: dict[Path, Any]) -> None:
    """Raise what a living worker objects to; one that died meanwhile starts anew."""
    for answer in answers.values():
        if isinstance(answer, HomeostatError) and not _dead(answer):
            raise answer
