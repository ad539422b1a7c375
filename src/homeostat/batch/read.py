"""Tables as a stream of frames of equal height: Parquet, CSV, and queries on SQL files."""

from __future__ import annotations

import csv as csv_module
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from homeostat.errors import ColumnError, SourceError

CSV = (".csv", ".csv.gz")
SQL = (".duckdb", ".sqlite", ".db")


@dataclass(frozen=True, slots=True)
class Table:
    """What to read. ``query`` is for SQL files only."""

    files: tuple[Path, ...]
    query: str | None = None

    def identity(self) -> list[list[object]]:
        """Names the content, cheaply: path, size and time of change of each file."""
        return [
            [str(file.resolve()), file.stat().st_size, file.stat().st_mtime_ns]
            for file in self.files
        ]


def table_of(given: str, query: str | None) -> Table:
    """The table at a path, a folder of Parquet files, or a pattern. SourceError."""
    path = Path(given)
    if path.is_dir():
        files = sorted(path.glob("*.parquet"))
    elif path.exists():
        files = [path]
    else:
        parent = path.parent if str(path.parent) else Path()
        files = sorted(parent.glob(path.name)) if parent.is_dir() else []
    if not files:
        raise SourceError(
            "there is no such table",
            subject=given,
            next_step="name a Parquet or CSV file, a folder of Parquet files, or a pattern",
        )
    if (query is not None) != (files[0].suffix in SQL):
        raise SourceError(
            "a query goes with a .duckdb, .sqlite or .db file, and such a file with a query",
            subject=given,
            next_step='write e.g. rows.duckdb --sql "select * from rows"',
        )
    return Table(tuple(files), query)


def rows_in(table: Table) -> int | None:
    """How many rows there are, where that costs nothing; else None."""
    import pyarrow.parquet as pq

    if table.query is not None or any(file.name.endswith(CSV) for file in table.files):
        return None
    try:
        return sum(int(pq.read_metadata(file).num_rows) for file in table.files)
    except (OSError, ValueError) as error:
        raise _unreadable(table.files[0], error) from error


def columns_in(table: Table) -> list[str]:
    """Names of the columns. SourceError when the table cannot be read."""
    for frame in _frames(table, None, 1):
        return list(frame.columns)
    return []


def chunks_of(table: Table, columns: list[str], height: int) -> Iterator[pl.DataFrame]:
    """Frames of ``height`` rows, the last one shorter, with ``columns`` only."""
    held: list[pl.DataFrame] = []
    rows = 0
    for frame in _frames(table, columns, height):
        held.append(frame)
        rows += frame.height
        while rows >= height:
            whole = pl.concat(held, how="vertical_relaxed") if len(held) > 1 else held[0]
            yield whole[:height]
            rest = whole[height:]
            held, rows = ([rest] if rest.height else []), rest.height
    if rows:
        yield pl.concat(held, how="vertical_relaxed") if len(held) > 1 else held[0]


def _frames(table: Table, columns: list[str] | None, height: int) -> Iterator[pl.DataFrame]:
    for file in table.files:
        try:
            yield from _file_frames(file, table.query, columns, height)
        except (OSError, ValueError, sqlite3.Error, pl.exceptions.PolarsError) as error:
            raise _unreadable(file, error) from error


def _file_frames(
    file: Path, query: str | None, columns: list[str] | None, height: int
) -> Iterator[pl.DataFrame]:
    if query is not None:
        frames = (
            _duckdb(file, query, height)
            if file.suffix == ".duckdb"
            else _sqlite(file, query, height)
        )
        for frame in frames:
            yield frame.select(columns) if columns is not None else frame
    elif file.name.endswith(CSV):
        yield from _csv(file, columns)
    else:
        import pyarrow.parquet as pq

        opened = pq.ParquetFile(file, memory_map=True)
        if not opened.metadata.num_rows:
            empty: Any = pl.from_arrow(opened.schema_arrow.empty_table())
            yield empty.select(columns) if columns is not None else empty
        for batch in opened.iter_batches(height, columns=columns):
            yield pl.DataFrame(pl.from_arrow(batch))


def _csv(file: Path, columns: list[str] | None) -> Iterator[pl.DataFrame]:
    """All columns as text: what is no number is then told row by row, not by a failed file."""
    import pyarrow as pa
    from pyarrow import csv

    with pa.input_stream(str(file), compression="detect") as head:
        first = head.read(1024 * 1024).partition(b"\n")[0]
    names = next(csv_module.reader([first.decode("utf-8-sig").rstrip("\r")]), [])
    convert = csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()),
        include_columns=columns,
        strings_can_be_null=True,
    )
    for batch in csv.open_csv(str(file), convert_options=convert):
        yield pl.DataFrame(pl.from_arrow(batch))


def _duckdb(file: Path, query: str, height: int) -> Iterator[pl.DataFrame]:
    import duckdb

    try:
        with duckdb.connect(str(file), read_only=True) as connection:
            relation = connection.sql(query)
            if relation is None:
                raise ValueError("it is no query that gives rows")
            for batch in relation.to_arrow_reader(height) or ():
                yield pl.DataFrame(pl.from_arrow(batch))
    except duckdb.Error as error:
        raise _unreadable(file, error) from error


def _sqlite(file: Path, query: str, height: int) -> Iterator[pl.DataFrame]:
    connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    try:
        cursor = connection.execute(query)
        names = [column[0] for column in cursor.description or []]
        while rows := cursor.fetchmany(height):
            columns = list(zip(*rows, strict=True))
            yield pl.DataFrame(
                [
                    pl.Series(name, values, strict=False)
                    for name, values in zip(names, columns, strict=True)
                ]
            )
    finally:
        connection.close()


def _unreadable(file: Path, error: Exception) -> SourceError:
    return SourceError(
        f"it cannot be read: {error}",
        subject=str(file),
        next_step="is it whole, and of the kind that its name says?",
    )


def missing(columns: list[str], wanted: list[str], table: Table) -> None:
    """ColumnError when the table lacks a column that is needed."""
    lacking = [name for name in wanted if name not in columns]
    if lacking:
        raise ColumnError(
            f"there is no column '{lacking[0]}'; there are {', '.join(columns[:30])}",
            subject=str(table.files[0]),
            next_step="the model needs each of its features by name",
        )
