"""What ``homeostat up`` does beside its passes: watch the workers, seal the prediction log."""

from __future__ import annotations

import contextlib
import threading
from datetime import datetime
from time import monotonic
from typing import TYPE_CHECKING

from homeostat.cli.context import console
from homeostat.errors import HomeostatError

if TYPE_CHECKING:
    from homeostat.gateway.workers import Workers
    from homeostat.wiring import Assembly

LOOK_EVERY_S = 0.2
TIDY_EVERY_S = 60.0


class Watch:
    """A thread that starts ended workers again and tidies the prediction log."""

    def __init__(self, wired: Assembly, running: Workers) -> None:
        self._wired = wired
        self._running = running
        self.stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; returns when the thread has ended."""
        self.stopped.set()
        if self._thread.is_alive():
            self._thread.join(10)

    def _run(self) -> None:
        tidied_s = monotonic()
        while not self.stopped.wait(LOOK_EVERY_S):
            for name in self._running.watch():
                console().print(f"[yellow]{name} ended and is started again[/]")
            if monotonic() - tidied_s >= TIDY_EVERY_S:
                tidy(self._wired)
                tidied_s = monotonic()


def tidy(wired: Assembly) -> None:
    """Seal what nobody writes any more, make small files one, delete what is too old."""
    now, keep = wired.clock.now(), wired.project.serving.log.keep
    try:
        wired.log.seal_abandoned()
        wired.log.compact(now)
        if keep is not None:
            wired.log.expire(now, keep)
    except HomeostatError as error:
        console().print(f"[yellow]{error}[/] (the gateway goes on serving)")


def keep_health(wired: Assembly, now: datetime) -> None:
    """Write down how healthy the model is, for `homeostat status`; what fails is left."""
    from homeostat.monitoring import health_file

    recorded = wired.engine.recorded
    if recorded.champion is None:
        return
    with contextlib.suppress(OSError, HomeostatError):
        found = wired.evidence.health(recorded, now)
        health_file.write(wired.state / "gateway" / health_file.NAME, found, now)
