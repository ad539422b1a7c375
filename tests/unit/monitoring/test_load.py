from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from homeostat.monitoring import load_file
from homeostat.monitoring.load import (
    Sample,
    WorkerLoad,
    line_of,
    remembered,
    sampled,
    samples_of,
)

NOW = datetime(2024, 3, 1, tzinfo=UTC)
GB = 2**30
LOAD = WorkerLoad(100.0, 1000, 10, 50.0, GB, 8 * GB, 4.0, 3)


def later(load, seconds=15.0, requests=0, errors=0, cpu_s=0.0):
    return replace(
        load,
        age_s=load.age_s + seconds,
        requests=load.requests + requests,
        server_errors=load.server_errors + errors,
        cpu_s=load.cpu_s + cpu_s,
    )


def sample(at=NOW, **other):
    return replace(Sample(at, 10, 1, 0.5, 0.25, 3, 2), **other)


# -- arithmetic -----------------------------------------------------------------------------


def test_what_is_new_is_the_difference_of_the_counters():
    found = sampled({"a": LOAD}, {"a": later(LOAD, 15, 30, 2, 6.0)}, NOW)
    assert found == Sample(NOW, 30, 2, pytest.approx(6 / 15 / 4), 1 / 8, 3, 1)


def test_two_workers_add_up_each_over_its_own_time():
    told = {"a": later(LOAD, 15, 30, 2, 15.0), "b": later(LOAD, 30, 10, 0, 30.0)}
    found = sampled({"a": LOAD, "b": LOAD}, told, NOW)
    assert (found.requests, found.server_errors, found.queue_rows, found.workers) == (40, 2, 6, 2)
    assert found.cpu_share == pytest.approx(2 / 4)
    assert found.memory_share == 2 / 8


def test_a_worker_that_began_anew_counts_from_nothing():
    anew = WorkerLoad(5.0, 7, 1, 2.0, GB, 8 * GB, 4.0, 0)
    for before in ({"a": LOAD}, {"gone": LOAD}):
        found = sampled(before, {"a": anew}, NOW)
        assert (found.requests, found.server_errors) == (7, 1)
        assert found.cpu_share == pytest.approx(2 / 5 / 4)


@pytest.mark.parametrize("field", ["age_s", "requests", "server_errors", "cpu_s"])
def test_any_counter_that_fell_back_means_a_new_process(field):
    now = later(LOAD, 15, 1, 1, 1.0)
    now = replace(now, **{field: 0.5 if field in ("age_s", "cpu_s") else 0})
    assert sampled({"a": LOAD}, {"a": now}, NOW).requests == now.requests


def test_a_late_worker_leaves_sums_unknown_and_its_counts_come_with_its_next_answer():
    before = {"a": LOAD, "b": LOAD}
    told = {"a": later(LOAD, 15, 30), "b": None}
    found = sampled(before, told, NOW)
    assert (found.requests, found.workers) == (30, 1)
    assert (found.cpu_share, found.memory_share, found.queue_rows) == (None, None, None)
    again = {"a": later(told["a"], 15, 30), "b": later(LOAD, 30, 50, cpu_s=30.0)}
    found = sampled(remembered(before, told), again, NOW)
    assert (found.requests, found.workers) == (80, 2)
    assert found.cpu_share == pytest.approx(1 / 4)


def test_nobody_answers_and_that_is_no_sample():
    assert sampled({"a": LOAD}, {}, NOW) is None
    assert sampled({"a": LOAD}, {"a": None}, NOW) is None
    assert remembered({"a": LOAD, "gone": LOAD}, {"a": None, "never": None}) == {"a": LOAD}


def test_what_a_system_does_not_tell_is_not_known():
    bare = replace(LOAD, resident_bytes=None, memory_bytes=None, processors=None)
    found = sampled({"a": bare}, {"a": later(bare, 15, 30, cpu_s=6.0)}, NOW)
    assert (found.cpu_share, found.memory_share, found.requests) == (None, None, 30)
    half = {"a": later(LOAD), "b": later(replace(LOAD, resident_bytes=None))}
    assert sampled({"a": LOAD, "b": LOAD}, half, NOW).memory_share is None


def test_no_time_between_two_looks_gives_no_share():
    assert sampled({"a": LOAD}, {"a": LOAD}, NOW).cpu_share is None


# -- lines ----------------------------------------------------------------------------------


def test_a_line_reads_back():
    for one in (sample(), sample(cpu_share=None, memory_share=None, queue_rows=None)):
        assert samples_of(line_of(one)) == [one]


def test_a_torn_last_line_and_lines_that_are_no_samples_are_left_out():
    whole = line_of(sample())
    torn = line_of(sample(NOW + timedelta(seconds=15)))[:-5]
    spoiled = b'{"at":1}\n[]\n\n\xff\xfe\n{"at":"2024-03-01T00:00:00"}\n'
    naive = whole.replace(b"+00:00", b"")
    assert samples_of(spoiled + naive + whole + torn) == [sample()]
    assert samples_of(torn) == samples_of(b"") == []


# -- the file -------------------------------------------------------------------------------


def test_a_file_that_is_missing_or_empty_has_no_samples(tmp_path):
    file = tmp_path / "gateway" / load_file.NAME
    assert load_file.read(file) == []
    assert load_file.trim(file, NOW) == 0
    load_file.append(file, sample())
    assert load_file.read(file) == [sample()]
    file.write_bytes(b"")
    assert load_file.read(file) == []
    assert load_file.read(tmp_path) == []


def test_a_sample_after_a_torn_line_is_whole(tmp_path):
    file = tmp_path / load_file.NAME
    first, second = sample(), sample(NOW + timedelta(seconds=15))
    load_file.append(file, first)
    with file.open("ab") as torn:
        torn.write(b'{"at":"2024-')
    load_file.append(file, second)
    assert load_file.read(file) == [first, second]


def test_a_day_is_kept_and_times_to_come_are_not(tmp_path):
    file = tmp_path / load_file.NAME
    hours = [NOW + timedelta(hours=h) for h in (-30, -25, -24, -23, 0, 1)]
    for at in hours:
        load_file.append(file, sample(at))
    assert load_file.trim(file, NOW) == 3
    assert [one.at for one in load_file.read(file)] == hours[2:5]
    assert load_file.trim(file, NOW) == 0
    assert [found.name for found in tmp_path.iterdir()] == [load_file.NAME]


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    file = tmp_path / load_file.NAME
    load_file.append(file, sample(NOW - timedelta(days=2)))
    load_file.append(file, sample())
    kept = file.read_bytes()

    def full(self, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(file), "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        load_file.trim(file, NOW)
    assert file.read_bytes() == kept
    assert len(list(tmp_path.iterdir())) == 1
