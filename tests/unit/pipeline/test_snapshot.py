"""Snapshots: what is in them, and that their id is their content."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from homeostat.domain.delivery import Delivery, Window
from homeostat.domain.recorded import Recorded, SourceRecord
from homeostat.domain.run import Run, RunRequest, RunStatus
from homeostat.domain.verdict import Verdict
from homeostat.errors import BlobMissingError
from homeostat.pipeline.deliver import to_parquet
from homeostat.pipeline.snapshot import (
    check_whole,
    frames_of,
    load_snapshot,
    save_snapshot,
    snapshot_of,
)
from homeostat.spec.project import Project
from homeostat.testing.memory import MemoryBlobs

from .tiny_project import declaration

START = datetime(2024, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def delivery(day: int, digest: str | None = None) -> Delivery:
    window = Window(START + day * DAY, START + (day + 1) * DAY)
    fetched = window.until + timedelta(minutes=3)
    return Delivery(f"d{day}", "patients", window, 1, fetched, 2, digest, "s", Verdict.PASS)


def recorded(*days: Delivery) -> Recorded:
    record = SourceRecord(accepted=days, quarantined=(delivery(0),), cursor=START + 9 * DAY)
    return Recorded(model="tumour", sources={"patients": record})


def test_only_accepted_deliveries_whose_whole_window_is_over_are_in_it() -> None:
    found = snapshot_of(recorded(*(delivery(day) for day in range(1, 5))), START + 3 * DAY)
    assert [part.id for part in found.sources["patients"]] == ["d1", "d2"]
    assert found.rows == {"patients": 4}
    assert found.as_of == START + 3 * DAY


def test_parts_stand_in_order_of_their_windows_whatever_the_order_of_arrival() -> None:
    late = snapshot_of(recorded(delivery(3), delivery(1), delivery(2)), START + 9 * DAY)
    assert late == snapshot_of(recorded(*map(delivery, (1, 2, 3))), START + 9 * DAY)


def test_it_comes_back_as_it_was_saved() -> None:
    blobs = MemoryBlobs()
    given = snapshot_of(recorded(delivery(1), delivery(2)), START + 9 * DAY)
    assert load_snapshot(save_snapshot(given, blobs), blobs) == given


def test_its_id_goes_by_everything_that_is_in_it() -> None:
    blobs = MemoryBlobs()
    given = snapshot_of(recorded(delivery(1, "a" * 64)), START + 9 * DAY)
    others = [
        replace(given, as_of=START + 8 * DAY),
        replace(given, parent="x"),
        replace(given, cursors={"patients": None}),
        replace(given, sources={"patients": (delivery(1, "b" * 64),)}),
        replace(given, sources={"patients": ()}),
    ]
    ids = {save_snapshot(one, blobs) for one in (given, *others)}
    assert len(ids) == 1 + len(others)
    assert save_snapshot(given, blobs) in ids


def test_its_parent_is_the_snapshot_of_the_run_before() -> None:
    request = RunRequest("r", START, "why", "first", 1, "the-snapshot-before")
    run = Run(request, RunStatus.FINISHED, START)
    before = replace(recorded(delivery(1)), runs={"r": run})
    assert snapshot_of(before, START + 9 * DAY).parent == "the-snapshot-before"
    assert snapshot_of(recorded(delivery(1)), START + 9 * DAY).parent is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"model": 3}', b"\xff"])
def test_what_is_no_manifest_is_a_typed_error(content: bytes) -> None:
    blobs = MemoryBlobs()
    with pytest.raises(BlobMissingError, match="not the manifest of a snapshot"):
        load_snapshot(blobs.put(content), blobs)


def test_a_manifest_that_is_gone_is_a_typed_error() -> None:
    with pytest.raises(BlobMissingError):
        load_snapshot("0" * 64, MemoryBlobs())


def test_data_that_are_gone_are_named() -> None:
    blobs = MemoryBlobs()
    kept, lost = blobs.put(b"kept"), blobs.put(b"lost")
    given = snapshot_of(recorded(delivery(1, kept), delivery(2, lost)), START + 9 * DAY)
    assert check_whole(given, blobs)["patients"]["parts"] == 2
    blobs.forget(lost)
    with pytest.raises(BlobMissingError, match="delivery d2"):
        check_whole(given, blobs)


def test_its_frames_hold_the_rows_of_the_span() -> None:
    blobs = MemoryBlobs()
    parts = []
    for day in (1, 2):
        known = delivery(day).window.since
        frame = pl.DataFrame({"id": [f"p{day}"], "at": [known]})
        parts.append(delivery(day, blobs.put(to_parquet(frame))))
    given = snapshot_of(recorded(*parts), START + 9 * DAY)
    frames = frames_of(given, blobs, Project.model_validate(declaration()))
    assert frames.frame("patients", None, None)["id"].to_list() == ["p1", "p2"]
    assert frames.frame("patients", START + 2 * DAY, None)["id"].to_list() == ["p2"]
