"""Passes that commands make themselves, when they need one done before they answer."""

from __future__ import annotations

from pathlib import Path

from homeostat.wiring import Assembly, assemble


def orders_pass(project: Path, state: Path | None) -> Assembly:
    """Carry out what people asked for, and nothing else: no fetching, no training.

    Raises LeaseHeldError when a controller is in charge; it will carry the orders out.
    """
    from homeostat.domain.action import Abort, Obey, Promote, Rollback, Route

    wired = assemble(project, state)
    try:
        wired.engine.settle(wired.clock.now(), only=(Obey, Promote, Rollback, Abort, Route))
    finally:
        wired.engine.release()
    return wired
