"""The prediction log: every acknowledged prediction is on disk before its answer leaves.

Single predictions are appended as lines to a segment, one segment per process, so a line is
whole or not there; batches are written as Parquet at once. ``seal`` turns segments into Parquet.
A segment whose sealed file exists is ignored, so a kill between the two steps neither loses
nor doubles a row. File names carry the span of time they hold.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import orjson

from homeostat.errors import DiskFullError, StateError

if TYPE_CHECKING:
    import polars as pl

COLUMNS = (
    "id", "event", "at", "model", "version", "digest", "arm", "entity", "prediction",
    "latency_ms", "flags", "inputs", "propensity", "fetched",
)  # fmt: skip
CACHED_FILES = 400
_STAMP = "%Y%m%dT%H%M%S%f"


@dataclass(frozen=True, slots=True)
class _Sealed:
    """A Parquet file of the log and the span of ``at`` that it holds, both ends included."""

    path: Path
    first: datetime
    last: datetime


class PredictionLog:
    """The log in ``folder``.

    ``fsync`` says what survives a loss of power: ``always`` each acknowledged prediction;
    ``never`` what the operating system had written by then. A killed process loses nothing
    under either.
    """

    def __init__(self, folder: Path, fsync: Literal["always", "never"] = "never") -> None:
        self._folder = folder
        self._fsync = fsync
        self._lock = threading.Lock()
        self._segment: int | None = None
        self._segment_path: Path | None = None
        self._files: dict[Path, _Sealed] | None = None
        self._cache: OrderedDict[tuple[Path, tuple[str, ...]], pl.DataFrame] = OrderedDict()
        self.version = 0
        """Grows with every write by this object: what was read before may be out of date."""

    def append(self, frame: pl.DataFrame) -> None:
        """Write a batch, columns as :data:`COLUMNS`, durable when this returns.

        Raises DiskFullError, and then nothing of the batch is in the log.
        """
        if not frame.height:
            return
        self._write_parquet(frame, self._folder / "sealed" / _name(frame, _token(frame)))

    def write(self, record: dict[str, Any]) -> None:
        """Append one acknowledged prediction; it is on disk when this returns.

        ``record`` has the keys of :data:`COLUMNS`, ``at`` as an aware datetime. Raises
        DiskFullError: the prediction must then not be acknowledged.
        """
        self.write_all([record])

    def write_all(self, records: Sequence[dict[str, Any]]) -> None:
        """Append several predictions with one write."""
        self.write_lines(
            b"".join(orjson.dumps(r, option=orjson.OPT_SERIALIZE_NUMPY) + b"\n" for r in records)
        )

    def write_lines(self, lines: bytes) -> None:
        """Append ready lines."""
        with self._lock:
            if self._segment is None:
                self._segment = self._open_segment()
            start = os.lseek(self._segment, 0, os.SEEK_END)
            try:
                done = os.write(self._segment, lines)
                if done < len(lines):
                    raise OSError(28, "no space left on device")
                if self._fsync == "always":
                    os.fsync(self._segment)
            except OSError as error:
                os.ftruncate(self._segment, start)
                raise _full(self._folder, error) from error
            self.version += 1

    def seal(self) -> int:
        """Turn this process's segment into Parquet; the number of rows sealed."""
        with self._lock:
            path, self._segment_path = self._segment_path, None
            if self._segment is not None:
                os.close(self._segment)
                self._segment = None
        return self._seal(path) if path is not None else 0

    def read(
        self, since: datetime, until: datetime, columns: Sequence[str] | None = None
    ) -> pl.DataFrame:
        """Rows with ``at`` in [since, until), in order of time; ``columns`` of them, or all."""
        import polars as pl

        wanted = tuple(columns or COLUMNS)
        read = wanted if "at" in wanted else (*wanted, "at")
        parts = [
            self._sealed_frame(file.path, read)
            for file in self._sealed().values()
            if file.first < until and file.last >= since
        ]
        parts += [frame.select(read) for frame in self._open_frames() if frame.height]
        if not parts:
            return _empty().select(wanted)
        whole = pl.concat(parts, how="diagonal_relaxed")
        inside = (pl.col("at") >= since) & (pl.col("at") < until)
        return whole.filter(inside).sort("at", maintain_order=True).select(wanted)

    def signature(self, since: datetime, until: datetime) -> tuple[str, ...]:
        """Names the content of [since, until): what was made from it holds while this is equal."""
        sealed = tuple(
            file.path.name
            for file in self._sealed().values()
            if file.first < until and file.last >= since
        )
        folder = self._folder / "segments"
        opened = tuple(
            f"{path.name}:{path.stat().st_size}"
            for path in (sorted(folder.glob("*.jsonl")) if folder.is_dir() else ())
        )
        return sealed + opened

    # -- files --------------------------------------------------------------------------

    def _sealed(self) -> dict[Path, _Sealed]:
        folder = self._folder / "sealed"
        paths = set(folder.glob("*.parquet")) if folder.is_dir() else set()
        known = self._files or {}
        if paths != known.keys():
            known = {path: known.get(path) or _parsed(path) for path in sorted(paths)}
            self._files = known
        return known

    def _sealed_frame(self, path: Path, columns: tuple[str, ...]) -> pl.DataFrame:
        import polars as pl

        key = (path, columns)
        with self._lock:
            if key in self._cache:
                self._cache.move_to_end(key)
                return self._cache[key]
        try:
            frame = pl.read_parquet(path, columns=list(columns))
        except (pl.exceptions.PolarsError, OSError) as error:
            raise StateError(
                f"a sealed part of the prediction log cannot be read: {error}",
                subject=str(path),
                next_step="restore it from a backup; moved away, its predictions are lost",
            ) from error
        with self._lock:
            self._cache[key] = frame
            while len(self._cache) > CACHED_FILES:
                self._cache.popitem(last=False)
        return frame

    def _open_frames(self) -> list[pl.DataFrame]:
        folder = self._folder / "segments"
        if not folder.is_dir():
            return []
        sealed = {path.stem for path in (self._folder / "sealed").glob("*.parquet")}
        return [
            _from_lines(path)
            for path in sorted(folder.glob("*.jsonl"))
            if not any(name.endswith(f"-{path.stem}") for name in sealed)
        ]

    def _open_segment(self) -> int:
        folder = self._folder / "segments"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for number in range(1_000_000):
                path = folder / f"p{os.getpid()}x{number}.jsonl"
                stem = f"-{path.stem}"
                if any(p.stem.endswith(stem) for p in self._sealed()):
                    continue
                try:
                    flags = os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_RDWR
                    opened = os.open(path, flags, 0o644)
                except FileExistsError:
                    continue
                self._segment_path = path
                return opened
        except OSError as error:
            raise _full(self._folder, error) from error
        raise AssertionError("a million segments of one process")

    def _seal(self, path: Path) -> int:
        frame = _from_lines(path)
        if frame.height:
            self._write_parquet(frame, self._folder / "sealed" / _name(frame, path.stem))
        path.unlink(missing_ok=True)
        return frame.height

    def _write_parquet(self, frame: pl.DataFrame, target: Path) -> None:
        unfinished = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            frame.select(COLUMNS).write_parquet(unfinished, compression="zstd")
            if self._fsync == "always":
                with unfinished.open("rb") as written:
                    os.fsync(written.fileno())
            unfinished.replace(target)
        except OSError as error:
            unfinished.unlink(missing_ok=True)
            raise _full(self._folder, error) from error
        self.version += 1


