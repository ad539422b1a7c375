"""The point-in-time join: what was known of a key at an instant, and not a moment later.

One DuckDB ``ASOF`` join per view finds, for each event and each window's beginning, the
position of the last row known by then; columns and windows are read off at those positions.
The rules:

- A row may be used from its ``known_at`` on, that instant included.
- Columns come from the latest row, when it is at most ``ttl`` old: known_at in [t - ttl, t].
- Of rows with the same key and ``known_at``, the one that sorts last by the view's columns (in
  their declared order, null before all values) counts as the latest. The order in which a
  source gives its rows never matters.
- An aggregate sums up all rows with known_at in (t - over, t], duplicates included. Nulls, NaN
  and infinities are left out of mean and sum, which are null when nothing is left; a count is
  of rows, whatever they hold, and 0 when there are none.
- A null in an event's or a row's key equals nothing. An event without a match stays, with null.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from homeostat.errors import ColumnError
from homeostat.features.columns import as_instants, as_numbers, column_of, microseconds
from homeostat.features.exact_sums import ExactSums
from homeostat.spec.features import Aggregate, View

Instants = NDArray[np.int64]
Positions = NDArray[np.int64]

NONE = -1
"""The position that stands for: no such row."""


@dataclass(frozen=True, slots=True)
class Joined:
    """A view's features, one value per event; ``late`` marks rows that only the fallback let in."""

    features: dict[str, pl.Series]
    late: NDArray[np.bool_]


def join_view(
    name: str,
    view: View,
    *,
    events: pl.DataFrame,
    times: Instants,
    rows: pl.DataFrame,
    known_at: str,
    fallback_age_us: int | None = None,
) -> Joined:
    """The features of ``view``, by the rules above, in the order of ``events``.

    ``times`` are the prediction times in microseconds since 1970 UTC. ``rows`` is what the
    source knows, in any order. ``fallback_age_us`` lets older rows in when nothing within the
    ``ttl`` is there. Raises ColumnError.
    """
    where = f"view {name} of source {view.source}"
    if not rows.height:
        return _nothing(view, len(events))
    keys, row_keys = key_codes(events, rows, view.key, where)
    known = as_instants(rows, known_at, where)
    table = _prepare(view, rows, row_keys, known, where)
    overs = sorted({microseconds(each.over) for each in view.aggregates.values()})
    found = table.last_known(keys, times, (0, *overs))
    latest, late = _not_too_old(view, table, found[0], times, fallback_age_us)
    features = {each: _taken(table.rows[each], latest) for each in view.columns}
    ends = found[0] + 1
    for feature, declared in view.aggregates.items():
        begins = found[1 + overs.index(microseconds(declared.over))]
        # NONE: the window begins before the key's first row
        starts = np.where(begins == NONE, table.first_of(keys), begins + 1)
        features[feature] = _aggregated(declared, table, np.minimum(starts, ends), ends, where)
    return Joined(features, late)


@dataclass(frozen=True, slots=True)
class _Table:
    """Rows sorted by key, instant and tie-break; positions are into these."""

    rows: pl.DataFrame
    keys: NDArray[np.int64]
    known: Instants

    def last_known(
        self, keys: NDArray[np.int64], times: Instants, back: Sequence[int]
    ) -> list[Positions]:
        """For each ``b`` in ``back``: position of the last row of the key known at times - b."""
        follows = np.flatnonzero(
            (self.keys[1:] != self.keys[:-1]) | (self.known[1:] != self.known[:-1])
        )
        last = np.append(follows, self.keys.size - 1) if self.keys.size else follows
        probes = pl.DataFrame(
            {
                "probe": np.arange(times.size * len(back)),
                "key": np.tile(keys, len(back)),
                "at": np.concatenate([times - each for each in back]),
            }
        )
        rows = pl.DataFrame({"key": self.keys[last], "at": self.known[last], "position": last})
        found = _asof(probes.filter(pl.col("key") != NONE), rows)
        positions = np.full(probes.height, NONE, dtype=np.int64)
        positions[found["probe"].to_numpy()] = found["position"].to_numpy()
        return np.split(positions, len(back))

    def first_of(self, keys: NDArray[np.int64]) -> Positions:
        """Position of the first row of each key, or where it would stand."""
        return np.searchsorted(self.keys, keys, side="left").astype(np.int64)


