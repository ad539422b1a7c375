"""A project made by `homeostat init`, trained and serving: made once for all tests that need it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from homeostat.cli.init import Example, write_project
from homeostat.domain.entry import Kind, draft
from homeostat.domain.event import Order
from homeostat.wiring import Assembly, assemble


@dataclass(frozen=True)
class Served:
    """A project folder with its state beside it."""

    folder: Path

    def wired(self) -> Assembly:
        """The project, wired, with runs in this process."""
        return assemble(self.folder, executor="inline")


@cache
def _made() -> Path:
    folder = Path(mkdtemp(prefix="homeostat-served-")) / "tumours"
    write_project(folder, Example.BREAST_CANCER, "tumours")
    declared = folder / "homeostat.yaml"
    text = declared.read_text().replace("trials: 6", "trials: 2")
    declared.write_text(text + "\ntracking: {mlflow: null}\n")
    wired = assemble(folder, executor="inline")
    now = wired.clock.now()
    wired.engine.settle(now)
    wired.ledger.append([draft(now, Kind.ORDER, Order("retrain", "tests", "a first version"))])
    wired.engine.settle(now)
    wired.engine.release()
    assert wired.engine.recorded.champion is not None
    return folder


def served(place: Path) -> Served:
    """A copy of the trained project in ``place``, to do anything with."""
    folder = place / "tumours"
    shutil.copytree(_made(), folder)
    return Served(folder)
