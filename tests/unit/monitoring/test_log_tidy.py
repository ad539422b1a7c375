import os
import threading
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from homeostat.monitoring import log_tidy
from homeostat.monitoring.log_rows import COLUMNS
from homeostat.monitoring.prediction_log import PredictionLog
from tests.unit.monitoring.logged import ALWAYS, HOUR, START, batch, ids, lines

HOURS = 6


def sealed(folder: Path):
    return sorted(str(p.relative_to(folder)) for p in (folder / "sealed").rglob("*.parquet"))


def test_sealed_files_lie_by_model_and_hour_and_are_named_by_their_bytes(tmp_path):
    first = PredictionLog(tmp_path / "a")
    first.write_lines(lines(0, 0.5, 1) + lines(2, model="a/b"))
    assert first.seal() == 4
    names = sealed(tmp_path / "a")
    assert [name.split("/")[1:3] for name in names] == [
        ["model=a%2Fb", "hour=2024-01-01T02"],
        ["model=m", "hour=2024-01-01T00"],
        ["model=m", "hour=2024-01-01T01"],
    ]
    again = PredictionLog(tmp_path / "b")
    again.write_lines(lines(0, 0.5, 1) + lines(2, model="a/b"))
    again.seal()
    assert sealed(tmp_path / "b") == names


def test_a_segment_is_sealed_by_others_only_when_its_writer_has_ended(tmp_path):
    writer, other = PredictionLog(tmp_path), PredictionLog(tmp_path)
    writer.write_lines(lines(1, 2))
    assert other.seal_abandoned() == 0
    writer.roll()
    writer.write_lines(lines(3))
    assert other.seal_abandoned() == 2
    assert ids(other) == ids(writer) == ["p1", "p2", "p3"]


def test_concurrent_sealers_and_compactors_keep_every_row_once_and_readers_see_all(tmp_path):
    expected = sorted(f"p{n}" for n in range(60))
    for number in range(60):
        log = PredictionLog(tmp_path)
        log.write_lines(lines(number, at=START + (number % 3) * HOUR))
        log.roll()
    sealed_rows, wrong = [], []

    def tidy():
        log = PredictionLog(tmp_path)
        sealed_rows.append(log.seal_abandoned())
        log.compact(START + 10 * HOUR)

    def read():
        log = PredictionLog(tmp_path)
        while any(worker.is_alive() for worker in workers):
            if (found := sorted(ids(log))) != expected:
                wrong.append(found)

    workers = [threading.Thread(target=tidy) for _ in range(3)]
    reader = threading.Thread(target=read)
    for one in (*workers, reader):
        one.start()
    for one in (*workers, reader):
        one.join()
    assert sum(sealed_rows) == 60
    assert wrong == []
    assert sorted(ids(PredictionLog(tmp_path))) == expected


def test_small_files_of_a_finished_hour_become_one(tmp_path):
    log = PredictionLog(tmp_path)
    for number in range(4):
        log.append(batch(number / 10))
    log.append(batch(5))
    log.append(batch(5.5))
    before = ids(log)
    assert log.compact(START + HOUR - timedelta(microseconds=1)) == 0
    assert log.compact(START + HOUR) == 4
    assert len(sealed(tmp_path)) == 3
    assert ids(log) == ids(PredictionLog(tmp_path)) == before
    assert log.compact(START + HOUR) == 0


def test_large_files_are_left_as_they_are(tmp_path, monkeypatch):
    log = PredictionLog(tmp_path)
    for number in range(4):
        log.append(batch(number / 10))
    one = max(path.stat().st_size for path in (tmp_path / "sealed").rglob("*.parquet"))
    monkeypatch.setattr(log_tidy, "JOINED_BYTES", 2 * one)
    assert log.compact(START + HOUR) == 4
    assert len(sealed(tmp_path)) == 2
    monkeypatch.setattr(log_tidy, "JOINED_BYTES", 1)
    assert log.compact(START + HOUR) == 0


def test_a_batch_that_was_repeated_is_there_once_after_compaction(tmp_path):
    log = PredictionLog(tmp_path)
    log.append(batch(0, 0.5))
    log.append(batch(0.6))
    log.compact(START + HOUR)
    log.append(batch(0, 0.5).with_columns(latency_ms=2.0))
    log.compact(START + HOUR)
    assert ids(log) == ["p0", "p0.5", "p0.6"]


