"""Sealed files of the prediction log: Parquet, named by what is in them.

``sealed/model=M/hour=YYYY-MM-DDTHH/FIRST-LAST-DIGEST.parquet``, first and last being the span
of ``at``, both ends included, and the digest that of the file's bytes, or for a batch (``b...``)
that of its predictions' ids. Files directly in ``sealed/`` are of an older layout and read as
well.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from homeostat.errors import StateError
from homeostat.monitoring.log_rows import COLUMNS, completed

if TYPE_CHECKING:
    import polars as pl

SEALED = "sealed"
_STAMP = "%Y%m%dT%H%M%S%f"
_HOUR = "%Y-%m-%dT%H"


@dataclass(frozen=True, slots=True)
class SealedFile:
    """A Parquet file of the log and the span of ``at`` that it holds, both ends included."""

    path: Path
    first: datetime
    last: datetime


def sealed_files(folder: Path) -> dict[Path, SealedFile]:
    """All sealed files of the log in ``folder``, in order of their first row."""
    sealed = folder / SEALED
    paths = [*sealed.glob("*.parquet"), *sealed.glob("model=*/hour=*/*.parquet")]
    return {path: parsed(path) for path in sorted(paths, key=lambda path: path.name)}


def parsed(path: Path) -> SealedFile:
    """What the name says. StateError for a name that is not ours."""
    try:
        first, last, _ = path.stem.split("-", 2)
        span = [datetime.strptime(one, _STAMP).replace(tzinfo=UTC) for one in (first, last)]
    except ValueError as error:
        raise StateError(
            "this is no file of the prediction log",
            subject=str(path),
            next_step="move it out of this folder",
        ) from error
    return SealedFile(path, *span)


def hour_of(path: Path) -> datetime | None:
    """The hour whose folder a file lies in; None for a file of the older layout."""
    name = path.parent.name
    if not name.startswith("hour="):
        return None
    return datetime.strptime(name.removeprefix("hour="), _HOUR).replace(tzinfo=UTC)


def by_hour(frame: pl.DataFrame) -> list[pl.DataFrame]:
    """Rows of one model and hour at a time, each in the order in which they came."""
    import polars as pl

    marked = frame.with_columns(pl.col("at").dt.truncate("1h").alias("__hour"))
    parts = marked.partition_by("model", "__hour", maintain_order=True)
    return [part.drop("__hour") for part in parts]


def sealed_file(folder: Path, frame: pl.DataFrame, token: str | None = None) -> tuple[Path, bytes]:
    """Where rows of one model belong, by the hour of the first of them, and the file's bytes.

    ``token`` names the content; by default it is the digest of the bytes, so that the same rows
    have the same name.
    """
    rows = completed(frame)
    first, last = rows["at"].min(), rows["at"].max()
    assert isinstance(first, datetime)
    assert isinstance(last, datetime)
    buffer = io.BytesIO()
    rows.write_parquet(buffer, compression="zstd")
    content = buffer.getvalue()
    token = token or hashlib.sha256(content).hexdigest()[:16]
    model = quote(str(rows["model"][0]), safe="")
    name = f"{first:{_STAMP}}-{last:{_STAMP}}-{token}.parquet"
    return folder / SEALED / f"model={model}" / f"hour={first:{_HOUR}}" / name, content


def batch_token(frame: pl.DataFrame) -> str:
    """Names a batch by its predictions, so that writing it twice is writing it once."""
    ids = frame.select("id", "version", "arm").rows()
    return "b" + hashlib.sha256(repr(ids).encode()).hexdigest()[:16]


def read_sealed(path: Path, columns: Sequence[str] = COLUMNS) -> pl.DataFrame:
    """``columns`` of a sealed file, null where it does not have one.

    Raises FileNotFoundError when it has become part of another file, StateError when it cannot
    be read.
    """
    import polars as pl

    try:
        try:
            frame = pl.read_parquet(path, columns=list(columns), hive_partitioning=False)
        except pl.exceptions.ColumnNotFoundError:
            there = pl.read_parquet_schema(path)
            wanted = [name for name in columns if name in there]
            frame = pl.read_parquet(path, columns=wanted, hive_partitioning=False)
    except FileNotFoundError:
        raise
    except (pl.exceptions.PolarsError, OSError) as error:
        raise StateError(
            f"a sealed part of the prediction log cannot be read: {error}",
            subject=str(path),
            next_step="restore it from a backup; moved away, its predictions are lost",
        ) from error
    return completed(frame, columns)
