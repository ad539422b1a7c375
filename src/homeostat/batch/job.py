"""A batch job: read, score and write at once; finished parts are kept, so a kill costs one part."""

from __future__ import annotations

import json
import os
import queue
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from homeostat.batch.read import Table, chunks_of, columns_in, missing
from homeostat.batch.score import REJECTS, Scored, score_chunk
from homeostat.domain.codec import digest
from homeostat.errors import DiskFullError, OrderError
from homeostat.pipeline.scorer import Scorer
from homeostat.spec.serving import Serving

CHUNK_ROWS = 131_072
AHEAD = 2
"""Chunks that may wait between reading, scoring and writing."""
_END = object()


@dataclass(frozen=True, slots=True)
class Job:
    """What is scored, by which version, and where the answers go.

    ``kept`` are columns carried over. ``rejects`` is written only when a row is set aside.
    """

    table: Table
    output: Path
    rejects: Path
    scorer: Scorer
    version: int
    serving: Serving
    kept: tuple[str, ...]
    chunk_rows: int = CHUNK_ROWS

    @property
    def parts(self) -> Path:
        """Folder of the finished parts, gone when the job is done."""
        return self.output.with_name(f"{self.output.name}.parts")

    def identity(self) -> dict[str, Any]:
        """What a resumed job must have in common with the one that was killed."""
        return {
            "input": self.table.identity(),
            "query": self.table.query,
            "version": self.version,
            "digest": self.scorer.digest,
            "serving": self.serving.model_dump(mode="json"),
            "kept": list(self.kept),
            "chunk_rows": self.chunk_rows,
        }


@dataclass(frozen=True, slots=True)
class Finished:
    """What came of a job. ``resumed_rows`` were scored by an earlier, killed one."""

    rows: int
    rejected: int
    resumed_rows: int
    output_digest: str


def run_job(job: Job, *, resume: bool, progress: Callable[[int], None]) -> Finished:
    """Score the whole table. ``progress`` is told how many rows are done.

    Raises ColumnError and SourceError before anything is written, OrderError when the parts of
    another job are there, DiskFullError.
    """
    columns = [*dict.fromkeys([*job.kept, *job.scorer.schema.names])]
    missing(columns_in(job.table), columns, job.table)
    try:
        done = _begin(job, resume)
        resumed = _score(job, columns, done, progress)
        return _assemble(job, resumed)
    except OSError as error:
        raise DiskFullError(
            f"the answers cannot be written: {error.strerror or error}",
            subject=str(job.output),
            next_step="make room and run it again: finished parts are kept",
        ) from error


def _begin(job: Job, resume: bool) -> int:
    """The number of parts that are finished already."""
    told = json.dumps(job.identity(), sort_keys=True)
    manifest = job.parts / "job.json"
    if manifest.exists() and resume:
        if manifest.read_text() != told:
            raise OrderError(
                "parts of another job are there: its input, version or settings differ",
                subject=str(job.parts),
                next_step="finish that one, or start anew with --no-resume",
            )
        return len(_finished(job))
    shutil.rmtree(job.parts, ignore_errors=True)
    job.parts.mkdir(parents=True)
    _whole(manifest, lambda path: path.write_text(told))
    return 0


def _finished(job: Job) -> list[Path]:
    """Finished parts, in order, up to the first that is missing."""
    found: list[Path] = []
    while (part := job.parts / f"part-{len(found):06d}.arrow").exists():
        found.append(part)
    return found


