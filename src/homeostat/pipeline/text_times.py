"""Times that a source delivers as text, where they are declared as times."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from homeostat.spec.sources import Source

if TYPE_CHECKING:
    import polars as pl


def with_times(source: Source, frame: pl.DataFrame) -> pl.DataFrame:
    """``frame`` with declared timestamps in UTC where they came as text, if all of it is ISO 8601.

    Declared are ``known_at`` and columns whose check says ``timestamp``. Anything else stays as
    it is: a column with one text that is no time is for the checks to find.
    """
    import polars as pl

    declared = {source.known_at} | {
        name for name, check in source.checks.columns.items() if check.type == "timestamp"
    }
    made = []
    for name in frame.columns:
        if name in declared and frame.schema[name] == pl.String:
            instants = instants_in(frame[name])
            if instants.null_count() == frame[name].null_count():
                made.append(instants)
    return frame.with_columns(made) if made else frame


def instants_in(texts: pl.Series) -> pl.Series:
    """A String column as ``Datetime("us", "UTC")``; text that is no ISO 8601 time is null.

    Without an offset a time is in UTC, and a date is its midnight.

    >>> import polars as pl
    >>> instants_in(pl.Series(["2024-03-01T02:00+02:00", "soon", None])).dt.to_string().to_list()
    ['2024-03-01 00:00:00.000000+00:00', None, None]
    """
    import polars as pl

    kind = pl.Datetime("us", "UTC")
    different = texts.drop_nulls().unique()
    instants = pl.Series([_instant(text) for text in different], dtype=kind)
    return texts.replace_strict(different, instants, default=None, return_dtype=kind)


def _instant(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
