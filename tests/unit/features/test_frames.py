from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from homeostat.domain.codec import digest
from homeostat.domain.delivery import Delivery, Window, delivery_id
from homeostat.domain.verdict import Verdict
from homeostat.errors import BlobMissingError, ColumnError, SourceError
from homeostat.features.frames import DeliveryFrames, PartCache, TableFrames

START = datetime(2013, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


class FolderBlobs:
    """The little of the blobs port that reading needs; counts how often it is asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.reads = 0

    def put(self, content: bytes) -> str:
        name = digest(content)
        (self.folder / name).write_bytes(content)
        return name

    def path(self, name: str) -> Path:
        self.reads += 1
        if not (self.folder / name).exists():
            raise BlobMissingError(f"{name} is gone")
        return self.folder / name


@pytest.fixture
def blobs(tmp_path: Path) -> FolderBlobs:
    return FolderBlobs(tmp_path)


def deliver(blobs: FolderBlobs, day: int, frame: pl.DataFrame | None) -> Delivery:
    window = Window(START + day * DAY, START + (day + 1) * DAY)
    name = None
    if frame is not None:
        file = blobs.folder / "part.parquet"
        frame.write_parquet(file)
        name = blobs.put(file.read_bytes())
    return Delivery(
        id=delivery_id("s", window, 1),
        source="s",
        window=window,
        attempt=1,
        fetched_at=window.until,
        rows=0 if frame is None else frame.height,
        digest=name,
        schema_digest=None,
        verdict=Verdict.PASS,
    )


def rows(day: int, *hours: int, **more: object) -> pl.DataFrame:
    known = [START + day * DAY + timedelta(hours=hour) for hour in hours]
    return pl.DataFrame({"known": known, "n": [day * 100 + hour for hour in hours], **more})


def frames(blobs: FolderBlobs, *deliveries: Delivery) -> DeliveryFrames:
    return DeliveryFrames(blobs, {"s": deliveries}, {"s": "known"}, PartCache())  # type: ignore[arg-type]


def test_rows_come_sorted_from_all_deliveries_in_the_half_open_span(blobs: FolderBlobs) -> None:
    both = frames(blobs, deliver(blobs, 1, rows(1, 5, 0)), deliver(blobs, 0, rows(0, 23, 6)))
    found = both.frame("s", START + timedelta(hours=6), START + DAY + timedelta(hours=5))
    assert found["n"].to_list() == [6, 23, 100]
    assert both.frame("s", None, None)["n"].to_list() == [6, 23, 100, 105]


def test_only_deliveries_whose_window_overlaps_are_read(blobs: FolderBlobs) -> None:
    many = frames(blobs, *(deliver(blobs, day, rows(day, 1)) for day in range(5)))
    assert many.frame("s", START + DAY, START + 2 * DAY)["n"].to_list() == [101]
    assert blobs.reads == 1


def test_a_part_that_was_read_is_kept_in_memory(blobs: FolderBlobs) -> None:
    one = frames(blobs, deliver(blobs, 0, rows(0, 1)))
    for _ in range(3):
        one.frame("s", None, None)
    assert blobs.reads == 1


def test_parts_leave_memory_when_there_are_too_many(blobs: FolderBlobs) -> None:
    first, second = deliver(blobs, 0, rows(0, 1)), deliver(blobs, 1, rows(1, 1))
    small = PartCache(max_bytes=rows(0, 1).estimated_size())
    for name in (first.digest, second.digest, first.digest):
        assert name is not None
        small.read(blobs, name, "known", "s")  # type: ignore[arg-type]
    assert blobs.reads == 3


def test_nothing_delivered_is_a_frame_without_rows(blobs: FolderBlobs) -> None:
    assert frames(blobs).frame("s", None, None).height == 0
    assert frames(blobs).frame("another", None, START).height == 0
    assert frames(blobs, deliver(blobs, 0, None)).frame("s", None, None).height == 0


def test_deliveries_may_differ_in_their_columns_and_in_the_size_of_numbers(
    blobs: FolderBlobs,
) -> None:
    narrow = rows(0, 1).with_columns(pl.col("n").cast(pl.Int32))
    wide = rows(1, 1, extra=["x"])
    found = frames(blobs, deliver(blobs, 0, narrow), deliver(blobs, 1, wide)).frame("s", None, None)
    assert found["n"].to_list() == [1, 101]
    assert found["extra"].to_list() == [None, "x"]


def test_a_column_that_changes_its_type_is_an_error(blobs: FolderBlobs) -> None:
    listed = rows(1, 1).with_columns(n=pl.lit([1]))
    mixed = frames(blobs, deliver(blobs, 0, rows(0, 1)), deliver(blobs, 1, listed))
    with pytest.raises(ColumnError, match="changes its type"):
        mixed.frame("s", None, None)


def test_a_row_without_known_at_is_never_known(blobs: FolderBlobs) -> None:
    part = rows(0, 1, 2).with_columns(known=pl.when(pl.col("n") == 1).then("known"))
    assert frames(blobs, deliver(blobs, 0, part)).frame("s", None, None)["n"].to_list() == [1]


def test_bytes_that_are_gone_or_are_not_parquet_are_typed_errors(blobs: FolderBlobs) -> None:
    delivery = deliver(blobs, 0, rows(0, 1))
    assert delivery.digest is not None
    (blobs.folder / delivery.digest).write_bytes(b"nonsense")
    with pytest.raises(SourceError, match="cannot be read"):
        frames(blobs, delivery).frame("s", None, None)
    (blobs.folder / delivery.digest).unlink()
    with pytest.raises(BlobMissingError):
        frames(blobs, delivery).frame("s", None, None)


def test_whole_tables_answer_like_deliveries() -> None:
    table = pl.concat([rows(1, 3), rows(0, 7, 2)])
    whole = TableFrames({"s": table, "empty": pl.DataFrame()}, {"s": "known", "empty": "known"})
    assert whole.frame("s", None, None)["n"].to_list() == [2, 7, 103]
    assert whole.frame("s", START + timedelta(hours=7), START + DAY)["n"].to_list() == [7]
    assert whole.frame("s", START + DAY, START)["n"].to_list() == []
    assert whole.frame("empty", None, None).height == 0
    assert whole.frame("unknown", None, None).height == 0
