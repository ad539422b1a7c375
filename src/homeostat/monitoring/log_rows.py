"""Rows of the prediction log: from lines and files to frames that fit together.

``inputs`` differ between versions, and a hashed number is text: where types differ the wider
one holds, text in the end. What older files do not have reads as null.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    import polars as pl

COLUMNS = (
    "id", "event", "at", "model", "version", "digest", "arm", "entity", "prediction",
    "latency_ms", "flags", "inputs", "propensity", "fetched",
)  # fmt: skip


def line_of(record: dict[str, Any]) -> bytes:
    """A record as a line; numpy's numbers are taken too, NaN becomes null."""
    return orjson.dumps(record, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE)


@cache
def empty() -> pl.DataFrame:
    """No rows, with all columns."""
    import polars as pl

    text, number = pl.String, pl.Float64
    return pl.DataFrame(schema={
        "id": text, "event": text, "at": pl.Datetime("us", "UTC"), "model": text,
        "version": pl.Int64, "digest": text, "arm": text, "entity": text, "prediction": number,
        "latency_ms": number, "flags": pl.List(text), "inputs": pl.Struct([]),
        "propensity": number, "fetched": text,
    })  # fmt: skip


def some(frame: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """``columns`` of ``frame``, which has them all; cheaper than a query."""
    import polars as pl

    if frame.columns == list(columns):
        return frame
    return pl.DataFrame([frame.get_column(name) for name in columns])


def rows_of(rows: pl.DataFrame, version: int) -> pl.DataFrame:
    """The rows that ``version`` scored, an event once, its last; in the order they had."""
    mine = rows["version"].to_numpy() == version
    if not mine.all():
        rows = rows.filter(mine)
    events = rows["event"].to_list()
    if len(set(events)) == len(events):
        return rows
    return rows.unique("event", keep="last", maintain_order=True)


def completed(frame: pl.DataFrame, columns: Sequence[str] = COLUMNS) -> pl.DataFrame:
    """``columns`` of ``frame``, null where it does not have one."""
    import polars as pl

    if frame.columns == list(columns):
        return frame
    kinds = empty().schema
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        frame = frame.with_columns(pl.lit(None, dtype=kinds[name]).alias(name) for name in missing)
    return some(frame, columns)


def joined(frames: Sequence[pl.DataFrame], columns: Sequence[str] = COLUMNS) -> pl.DataFrame:
    """Frames one after the other, with the columns' widest types."""
    import polars as pl

    if not frames:
        return empty().select(columns)
    parts = [completed(frame, columns) for frame in frames]
    first = parts[0].schema
    if all(part.schema == first for part in parts):
        return pl.concat(parts, how="vertical")
    try:
        return pl.concat(parts, how="diagonal_relaxed")
    except (pl.exceptions.SchemaError, pl.exceptions.ComputeError):
        return pl.concat([_inputs_as_text(part) for part in parts], how="diagonal_relaxed")


def whole_lines(content: bytes) -> int:
    """How many whole lines there are, without empty ones."""
    return sum(1 for line in content.split(b"\n")[:-1] if line.strip())


def from_lines(content: bytes) -> pl.DataFrame:
    """The rows in ``content``; a torn last line, left by a kill, was never acknowledged.

    Lines that are no rows, which a loss of power may leave, are left out.
    """
    import polars as pl

    whole = content[: content.rfind(b"\n") + 1]
    if not whole.strip():
        return empty()
    try:
        frame = pl.read_ndjson(whole, schema_overrides=_kinds(), infer_schema_length=None)
    except pl.exceptions.PolarsError:
        return _from_mixed(whole.split(b"\n"))
    if "inputs" in frame.columns and not isinstance(frame.schema["inputs"], pl.Struct | pl.Null):
        return _from_mixed(whole.split(b"\n"))
    return completed(frame).filter(pl.col("at").is_not_null() & pl.col("id").is_not_null())


def _kinds() -> dict[str, Any]:
    return {name: kind for name, kind in empty().schema.items() if name != "inputs"}


def _from_mixed(lines: Iterable[bytes]) -> pl.DataFrame:
    """Rows with an input that is a number here and a boolean there, and lines that are no rows."""
    import polars as pl

    records = [row for line in lines if (row := _row(line)) is not None]
    if not records:
        return empty()
    names = list(dict.fromkeys(name for row in records for name in row["inputs"]))
    inputs = [_column(name, [row["inputs"].get(name) for row in records]) for name in names]
    rest = [{name: row.get(name) for name in COLUMNS if name != "inputs"} for row in records]
    frame = pl.DataFrame(rest, schema=_kinds(), infer_schema_length=None)
    if inputs:
        frame = frame.with_columns(pl.DataFrame(inputs).to_struct("inputs"))
    return completed(frame)


def _row(line: bytes) -> dict[str, Any] | None:
    """A line's row; None for a line that is none."""
    try:
        row = orjson.loads(line)
        at = datetime.fromisoformat(row["at"])
        inputs = row.get("inputs") or {}
        if not isinstance(row["id"], str) or not isinstance(inputs, dict) or at.tzinfo is None:
            return None
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    return {**row, "at": at, "inputs": inputs}


def _column(name: str, values: list[Any]) -> pl.Series:
    import polars as pl

    kinds = {type(value) for value in values if value is not None}
    if kinds in ({int, float}, {float}):
        return pl.Series(name, values, dtype=pl.Float64, strict=False)
    if len(kinds) > 1 or int in kinds:
        try:
            return pl.Series(name, values, strict=True)
        except (TypeError, OverflowError):
            return pl.Series(name, [_text(value) for value in values], dtype=pl.String)
    return pl.Series(name, values, strict=False)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return orjson.dumps(value).decode()


def _inputs_as_text(frame: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    if "inputs" not in frame.columns or not isinstance(frame.schema["inputs"], pl.Struct):
        return frame
    inputs = frame["inputs"].struct.unnest()
    texts = [
        column.cast(pl.String)
        if not column.dtype.is_nested()
        else pl.Series(column.name, [_text(value) for value in column.to_list()], dtype=pl.String)
        for column in inputs
    ]
    return frame.with_columns(pl.DataFrame(texts).to_struct("inputs")) if texts else frame