def test_files_are_deleted_when_all_of_their_rows_are_too_old(tmp_path):
    log = PredictionLog(tmp_path)
    log.append(batch(0, 2))
    log.append(batch(1))
    keep = timedelta(hours=1)
    assert log.expire(START + 2 * HOUR, keep) == 0
    assert log.expire(START + 2.5 * HOUR, keep) == 1
    assert ids(log) == ["p0", "p2"]
    assert log.expire(START + 9 * HOUR, keep) == 1
    assert ids(log) == ids(PredictionLog(tmp_path)) == []
    assert list((tmp_path / "sealed").iterdir()) == []
    log.append(batch(3))
    assert ids(PredictionLog(tmp_path)) == ["p3"]


def test_lines_that_are_no_rows_are_set_aside_and_the_others_kept(tmp_path):
    log = PredictionLog(tmp_path)
    log.write_lines(lines(1) + b"\0\0\0\n" + lines(2))
    assert ids(log) == ["p1", "p2"]
    (segment,) = (tmp_path / "segments").iterdir()
    content = segment.read_bytes()
    assert log.seal() == 2
    assert ids(log) == ["p1", "p2"]
    (damaged,) = (tmp_path / "damaged").iterdir()
    assert damaged.read_bytes() == content


def test_a_file_moved_away_by_hand_is_noticed(tmp_path):
    log = PredictionLog(tmp_path)
    log.append(batch(0))
    log.append(batch(1))
    other = PredictionLog(tmp_path)
    assert len(other.signature(*ALWAYS)) == 2
    name = next(name for name in sealed(tmp_path) if "T00" in name)
    (tmp_path / name).unlink()
    assert ids(other) == ["p1"]


class Killed(BaseException):
    """The process ends here."""


def dying(step):
    """Replacing or removing a file fails at the given call."""
    left = [step]

    def counted(function):
        def called(*args, **kwargs):
            left[0] -= 1
            if left[0] == -1:
                raise Killed
            return function(*args, **kwargs)

        return called

    return (
        patch.object(Path, "replace", counted(Path.replace)),
        patch.object(Path, "unlink", counted(Path.unlink)),
    )


hours = st.integers(0, HOURS)
operations = st.one_of(
    st.tuples(st.just("write"), hours),
    st.tuples(st.just("append"), hours),
    st.tuples(st.just("roll"), st.just(0)),
    st.tuples(st.just("seal"), st.just(0)),
    st.tuples(st.just("seal_abandoned"), st.just(0)),
    st.tuples(st.just("compact"), hours),
    st.tuples(st.just("expire"), hours),
    st.tuples(st.just("restart"), st.just(0)),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(operations, st.none() | st.integers(0, 6)), min_size=3, max_size=14))
def test_whatever_is_done_in_whatever_order_and_killed_anywhere_the_right_rows_are_there(steps):
    with TemporaryDirectory() as place:
        folder = Path(place)
        log, watching = PredictionLog(folder), PredictionLog(folder)
        written, gone, kept_since = {}, set(), START - HOUR
        for number, ((operation, hour), kill) in enumerate(steps):
            at = START + hour * HOUR + timedelta(seconds=number)
            if operation == "write":
                log.write_lines(lines(number, at=at))
                written[f"p{number}"] = at
            elif operation == "append":
                log.append(batch(number).with_columns(at=pl.lit(at)))
                written[f"p{number}"] = at
            elif operation == "restart":
                log.roll()
                log = PredictionLog(folder)
            else:
                now = START + hour * HOUR
                arguments = {"compact": (now,), "expire": (now, HOUR)}.get(operation, ())
                if operation == "expire":
                    kept_since = max(kept_since, now - HOUR)
                replacing, removing = dying(99 if kill is None else kill)
                with replacing, removing, suppress(Killed):
                    getattr(log, operation)(*arguments)
            found = ids(watching)
            assert found == ids(PredictionLog(folder))
            assert len(found) == len(set(found))
            must = {name for name, at in written.items() if at >= kept_since}
            assert must <= set(found) <= written.keys() - gone
            gone |= written.keys() - set(found)


def test_a_read_goes_on_when_a_file_becomes_part_of_another_meanwhile(tmp_path):
    log, other = PredictionLog(tmp_path), PredictionLog(tmp_path)
    log.append(batch(0))
    log.append(batch(0.5))
    frame = log._cache.frame
    done = []

    def late(path, columns):
        if not done:
            done.append(other.compact(START + HOUR))
        return frame(path, columns)

    with patch.object(log._cache, "frame", late):
        assert log.read(*ALWAYS, COLUMNS)["id"].to_list() == ["p0", "p0.5"]
    assert done == [2]
    assert os.listdir(tmp_path / "unfinished") == []  # noqa: PTH208
