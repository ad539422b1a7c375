"""Passes that commands make themselves, when they need one done before they answer."""

from __future__ import annotations

from pathlib import Path

from homeostat.wiring import Assembly, assemble


def orders_pass(project: Path, state: Path | None) -> Assembly:
    """Carry out what people asked for, and nothing else: no fetching, no training.

    Raises LeaseHeldError when a controller is in charge; it will carry the orders out.
    """
    from homeostat.domain.action import Abort, Obey, Promote, Rollback, Route, Train

    wired = assemble(project, state)
    engine, now = wired.engine, wired.clock.now()
    try:
        engine.settle(now, only=())
        while engine.recorded.orders:
            engine.make_pass(now, only=(Obey, Promote, Rollback, Abort, Train))
        engine.settle(now, only=(Route,))
    finally:
        engine.release()
    return wired
