"""A snapshot: the immutable, content-addressed list of the data that a run may use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from homeostat.domain.codec import canonical
from homeostat.domain.delivery import Delivery
from homeostat.domain.recorded import Recorded
from homeostat.errors import BlobMissingError
from homeostat.features.frames import DeliveryFrames
from homeostat.ports.blobs import Blobs
from homeostat.spec.project import Project


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Accepted deliveries by source, each with its file digest, rows and schema digest.

    ``cursors`` says up to which ``known_at`` each source was read; ``parent`` is the snapshot
    of the run before, None for the first.
    """

    model: str
    as_of: datetime
    sources: dict[str, tuple[Delivery, ...]]
    cursors: dict[str, datetime | None]
    parent: str | None = None

    @property
    def rows(self) -> dict[str, int]:
        """Number of rows by source."""
        return {name: sum(d.rows for d in parts) for name, parts in self.sources.items()}


def snapshot_of(recorded: Recorded, as_of: datetime) -> Snapshot:
    """What was accepted by ``as_of``: deliveries whose whole window lies before it."""
    last = recorded.last_run
    return Snapshot(
        model=recorded.model,
        as_of=as_of,
        sources={
            name: tuple(
                sorted(
                    (d for d in source.accepted if d.window.until <= as_of),
                    key=lambda delivery: (delivery.window, delivery.id),
                )
            )
            for name, source in recorded.sources.items()
        },
        cursors={name: source.cursor for name, source in recorded.sources.items()},
        parent=last.request.snapshot if last else None,
    )


def save_snapshot(snapshot: Snapshot, blobs: Blobs) -> str:
    """Store the canonical manifest; its SHA-256 is the snapshot's id."""
    return blobs.put(canonical(snapshot))


def load_snapshot(snapshot: str, blobs: Blobs) -> Snapshot:
    """Read a manifest back; BlobMissingError when it is gone or is no manifest."""
    content = blobs.get(snapshot)
    try:
        return msgspec.json.decode(content, type=Snapshot)
    except msgspec.DecodeError as error:
        raise BlobMissingError(
            f"it is not the manifest of a snapshot: {error}",
            subject=f"snapshot {snapshot[:12]}",
            next_step="restore the state folder from a backup, or train again",
        ) from error


def check_whole(snapshot: Snapshot, blobs: Blobs) -> dict[str, Any]:
    """What is in ``snapshot``: per source its parts, rows and cursor, for people to read.

    Raises BlobMissingError, naming the first delivery, when data that it lists are gone.
    """
    gone = [
        part
        for parts in snapshot.sources.values()
        for part in parts
        if part.digest is not None and not blobs.has(part.digest)
    ]
    if gone:
        raise BlobMissingError(
            f"the rows of {len(gone):,} deliveries are gone",
            subject=f"delivery {gone[0].id}",
            next_step="restore the state folder from a backup; training waits until then",
        )
    return {
        name: {"parts": len(parts), "rows": rows, "cursor": snapshot.cursors.get(name)}
        for (name, parts), rows in zip(
            snapshot.sources.items(), snapshot.rows.values(), strict=True
        )
    }


def known_at_columns(project: Project) -> Mapping[str, str]:
    """The ``known_at`` column of each source."""
    return {name: source.known_at for name, source in project.sources.items()}


def frames_of(snapshot: Snapshot, blobs: Blobs, project: Project) -> DeliveryFrames:
    """The snapshot's rows, by source and span of ``known_at``."""
    return DeliveryFrames(blobs, snapshot.sources, known_at_columns(project))
