"""Text to instants, by ISO 8601 and nothing else: ``02/03/2024`` is not guessed at."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl

from homeostat.features.columns import INSTANT

_ISO = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?(Z|[+-]\d{2}(:?\d{2})?)?)?$"
_DATE = r"^\d{4}-\d{2}-\d{2}$"


def parse_instants(text: pl.Series) -> pl.Series:
    """A String column as ``Datetime("us", "UTC")``; what is no ISO 8601 time becomes null.

    Without an offset a time is in UTC; a date is its midnight; offsets may differ by row;
    fractions finer than a microsecond are cut off.

    >>> parse_instants(pl.Series(["2024-03-01", "2024-03-01T02:00:00+02:00", "soon"])).to_list()
    [datetime.datetime(2024, 3, 1, 0, 0, tzinfo=zoneinfo.ZoneInfo(key='UTC')),
     datetime.datetime(2024, 3, 1, 0, 0, tzinfo=zoneinfo.ZoneInfo(key='UTC')), None]
    """
    different = text.filter(text.str.contains(_ISO)).unique()
    instants = pl.Series([_instant(value) for value in different], dtype=INSTANT)
    return text.replace_strict(different, instants, default=None, return_dtype=INSTANT)


def with_times(frame: pl.DataFrame) -> pl.DataFrame:
    """``frame`` with each text column that holds nothing but ISO dates or times made one."""
    made = []
    for column in frame.get_columns():
        if column.dtype != pl.String or column.null_count() == len(column):
            continue
        if not column.str.contains(_ISO).all():  # nulls do not count
            continue
        instants = parse_instants(column)
        if instants.null_count() > column.null_count():  # 2024-02-31
            continue
        made.append(instants.dt.date() if column.str.contains(_DATE).all() else instants)
    return frame.with_columns(made)


def _instant(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