def _score(job: Job, columns: list[str], done: int, progress: Callable[[int], None]) -> int:
    """Score what is not done; the number of rows that were."""
    to_score: queue.Queue[Any] = queue.Queue(AHEAD)
    to_write: queue.Queue[Any] = queue.Queue(AHEAD)
    problems: list[BaseException] = []
    stop = threading.Event()

    def guarded(work: Callable[[], None]) -> threading.Thread:
        def run() -> None:
            try:
                work()
            except BaseException as error:
                problems.append(error)
                stop.set()

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return thread

    def read() -> None:
        for number, chunk in enumerate(chunks_of(job.table, columns, job.chunk_rows)):
            _put(to_score, (number, chunk), stop)
        _put(to_score, _END, stop)

    def write() -> None:
        rows = 0
        for number, height, scored in _taken(to_write, stop):
            if scored is not None:
                _write_part(job, number, scored)
            rows += height
            progress(rows)

    threads = [guarded(read), guarded(write)]
    resumed = 0
    for number, chunk in _taken(to_score, stop):
        scored = None
        if number < done:
            resumed += chunk.height
        else:
            first = number * job.chunk_rows
            scored = score_chunk(chunk, first, job.scorer, job.serving, job.version, list(job.kept))
        _put(to_write, (number, chunk.height, scored), stop)
    _put(to_write, _END, stop)
    for thread in threads:
        thread.join()
    if problems:
        raise problems[0]
    return resumed


def _put(line: queue.Queue[Any], item: object, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            line.put(item, timeout=0.2)
            return
        except queue.Full:
            continue


def _taken(line: queue.Queue[Any], stop: threading.Event) -> Iterator[Any]:
    while not stop.is_set():
        try:
            item = line.get(timeout=0.2)
        except queue.Empty:
            continue
        if item is _END:
            return
        yield item


def _write_part(job: Job, number: int, scored: Scored) -> None:
    if scored.rejects.height:
        rejects = job.parts / f"rejects-{number:06d}.arrow"
        _whole(rejects, scored.rejects.write_ipc)
    part = job.parts / f"part-{number:06d}.arrow"
    _whole(part, scored.answers.write_ipc)


def _assemble(job: Job, resumed: int) -> Finished:
    """One file from all parts, then the parts go."""
    parts = _finished(job)
    rejects = [_part(path) for path in sorted(job.parts.glob("rejects-*.arrow"))]
    rejected = pl.concat(rejects) if rejects else pl.DataFrame(schema=REJECTS)
    if rejected.height:
        _whole(job.rejects, lambda path: rejected.write_parquet(path, compression="zstd"))
    rows = 0

    def write(path: Path) -> None:
        nonlocal rows
        rows = (
            _write_csv(path, parts)
            if job.output.suffix == ".csv"
            else _write_parquet(path, parts, job)
        )

    _whole(job.output, write)
    shutil.rmtree(job.parts)
    return Finished(rows, rejected.height, resumed, digest(job.output.read_bytes()))


def _write_parquet(target: Path, parts: list[Path], job: Job) -> int:
    import pyarrow.parquet as pq

    frames = (_part(part) for part in parts)
    first = next(frames, None)
    if first is None:
        first = _nothing(job)
    rows = first.height
    with pq.ParquetWriter(target, first.to_arrow().schema, compression="zstd") as writer:
        writer.write_table(first.to_arrow())
        for frame in frames:
            writer.write_table(frame.to_arrow())
            rows += frame.height
    return rows


def _write_csv(target: Path, parts: list[Path]) -> int:
    rows = 0
    with target.open("wb") as out:
        for number, part in enumerate(parts):
            frame = _part(part)
            flat = frame.with_columns(pl.col("flags").list.join(";"))
            out.write(flat.write_csv(include_header=number == 0).encode())
            rows += frame.height
    return rows


def _part(path: Path) -> pl.DataFrame:
    with path.open("rb") as content:
        return pl.read_ipc(content)


def _nothing(job: Job) -> pl.DataFrame:
    """The answers to a table without rows."""
    columns = [*dict.fromkeys([*job.kept, *job.scorer.schema.names])]
    empty = pl.DataFrame(
        [
            pl.Series(name, [], dtype=pl.Null if name in job.scorer.schema.names else pl.String)
            for name in columns
        ]
    )
    return score_chunk(empty, 0, job.scorer, job.serving, job.version, list(job.kept)).answers


def _whole(target: Path, write: Callable[[Path], object]) -> None:
    """Write beside and rename: ``target`` is whole or not there."""
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        write(unfinished)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
