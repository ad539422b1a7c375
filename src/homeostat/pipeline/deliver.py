"""Fetch one window of one source, check it, and store it."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from homeostat.domain.codec import digest_of
from homeostat.domain.delivery import Delivery, Window, delivery_id
from homeostat.domain.evidence import Finding
from homeostat.domain.recorded import Recorded, SourceRecord
from homeostat.domain.verdict import Verdict
from homeostat.errors import HomeostatError, StateError
from homeostat.features.frames import DeliveryFrames
from homeostat.pipeline.snapshot import known_at_columns
from homeostat.pipeline.text_times import with_times
from homeostat.pipeline.validate import check_delivery
from homeostat.ports.blobs import Blobs
from homeostat.ports.source import SourceReader
from homeostat.spec.project import Project
from homeostat.spec.sources import DriftCheck

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class _Asked:
    source: str
    window: Window
    attempt: int
    now: datetime


def fetch_delivery(
    project: Project,
    reader: SourceReader,
    blobs: Blobs,
    recorded: Recorded,
    source_name: str,
    window: Window,
    attempt: int,
    now: datetime,
) -> Delivery:
    """Read, check and store one window.

    Bad data never raises: what a source does wrong becomes a delivery with verdict *error* or
    *fail* and the reason among its findings. Its rows are stored also when they are bad, so
    that a quarantined delivery can be looked at. Raises StateError when it cannot be stored.
    """
    asked = _Asked(source_name, window, attempt, now)
    source = project.sources[source_name]
    try:
        frame = with_times(source, reader.read(source_name, window, attempt))
    except StateError:
        raise
    except HomeostatError as error:
        finding = Finding("read", Verdict.ERROR, str(error), source_name)
        return _delivery(asked, Verdict.ERROR, (finding,))
    except Exception as error:
        return _delivery(asked, Verdict.ERROR, (_unforeseen("read", source_name, error),))
    try:
        reference = _reference(project, blobs, recorded, asked, source.checks.drift)
        verdict, findings = check_delivery(source, source_name, frame, reference, window)
    except StateError:
        raise
    except Exception as error:  # what was not checked must not be accepted
        verdict, findings = Verdict.ERROR, (_unforeseen("check", source_name, error),)
    return _delivery(asked, verdict, findings, frame, blobs)


def _unforeseen(name: str, source: str, error: Exception) -> Finding:
    reason = f"source '{source}': {name} raised {type(error).__name__}: {error}"
    return Finding(name, Verdict.ERROR, reason, source)


def _reference(
    project: Project,
    blobs: Blobs,
    recorded: Recorded,
    asked: _Asked,
    drift: DriftCheck | None,
) -> pl.DataFrame | None:
    """The accepted rows before the window, over the declared reference span."""
    record = recorded.sources.get(asked.source, SourceRecord())
    if drift is None or not record.accepted:
        return None
    frames = DeliveryFrames(blobs, {asked.source: record.accepted}, known_at_columns(project))
    return frames.frame(asked.source, asked.window.since - drift.reference, asked.window.since)


def _delivery(
    asked: _Asked,
    verdict: Verdict,
    findings: tuple[Finding, ...],
    frame: pl.DataFrame | None = None,
    blobs: Blobs | None = None,
) -> Delivery:
    stored = blobs.put(to_parquet(frame)) if frame is not None and frame.height and blobs else None
    schema = (
        digest_of([[n, str(t)] for n, t in frame.schema.items()]) if frame is not None else None
    )
    return Delivery(
        id=delivery_id(asked.source, asked.window, asked.attempt),
        source=asked.source,
        window=asked.window,
        attempt=asked.attempt,
        fetched_at=asked.now,
        rows=frame.height if frame is not None else 0,
        digest=stored,
        schema_digest=schema,
        verdict=verdict,
        findings=findings,
    )


def to_parquet(frame: pl.DataFrame) -> bytes:
    """A frame as Parquet (zstd); the same frame gives the same bytes.

    Columns of Python objects, which no file can hold, are left out.
    """
    target = io.BytesIO()
    objects = [name for name, kind in frame.schema.items() if kind.is_object()]
    frame.drop(objects).write_parquet(target, compression="zstd", statistics=True)
    return target.getvalue()
