"""Puts a scenario between the sources (or the training) and the loop, and notes what it did."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from homeostat.domain.delivery import Window, delivery_id
from homeostat.domain.run import RunRequest
from homeostat.pipeline.faults import SHUFFLE_LABELS
from homeostat.ports.clock import Clock
from homeostat.ports.source import SourceReader
from homeostat.simulation.scenario import Disturbance, Nulls, Rename, Scenario, ShuffleLabels

if TYPE_CHECKING:
    import polars as pl


@dataclass
class Damage:
    """What one disturbance has really done: the deliveries it damaged, or the run it hit."""

    deliveries: dict[str, int] = field(default_factory=dict)
    """Rows damaged, by delivery id."""
    run_id: str = ""


class ScenarioReader:
    """A source reader whose rows are disturbed as the scenario says.

    ``inner`` is the undisturbed reader. ``damage`` fills up by disturbance name.
    """

    def __init__(
        self, inner: SourceReader, scenario: Scenario, known_at: dict[str, str], clock: Clock
    ) -> None:
        self.inner = inner
        self._scenario = scenario
        self._known_at = known_at
        self._clock = clock
        self.damage = {each.name: Damage() for each in scenario.disturbances}

    def read(self, source: str, window: Window, attempt: int = 1) -> pl.DataFrame:
        """The rows of the window, disturbed; raises what the undisturbed reader raises."""
        frame = self.inner.read(source, window, attempt)
        for each in self._scenario.disturbances:
            if isinstance(each, ShuffleLabels) or each.source != source:
                continue
            damaged, rows = self._disturb(frame, each, window, attempt)
            if rows:
                self.damage[each.name].deliveries[delivery_id(source, window, attempt)] = rows
                frame = damaged
        return frame

    def _disturb(
        self, frame: pl.DataFrame, each: Disturbance, window: Window, attempt: int
    ) -> tuple[pl.DataFrame, int]:
        if isinstance(each, Nulls) and self._clock.now() <= each.until:
            return emptied(frame, each, self._known_at[each.source])
        hit = isinstance(each, Rename) and attempt == 1 and window.since <= each.on < window.until
        if isinstance(each, Rename) and hit:
            found = {old: new for old, new in each.columns.items() if old in frame.columns}
            return frame.rename(found), frame.height if found else 0
        return frame, 0

    def faults_for(self, request: RunRequest) -> tuple[str, ...]:
        """Faults of a new run: the first one on or after a declared day gets shuffled labels."""
        for each in self._scenario.disturbances:
            if not isinstance(each, ShuffleLabels):
                continue
            damage = self.damage[each.name]
            if damage.run_id in ("", request.id) and request.as_of >= each.on:
                damage.run_id = request.id
                return (SHUFFLE_LABELS,)
        return ()


def emptied(frame: pl.DataFrame, each: Nulls, known_at: str) -> tuple[pl.DataFrame, int]:
    """``frame`` with the declared columns null in the declared span; how many rows were hit."""
    import polars as pl

    columns = [name for name in each.columns if name in frame.columns]
    if not columns or known_at not in frame.columns:
        return frame, 0
    inside = known_in(frame[known_at], each.since, each.until)
    rows = int(inside.sum())
    if not rows:
        return frame, 0
    emptying = [pl.when(inside).then(None).otherwise(pl.col(name)).alias(name) for name in columns]
    return frame.with_columns(emptying), rows


def known_in(column: pl.Series, since: datetime, until: datetime) -> pl.Series:
    """Which rows became known in ``[since, until)``."""
    from homeostat.features.columns import as_instants

    instants = as_instants(column.to_frame(), column.name, column.name)
    return (instants >= since) & (instants < until)