def _prepare(
    view: View,
    rows: pl.DataFrame,
    keys: NDArray[np.int64],
    known: pl.Series,
    where: str,
) -> _Table:
    sums = (each.mean or each.sum for each in view.aggregates.values())
    needed = {*view.columns, *(column for column in sums if column is not None)}
    rows = pl.DataFrame([column_of(rows, column, where) for column in sorted(needed)])
    usable = (keys != NONE) & known.is_not_null().to_numpy()
    instants = known.to_physical().fill_null(0).to_numpy()
    if not usable.all():
        kept = np.flatnonzero(usable)
        rows, keys, instants = rows[kept] if rows.width else rows, keys[kept], instants[kept]
    order = _by_key_and_time(keys, instants)
    keys, instants = keys[order], instants[order]
    order = _ties_broken(view, rows, keys, instants, order)
    return _Table(rows[order] if rows.width else rows, keys, instants)


def _by_key_and_time(keys: NDArray[np.int64], instants: Instants) -> Positions:
    """Positions of rows sorted by key, then instant, then position."""
    if keys.size < 2**31 and (instants[1:] >= instants[:-1]).all():
        # in order of time already: one sort of key and position in one number does
        packed = keys << 32 | np.arange(keys.size, dtype=np.int64)
        packed.sort()
        return packed & (2**32 - 1)
    return np.lexsort((instants, keys))


def _ties_broken(
    view: View,
    rows: pl.DataFrame,
    keys: NDArray[np.int64],
    instants: Instants,
    order: Positions,
) -> Positions:
    """``order`` with rows of equal key and instant sorted by the view's columns.

    ``keys`` and ``instants`` are in that order already.
    """
    same = (keys[1:] == keys[:-1]) & (instants[1:] == instants[:-1])
    if not view.columns or not same.any():
        return order
    tied = np.flatnonzero(np.append(same, False) | np.append(False, same))
    members = order[tied]
    content = rows[members].select(
        pl.Series(".key", keys[tied]),
        pl.Series(".at", instants[tied]),
        *(pl.col(column).alias(f".{place}") for place, column in enumerate(view.columns)),
    )
    ranked = content.select(pl.arg_sort_by(content.columns, nulls_last=False)).to_series()
    order = order.copy()
    order[tied] = members[ranked.to_numpy()]
    return order


def _not_too_old(
    view: View, table: _Table, latest: Positions, times: Instants, fallback_age_us: int | None
) -> tuple[Positions, NDArray[np.bool_]]:
    none = np.zeros(times.size, dtype=np.bool_)
    if view.ttl is None or not view.columns or not table.known.size:
        return latest, none
    ttl = microseconds(view.ttl)
    age = np.where(latest == NONE, 0, times - table.known[latest])
    limit = max(ttl, fallback_age_us or 0)
    return np.where(age > limit, NONE, latest), (age > ttl) & (age <= limit)


def _taken(column: pl.Series, positions: Positions) -> pl.Series:
    wanted = pl.Series(positions, dtype=pl.Int64)
    return column.gather(wanted.set(wanted == NONE, None))


def _aggregated(
    declared: Aggregate, table: _Table, starts: Positions, ends: Positions, where: str
) -> pl.Series:
    if declared.count:
        return pl.Series((ends - starts).astype(np.float64))
    column = declared.mean or declared.sum
    assert column is not None
    values = as_numbers(column_of(table.rows, column, where), where)
    sums, counts = ExactSums(values.fill_null(np.nan).to_numpy()).between(starts, ends)
    totals = pl.Series(sums / np.maximum(counts, 1) if declared.mean else sums)
    return totals.set(pl.Series(counts == 0), None)


