"""Fetching one window: what is stored, and what bad data and bad sources become."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from homeostat.domain.delivery import Delivery, Window
from homeostat.domain.recorded import Recorded, SourceRecord
from homeostat.domain.verdict import Verdict
from homeostat.errors import DiskFullError, ProjectCodeError, SourceError
from homeostat.pipeline.deliver import fetch_delivery, to_parquet
from homeostat.spec.project import Project
from homeostat.testing.memory import MemoryBlobs

from .tiny_project import declaration

DAY = timedelta(days=1)
START = datetime(2024, 3, 1, tzinfo=UTC)
WINDOW = Window(START, START + DAY)
NOW = START + 2 * DAY
CHECKS = {"columns": {"amount": {"type": "float", "min": 0}}}


class Reader:
    """Answers with a frame, or raises."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def read(self, source: str, window: Window, attempt: int = 1) -> pl.DataFrame:
        assert (source, window, attempt) == ("patients", WINDOW, 3)
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer  # type: ignore[no-any-return]


def declared(**checks: Any) -> Project:
    sections = declaration()
    sections["sources"]["patients"]["checks"] = CHECKS | checks
    return Project.model_validate(sections)


def rows(**columns: Any) -> pl.DataFrame:
    times = [START, START + DAY / 2]
    return pl.DataFrame({"id": ["a", "b"], "at": times, "amount": [1.0, 2.0]} | columns)


def fetch(
    answer: Any,
    blobs: MemoryBlobs | None = None,
    recorded: Recorded | None = None,
    project: Project | None = None,
) -> Delivery:
    return fetch_delivery(
        project or declared(), Reader(answer), blobs or MemoryBlobs(), recorded or Recorded(),
        "patients", WINDOW, 3, NOW,
    )  # fmt: skip


def test_a_good_window_is_stored_as_it_came() -> None:
    blobs = MemoryBlobs()
    found = fetch(rows(), blobs)
    assert (found.verdict, found.rows, found.findings) == (Verdict.PASS, 2, ())
    assert found.id == "patients/20240301T000000-20240302T000000/3"
    assert (found.window, found.attempt, found.fetched_at) == (WINDOW, 3, NOW)
    assert pl.read_parquet(io.BytesIO(blobs.get(found.digest or ""))).equals(rows())


def test_the_same_rows_have_the_same_digests_and_other_types_another_schema() -> None:
    one, same, other = fetch(rows()), fetch(rows()), fetch(rows(amount=[1, 2]))
    assert (one.digest, one.schema_digest) == (same.digest, same.schema_digest)
    assert one.schema_digest != other.schema_digest


def test_bad_rows_are_kept_to_be_looked_at() -> None:
    blobs = MemoryBlobs()
    found = fetch(rows(amount=[-1.0, 2.0]), blobs)
    assert found.verdict is Verdict.FAIL
    assert [finding.name for finding in found.findings] == ["min"]
    assert blobs.has(found.digest or "")


@pytest.mark.parametrize("frame", [pl.DataFrame(), rows().head(0)])
def test_a_window_without_rows_stores_nothing(frame: pl.DataFrame) -> None:
    found = fetch(frame)
    assert (found.verdict, found.rows, found.digest) == (Verdict.PASS, 0, None)


@pytest.mark.parametrize(
    "error",
    [
        SourceError("it does not answer", subject="patients", next_step="wait"),
        ProjectCodeError("no such function"),
        RuntimeError("a bug in the reader"),
        OSError("no such host"),
        KeyError("x"),
    ],
)
def test_a_source_that_cannot_be_read_is_a_delivery_with_verdict_error(error: Exception) -> None:
    found = fetch(error)
    assert (found.verdict, found.rows, found.digest) == (Verdict.ERROR, 0, None)
    (finding,) = found.findings
    assert (finding.name, finding.verdict, finding.subject) == ("read", Verdict.ERROR, "patients")
    assert str(error) in finding.reason


@pytest.mark.parametrize("answer", [None, "rows", {"id": ["a"]}])
def test_a_reader_that_gives_no_frame_is_an_error_too(answer: Any) -> None:
    assert fetch(answer).verdict is Verdict.ERROR


def test_rows_that_cannot_be_stored_are_an_error_to_the_caller() -> None:
    class Full(MemoryBlobs):
        def put(self, content: bytes) -> str:
            raise DiskFullError("no room")

    with pytest.raises(DiskFullError):
        fetch(rows(), Full())


def test_python_objects_are_refused_and_the_rest_is_kept() -> None:
    blobs = MemoryBlobs()
    frame = rows().with_columns(pl.Series("more", [object(), object()], dtype=pl.Object))
    found = fetch(frame, blobs)
    assert found.verdict is Verdict.FAIL
    kept = pl.read_parquet(io.BytesIO(blobs.get(found.digest or "")))
    assert kept.columns == ["id", "at", "amount"]


def test_times_as_text_are_stored_as_times() -> None:
    blobs = MemoryBlobs()
    found = fetch(rows(at=["2024-03-01T00:00:00Z", "2024-03-01 12:00"]), blobs)
    assert found.verdict is Verdict.PASS
    assert pl.read_parquet(io.BytesIO(blobs.get(found.digest or ""))).equals(rows())


DRIFT: dict[str, Any] = {
    "columns": ["amount"], "max_psi": 0.2, "min_rows": 20, "reference": "3d"
}  # fmt: skip


def day(before: int, amount: Callable[[int], float], blobs: MemoryBlobs) -> Delivery:
    window = Window(START - before * DAY, START - (before - 1) * DAY)
    frame = many(window, amount)
    stored = blobs.put(to_parquet(frame))
    return Delivery(
        f"d{before}", "patients", window, 1, NOW, 50, stored, "s", Verdict.PASS
    )  # fmt: skip


def many(window: Window, amount: Callable[[int], float]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "id": [str(i) for i in range(50)],
            "at": [window.since + timedelta(minutes=i) for i in range(50)],
            "amount": [amount(i) for i in range(50)],
        }
    )


def test_drift_is_judged_against_what_was_accepted_in_the_span_before() -> None:
    blobs = MemoryBlobs()
    near = tuple(day(n, float, blobs) for n in (1, 2))
    far = day(30, lambda i: 1000.0 + i, blobs)
    recorded = Recorded(sources={"patients": SourceRecord(accepted=(far, *near))})
    project = declared(drift=DRIFT)
    assert fetch(many(WINDOW, float), blobs, recorded, project).verdict is Verdict.PASS
    moved = fetch(many(WINDOW, lambda i: 1000.0 + i), blobs, recorded, project)
    assert [finding.name for finding in moved.findings] == ["drift"]


def test_drift_without_anything_accepted_is_not_a_pass() -> None:
    found = fetch(many(WINDOW, float), project=declared(drift=DRIFT))
    assert found.verdict is Verdict.INCONCLUSIVE


def test_a_check_that_breaks_is_an_error_and_never_a_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("a bug in the checks")

    monkeypatch.setattr("homeostat.pipeline.deliver.check_delivery", broken)
    found = fetch(rows())
    assert found.verdict is Verdict.ERROR
    assert "a bug in the checks" in found.findings[0].reason
    assert found.digest is not None


def test_parquet_bytes_depend_on_the_rows_only() -> None:
    assert to_parquet(rows()) == to_parquet(pl.concat([rows().head(1), rows().tail(1)]))
