import os

import pytest

from homeostat.errors import DiskFullError
from homeostat.monitoring.label_log import LabelLog
from homeostat.monitoring.log_rows import line_of
from homeostat.monitoring.prediction_log import COLUMNS, PredictionLog
from tests.unit.monitoring.logged import HOUR, START, batch, ids, record


@pytest.fixture
def log(tmp_path):
    return PredictionLog(tmp_path)


def test_an_empty_log_reads_as_no_rows_with_all_columns(log):
    assert log.read(START, START + HOUR).columns == list(COLUMNS)
    assert ids(log) == []


def test_batches_and_single_records_are_read_by_time_both_ways(log):
    log.append(batch(0, 1, 2))
    log.write(record(3))
    assert ids(log) == ["p0", "p1", "p2", "p3"]
    assert ids(log, START + HOUR, START + 3 * HOUR) == ["p1", "p2"]
    assert log.read(START, START + 9 * HOUR)["inputs"].to_list()[0] == {"a": 1.0, "b": "x"}


def test_the_same_batch_twice_is_once(log):
    log.append(batch(0, 1))
    log.append(batch(0, 1))
    assert ids(log) == ["p0", "p1"]


def test_another_process_sees_what_was_acknowledged(log, tmp_path):
    log.write(record(0))
    assert ids(PredictionLog(tmp_path)) == ["p0"]


def test_a_torn_last_line_was_never_acknowledged_and_is_left_out(log, tmp_path):
    log.write(record(0))
    (segment,) = (tmp_path / "segments").glob("*.jsonl")
    with segment.open("ab") as file:
        file.write(b'{"id": "p1", "event"')
    assert ids(PredictionLog(tmp_path)) == ["p0"]


def test_sealing_keeps_every_row_once(log, tmp_path):
    for number in range(5):
        log.write(record(number))
    assert log.seal() == 5
    assert ids(log) == [f"p{n}" for n in range(5)]
    assert not list((tmp_path / "segments").glob("*.jsonl"))
    log.write(record(5))
    assert len(ids(log)) == 6


def test_a_segment_that_an_older_layout_has_sealed_is_not_read_twice(log, tmp_path):
    name = "20240101T000000000000-20240101T000000000000-p7x0.parquet"
    (tmp_path / "sealed").mkdir()
    batch(0).drop("propensity", "fetched").write_parquet(tmp_path / "sealed" / name)
    (tmp_path / "segments").mkdir()
    (tmp_path / "segments" / "p7x0.jsonl").write_bytes(line_of(record(0)))
    assert ids(log) == ["p0"]
    assert log.seal_abandoned() == 0
    assert ids(log) == ids(PredictionLog(tmp_path)) == ["p0"]
    assert log.read(START, START + HOUR)["propensity"].to_list() == [None]
    assert not list((tmp_path / "segments").iterdir())


def test_a_full_disk_acknowledges_nothing_and_leaves_no_half_line(log, tmp_path, monkeypatch):
    log.write(record(0))
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, data[:10]))
    with pytest.raises(DiskFullError):
        log.write(record(1))
    monkeypatch.undo()
    log.write(record(2))
    assert ids(log) == ["p0", "p2"]


def test_the_signature_changes_with_what_it_names(log):
    span = (START, START + 10 * HOUR)
    seen = [log.signature(*span)]
    log.append(batch(0, 1))
    seen.append(log.signature(*span))
    log.write(record(2))
    seen.append(log.signature(*span))
    assert len(set(seen)) == 3
    log.append(batch(500))
    assert log.signature(*span) == seen[-1]


def test_labels_survive_a_restart_and_repeats_are_known_after_it(tmp_path):
    assert LabelLog(tmp_path).post({"a": 1.0, "b": 0.0}, START).accepted == 2
    again = LabelLog(tmp_path)
    posted = again.post({"a": 1.0, "b": 1.0, "c": 1.0}, START + HOUR)
    assert (posted.accepted, posted.repeated, posted.corrected) == (1, 1, 1)
    assert again.read(START, START + HOUR).height == 2
    assert again.read(START + HOUR, START + 2 * HOUR)["id"].to_list() == ["b", "c"]
