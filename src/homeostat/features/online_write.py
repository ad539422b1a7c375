"""From accepted deliveries to the online store: what views need, and as far back as they look."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import orjson
import polars as pl

from homeostat.domain.codec import digest
from homeostat.domain.delivery import Delivery
from homeostat.domain.recorded import Recorded
from homeostat.features.build import look_back, view_look_back
from homeostat.features.columns import as_categories, as_numbers, column_of, microseconds
from homeostat.features.frames import DeliveryFrames
from homeostat.ports.blobs import Blobs
from homeostat.ports.online_store import OnlineRow, OnlineStore
from homeostat.spec.features import View
from homeostat.spec.project import Project

SLACK = timedelta(hours=1)
"""Rows are kept so much longer than a view looks back: for requests under way, and clocks."""


def materialise(
    project: Project, blobs: Blobs, recorded: Recorded, store: OnlineStore, now: datetime
) -> int:
    """Write the rows of deliveries accepted since the last time; the number of deliveries.

    One transaction per delivery, so a writer that was killed goes on where it was. When the
    deliveries are not those that were written before, the source's views are written anew.
    """
    written = 0
    for source in dict.fromkeys(view.source for view in project.features.views.values()):
        record = recorded.sources.get(source)
        accepted = record.accepted if record is not None else ()
        views = {
            name: view for name, view in project.features.views.items() if view.source == source
        }
        done = _done(store, source, views, accepted)
        back = look_back(project, source)
        for number in range(done, len(accepted)):
            delivery = accepted[number]
            told = _told(views, accepted[: number + 1])
            rows: Iterator[tuple[str, OnlineRow]] = iter(())
            if delivery.digest is not None and (
                back is None or delivery.window.until >= now - back - SLACK
            ):
                rows = _rows(project, blobs, source, views, delivery)
            store.write(source, told, rows)
            written += 1
        if written:
            _prune(project, store, views, now)
    return written


def _done(
    store: OnlineStore, source: str, views: dict[str, View], accepted: tuple[Delivery, ...]
) -> int:
    """How many of ``accepted`` are written; clears what does not belong to them."""
    told = store.progress(source)
    if not told:
        return 0
    count = int(told.partition(":")[0])
    if count <= len(accepted) and told == _told(views, accepted[:count]):
        return count
    store.clear(source, views)
    return 0


def _told(views: dict[str, View], written: tuple[Delivery, ...]) -> str:
    """Names what was written: the deliveries, and what was taken from them."""
    declared = {name: view.model_dump(mode="json") for name, view in views.items()}
    ids = [(delivery.id, delivery.digest) for delivery in written]
    return f"{len(written)}:{digest(orjson.dumps([declared, ids]))}"


def _prune(project: Project, store: OnlineStore, views: dict[str, View], now: datetime) -> None:
    for name, view in views.items():
        back = view_look_back(view, project.sources[view.source].fallback)
        spans = [declared.over for declared in view.aggregates.values()]
        oldest = back if back is not None else max(spans, default=timedelta(0))
        store.prune(name, microseconds(now - oldest - SLACK), keep_latest=back is None)


def _rows(
    project: Project, blobs: Blobs, source: str, views: dict[str, View], delivery: Delivery
) -> Iterator[tuple[str, OnlineRow]]:
    known_at = project.sources[source].known_at
    frames = DeliveryFrames(blobs, {source: [delivery]}, {source: known_at})
    rows = frames.frame(source, None, None)
    if not rows.height:
        return
    instants = rows[known_at].to_physical().to_list()
    for name, view in views.items():
        where = f"view {name}, source {source}"
        keys = [column_of(rows, column, where).to_list() for column in view.key]
        final = [column.to_list() for column in _values(project, name, view, rows, where)]
        raw = [column_of(rows, column, where) for column in view.columns]
        ties = [_tie(column) for column in raw]
        for place, at_us in enumerate(instants):
            key = [column[place] for column in keys]
            if any(value is None for value in key):
                continue
            values = orjson.dumps(
                [[column[place] for column in final], [tie[place] for tie in ties]]
            )
            yield name, OnlineRow(key_text(key), at_us, f"{delivery.id}#{place}", values)


def _values(
    project: Project, name: str, view: View, rows: pl.DataFrame, where: str
) -> list[pl.Series]:
    """The view's columns as the model gets them, then what its aggregates sum up."""
    categorical = set(project.features.categorical)
    found = [
        (as_categories if f"{name}__{column}" in categorical else as_numbers)(
            column_of(rows, column, where), where
        )
        for column in view.columns
    ]
    for declared in view.aggregates.values():
        column = declared.mean or declared.sum
        if column is not None:
            found.append(as_numbers(column_of(rows, column, where), where))
    return found


def _tie(column: pl.Series) -> list[str | float | int | None]:
    """What a column sorts by among rows of one instant."""
    if column.dtype.is_temporal():
        column = column.to_physical()
    if column.dtype.is_float():
        column = column.fill_nan(float("inf"))
        return [None if v is None else min(v, 1.7976931348623157e308) for v in column.to_list()]
    return column.to_list()


def key_text(key: list[object]) -> str:
    """A key as text: the same for a row and for a request."""
    return orjson.dumps(key, default=str).decode()