def _nothing(view: View, height: int) -> Joined:
    features = {name: pl.Series([None] * height, dtype=pl.Null) for name in view.columns}
    for name, declared in view.aggregates.items():
        features[name] = pl.Series([0.0 if declared.count else None] * height, dtype=pl.Float64)
    return Joined(features, np.zeros(height, dtype=np.bool_))


def key_codes(
    events: pl.DataFrame, rows: pl.DataFrame, key: Sequence[str], where: str
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The keys of both frames as the same whole numbers; a null or unknown key is ``NONE``.

    Integers of all sizes compare with each other, and so do strings and categories. Raises
    ColumnError when a key column is missing or the two sides cannot be compared.
    """
    if not key:
        return np.zeros(events.height, dtype=np.int64), np.zeros(rows.height, dtype=np.int64)
    left = [_comparable(column_of(events, each, f"events for {where}"), where) for each in key]
    right = [_comparable(column_of(rows, each, where), where) for each in key]
    for mine, theirs in zip(left, right, strict=True):
        if pl.Null not in (mine.dtype, theirs.dtype) and mine.dtype != theirs.dtype:
            raise ColumnError(
                f"key '{mine.name}' holds {mine.dtype} in the events, {theirs.dtype} in the rows",
                subject=where,
                next_step="deliver both with the same type",
            )
    if any(pl.Null in (mine.dtype, theirs.dtype) for mine, theirs in zip(left, right, strict=True)):
        return np.full(events.height, NONE), np.full(rows.height, NONE)
    distinct = pl.DataFrame(right).unique().drop_nulls().with_row_index(".code")
    return _coded(pl.DataFrame(left), distinct, key), _coded(pl.DataFrame(right), distinct, key)


def _comparable(column: pl.Series, where: str) -> pl.Series:
    kind = column.dtype
    if kind.is_integer():
        return column.cast(pl.Int64)
    if kind in (pl.Categorical, pl.Enum):
        return column.cast(pl.String)
    if kind.is_nested() or kind.is_float():
        raise ColumnError(
            f"key '{column.name}' holds {kind}, which cannot be a key",
            subject=where,
            next_step="use whole numbers, text, booleans or times as keys",
        )
    return column


def _coded(frame: pl.DataFrame, distinct: pl.DataFrame, key: Sequence[str]) -> NDArray[np.int64]:
    codes = frame.join(distinct, on=list(key), how="left", maintain_order="left")[".code"]
    return codes.cast(pl.Int64).fill_null(NONE).to_numpy()


_CONNECTIONS = threading.local()
_ASOF = """
    SELECT probes.probe, known_rows.position
    FROM probes ASOF JOIN known_rows
    ON probes.key = known_rows.key AND probes.at >= known_rows.at
"""


def _asof(probes: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Probe and position of the latest row at or before it; probes without one are left out."""
    connection = _connection()
    connection.register("probes", probes.to_arrow())
    connection.register("known_rows", rows.to_arrow())
    try:
        answer = pl.from_arrow(connection.sql(_ASOF).to_arrow_table())
    finally:
        connection.unregister("probes")
        connection.unregister("known_rows")
    assert isinstance(answer, pl.DataFrame)
    return answer


def _connection() -> Any:
    """An in-memory DuckDB per thread and process: to open one takes longer than a small join."""
    if getattr(_CONNECTIONS, "process", None) != os.getpid():
        import duckdb

        # nothing is ever downloaded at run time
        offline: dict[str, Any] = {
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
        _CONNECTIONS.connection = duckdb.connect(":memory:", config=offline)
        _CONNECTIONS.process = os.getpid()
    return _CONNECTIONS.connection