def _name(frame: pl.DataFrame, token: str) -> str:
    first, last = frame["at"].min(), frame["at"].max()
    assert isinstance(first, datetime)
    assert isinstance(last, datetime)
    return f"{first:{_STAMP}}-{last:{_STAMP}}-{token}.parquet"


def _token(frame: pl.DataFrame) -> str:
    """Names a batch by its content, so that writing it twice is writing it once."""
    from homeostat.domain.codec import digest

    ids = frame.select("id", "version", "arm").rows()
    return digest(repr(ids).encode())[:16]


def _parsed(path: Path) -> _Sealed:
    first, last, _ = path.stem.split("-", 2)
    return _Sealed(
        path,
        datetime.strptime(first, _STAMP).replace(tzinfo=UTC),
        datetime.strptime(last, _STAMP).replace(tzinfo=UTC),
    )


def _from_lines(path: Path) -> pl.DataFrame:
    """The whole lines of a segment; a torn last line, left by a kill, was never acknowledged."""
    import polars as pl

    rows = []
    for line in path.read_bytes().split(b"\n")[:-1]:
        row = orjson.loads(line)
        row["at"] = datetime.fromisoformat(row["at"])
        rows.append(row)
    if not rows:
        return _empty()
    overrides = {name: kind for name, kind in _empty().schema.items() if name != "inputs"}
    return pl.DataFrame(rows, schema_overrides=overrides, infer_schema_length=None).select(COLUMNS)


def _empty() -> pl.DataFrame:
    import polars as pl

    text, number = pl.String, pl.Float64
    return pl.DataFrame(schema={
        "id": text, "event": text, "at": pl.Datetime("us", "UTC"), "model": text,
        "version": pl.Int64, "digest": text, "arm": text, "entity": text, "prediction": number,
        "latency_ms": number, "flags": pl.List(text), "inputs": pl.Struct([]),
        "propensity": number, "fetched": text,
    })  # fmt: skip


def _full(folder: Path, error: OSError) -> DiskFullError:
    return DiskFullError(
        f"the prediction log cannot be written: {error.strerror}",
        subject=str(folder),
        next_step="make room; predictions are not acknowledged until it can be written",
    )
