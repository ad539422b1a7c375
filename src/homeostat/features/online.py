"""Features of views while serving: what a request leaves out, from the online store.

The rules are those of :mod:`homeostat.features.point_in_time`, with the time of the request as
the prediction time; a property test holds that both give the same values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from homeostat.errors import InputError, ProjectError
from homeostat.features.columns import EPOCH, MICROSECOND, microseconds
from homeostat.features.exact_sums import exact_sum
from homeostat.features.online_write import key_text
from homeostat.ports.online_store import OnlineRow, OnlineStore
from homeostat.spec.features import View
from homeostat.spec.project import Project


class OnlineFeatures:
    """Fills in what a request leaves out. Safe to use from several threads.

    ``needed`` are the columns beside the features that a request may carry: keys of views, the
    event's time, and the declared columns of the event source, which ``derive`` may use.
    """

    def __init__(self, project: Project, folder: Path, store: OnlineStore) -> None:
        self._project = project
        self._folder = folder
        self._store = store
        features = project.features
        self._features = features.names
        self._views = [_Reads(project, name, view) for name, view in features.views.items()]
        keys = {column for view in features.views.values() for column in view.key}
        declared = project.sources[project.events.source].checks.columns
        beside = {*keys, project.events.time, *(declared if features.derive else ())}
        self.needed = tuple(sorted(beside - set(features.names)))

    def fill(
        self, columns: Mapping[str, Sequence[Any]], count: int, now: datetime
    ) -> tuple[dict[str, Sequence[Any]], Sequence[Mapping[str, str] | None]]:
        """All features by column, and per row the event time of what was fetched, by view.

        A feature that the request carries wins over the store. Raises InputError for a key that
        is missing, a name that is unknown, or what ``derive`` cannot work with.
        """
        self._check_names(columns)
        filled: dict[str, Sequence[Any]] = dict(columns)
        fetched: list[dict[str, str]] = [{} for _ in range(count)]
        now_us = microseconds(now)
        for view in self._views:
            wanted = [place for place, name in enumerate(view.names) if name not in columns]
            if not wanted:
                continue
            keys = [_given(columns, column, view.name) for column in view.key]
            found: list[list[Any]] = []
            for row in range(count):
                values, at_us = view.at(self._store, [key[row] for key in keys], now_us)
                found.append(values)
                if at_us is not None:
                    fetched[row][view.name] = (EPOCH + at_us * MICROSECOND).isoformat()
            for place in wanted:
                filled[view.names[place]] = [values[place] for values in found]
        self._derive(filled, count, now)
        return filled, [one or None for one in fetched]

    def freshness(self, now: datetime) -> dict[str, float]:
        """Age of the newest row of each view, in seconds; views without rows are left out."""
        ages = {}
        for view in self._views:
            newest = self._store.newest_us(view.name)
            if newest is not None:
                ages[view.name] = (microseconds(now) - newest) / 1e6
        return ages

    def _check_names(self, columns: Mapping[str, Sequence[Any]]) -> None:
        events = self._project.events
        known = {*self._features, *self.needed, events.id, events.entity}
        for name in columns:
            if name not in known:
                raise InputError(
                    f"there is no feature '{name}'",
                    subject=name,
                    next_step=f"the features are {', '.join(self._features)}; the keys and other "
                    f"columns are {', '.join(self.needed)}",
                )

    def _derive(self, filled: dict[str, Sequence[Any]], count: int, now: datetime) -> None:
        """Compute derived features that were not sent, from the columns that were."""
        features, time = self._project.features, self._project.events.time
        if features.derive is None or all(name in filled for name in features.derived):
            return
        import polars as pl

        from homeostat.features.build import derived_of

        missing = next((name for name in features.row if name not in filled), None)
        if missing is not None:
            raise InputError(
                f"'{missing}' is missing",
                subject=missing,
                next_step="send it, with null where it is not known",
            )
        given = {name: list(values) for name, values in filled.items()}
        given.pop(time, None)
        events = pl.DataFrame(given, strict=False).with_columns(
            pl.Series(time, [now] * count, dtype=pl.Datetime("us", "UTC"))
        )
        try:
            derived = derived_of(self._project, self._folder, events)
        except ProjectError as error:
            raise InputError(
                f"features cannot be derived from what was sent: {error.problem}",
                subject=", ".join(features.derived),
                next_step=f"send the columns that {features.derive} reads, or the features",
            ) from error
        for name, column in derived.items():
            if name not in filled:
                filled[name] = column.to_list()


class _Reads:
    """How one view is read; made once."""

    def __init__(self, project: Project, name: str, view: View) -> None:
        self.name = name
        self.key = view.key
        self.names = [f"{name}__{part}" for part in (*view.columns, *view.aggregates)]
        self._columns = len(view.columns)
        fallback = project.sources[view.source].fallback
        self._limit_us: int | None = None
        if view.ttl is not None:
            allowed = microseconds(fallback.max_age) if fallback else 0
            self._limit_us = max(microseconds(view.ttl), allowed)
        self._aggregates: list[tuple[int, str, int]] = []
        place = self._columns
        for declared in view.aggregates.values():
            kind = "count" if declared.count else "mean" if declared.mean else "sum"
            self._aggregates.append((microseconds(declared.over), kind, place))
            place += kind != "count"
        self._longest_us = max((over for over, _, _ in self._aggregates), default=0)

    def at(self, store: OnlineStore, key: list[Any], now_us: int) -> tuple[list[Any], int | None]:
        """The view's features for ``key``, and the instant of the newest row that was used."""
        if any(value is None for value in key):
            return self._nothing(), None
        text = key_text(key)
        values: list[Any] = [None] * self._columns
        used: int | None = None
        if self._columns:
            row = _last(store.latest(self.name, text, now_us))
            if row is not None and (self._limit_us is None or now_us - row.at_us <= self._limit_us):
                values, used = orjson.loads(row.values)[0][: self._columns], row.at_us
        if self._aggregates:
            rows = store.between(self.name, text, now_us - self._longest_us, now_us)
            read = [(row.at_us, orjson.loads(row.values)[0]) for row in rows]
            values = values + [self._aggregate(one, read, now_us) for one in self._aggregates]
            if rows:
                used = max(rows[-1].at_us, used or rows[-1].at_us)
        return values, used

    def _nothing(self) -> list[Any]:
        return [None] * self._columns + [
            0.0 if kind == "count" else None for _, kind, _ in self._aggregates
        ]

    @staticmethod
    def _aggregate(
        declared: tuple[int, str, int], read: list[tuple[int, list[Any]]], now_us: int
    ) -> float | None:
        over_us, kind, place = declared
        inside = [values for at_us, values in read if at_us > now_us - over_us]
        if kind == "count":
            return float(len(inside))
        total, count = exact_sum([values[place] for values in inside])
        if not count:
            return None
        return total / count if kind == "mean" else total


def _last(rows: list[OnlineRow]) -> OnlineRow | None:
    """The row that counts as the latest among rows of one instant."""
    if len(rows) <= 1:
        return rows[0] if rows else None
    return max(rows, key=lambda row: [(v is not None, v) for v in orjson.loads(row.values)[1]])


def _given(columns: Mapping[str, Sequence[Any]], name: str, view: str) -> Sequence[Any]:
    if name not in columns:
        raise InputError(
            f"'{name}', a key of view '{view}', is missing",
            subject=name,
            next_step=f"send it, or all features of '{view}' themselves",
        )
    return columns[name]
