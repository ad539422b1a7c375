import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from homeostat.errors import DiskFullError, StateCorruptError, StateLockedError
from homeostat.monitoring import label_log
from homeostat.monitoring.label_log import FILE, LabelLog
from homeostat.monitoring.label_outcome import Label

START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
ALL = (START - 9 * HOUR, START + 99 * HOUR)


@pytest.fixture
def log(tmp_path):
    return LabelLog(tmp_path / "labels")


def store(log, *labels, at=START):
    return [str(outcome) for outcome in log.store(labels, lambda: at)]


def predicted(event, value, **more):
    return Label(event, value, predicted_at=START - HOUR, **more)


def test_a_label_is_read_with_its_time_of_receipt(log):
    assert store(log, predicted("a", 1.0), predicted("b", 0.25)) == ["accepted"] * 2
    assert log.read(*ALL).rows(named=True) == [
        {"id": "a", "label": 1.0, "received_at": START},
        {"id": "b", "label": 0.25, "received_at": START},
    ]


def test_a_window_has_its_begin_and_not_its_end(log):
    store(log, predicted("a", 1.0))
    assert log.read(START, START + HOUR).height == 1
    assert log.read(START - HOUR, START).height == 0


def test_before_the_first_post_there_are_no_rows_and_no_file(log, tmp_path):
    assert log.read(*ALL).columns == ["id", "label", "received_at"]
    assert list(tmp_path.iterdir()) == []


def test_the_same_post_again_changes_nothing(log):
    labels = [predicted(f"e{n}", n % 2) for n in range(50)]
    assert store(log, *labels) == ["accepted"] * 50
    assert store(log, *labels, at=START + HOUR) == ["repeated"] * 50
    assert log.read(*ALL).height == 50


def test_a_correction_is_kept_beside_the_older_value_and_counts_from_then_on(log):
    store(log, predicted("a", 1.0))
    assert store(log, predicted("a", 0.0), at=START + HOUR) == ["corrected"]
    assert store(log, predicted("a", 0.0), at=START + 2 * HOUR) == ["repeated"]
    assert log.read(*ALL)["label"].to_list() == [1.0, 0.0]


def test_contradicting_labels_of_a_post_are_refused_and_the_others_are_stored(log):
    post = [predicted("a", 1.0), predicted("b", 1.0), predicted("a", 0.0)]
    assert store(log, *post) == ["contradictory", "accepted", "contradictory"]
    assert log.read(*ALL)["id"].to_list() == ["b"]


def test_one_value_twice_in_a_post_is_one_label(log):
    assert store(log, predicted("a", 1.0), predicted("a", 1.0)) == ["accepted", "repeated"]


def test_what_was_observed_before_changes_nothing_in_whatever_order_it_arrives(log):
    def seen(value, hours):
        return predicted("a", value, observed_at=START + hours * HOUR)

    assert store(log, seen(1.0, 1)) == ["accepted"]
    assert store(log, seen(1.0, 5)) == ["repeated"]
    assert store(log, seen(0.0, 3)) == ["superseded"]
    assert store(log, seen(0.0, 6)) == ["corrected"]
    assert log.read(*ALL)["label"].to_list() == [1.0, 0.0]


def test_the_horizon_is_declared(tmp_path):
    log = LabelLog(tmp_path, late_after=HOUR)
    old = Label("a", 1.0, predicted_at=START - 2 * HOUR)
    assert store(log, old, predicted("b", 1.0)) == ["late", "accepted"]
    assert log.read(*ALL).height == 2


def test_what_another_process_stored_is_known_at_once(tmp_path):
    one, other = LabelLog(tmp_path), LabelLog(tmp_path)
    assert store(one, predicted("a", 1.0)) == ["accepted"]
    assert store(other, predicted("a", 1.0)) == ["repeated"]
    assert store(other, predicted("a", 0.0)) == ["corrected"]
    assert store(one, predicted("a", 0.0)) == ["repeated"]


def posts(folder, first, told):
    log = LabelLog(folder)
    outcomes = []
    for number in range(60):
        outcomes += store(log, predicted(f"e{number}", 1.0), predicted(f"p{first}-{number}", 0.0))
    told.put(outcomes)


def test_processes_that_post_the_same_at_once_accept_each_label_once(tmp_path):
    spawn = multiprocessing.get_context("spawn")
    told = spawn.Queue()
    processes = [
        spawn.Process(target=posts, args=(tmp_path / "log", first, told)) for first in range(3)
    ]
    for process in processes:
        process.start()
    outcomes = [outcome for _ in processes for outcome in told.get(timeout=120)]
    for process in processes:
        process.join()
    assert outcomes.count("accepted") == 60 + 3 * 60
    assert outcomes.count("repeated") == 2 * 60
    rows = LabelLog(tmp_path / "log").read(*ALL)
    assert rows.height == rows["id"].n_unique() == 240


ENDLESS = """
import sys
from pathlib import Path
from datetime import UTC, datetime
from homeostat.monitoring.label_log import LabelLog
log, now = LabelLog(Path(sys.argv[1])), datetime(2026, 3, 1, tzinfo=UTC)
for number in range(1_000_000):
    log.post({f"{number}-{part}": 1.0 for part in range(20)}, now)
    print(number, flush=True)
"""


def test_a_killed_process_has_stored_each_post_it_acknowledged_and_no_part_of_one(tmp_path):
    command = [sys.executable, "-c", ENDLESS, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        told = [process.stdout.readline() for _ in range(30)]
        process.send_signal(signal.SIGKILL)
        told += process.stdout.readlines()
    stored = Counter(name.split("-")[0] for name in LabelLog(tmp_path).read(*ALL)["id"])
    assert {line.strip() for line in told if line.endswith("\n")} <= set(stored)
    assert set(stored.values()) == {20}


def test_a_forked_process_does_not_use_the_connection_of_its_parent(log):
    store(log, predicted("a", 1.0))
    child = os.fork()
    if child == 0:
        os._exit(0 if store(log, predicted("a", 1.0), predicted("b", 1.0)) else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert store(log, predicted("b", 1.0)) == ["repeated"]


def test_a_full_disk_stores_none_and_the_same_post_is_taken_when_there_is_room(log):
    store(log, predicted("a", 1.0))
    pages = log._opened[1].execute("pragma page_count").fetchone()[0]
    log._opened[1].execute(f"pragma max_page_count = {pages}")
    many = [predicted(f"{'long' * 200}{number}", 1.0) for number in range(500)]
    with pytest.raises(DiskFullError) as caught:
        store(log, *many)
    assert "post them again" in caught.value.next_step
    assert log.read(*ALL)["id"].to_list() == ["a"]
    log._opened[1].execute("pragma max_page_count = 100000")
    assert store(log, *many) == ["accepted"] * 500


def test_a_folder_that_cannot_be_made_is_an_error_and_not_a_crash(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DiskFullError):
        store(LabelLog(tmp_path / "file" / "labels"), predicted("a", 1.0))


def test_a_damaged_file_is_said_to_be_damaged(tmp_path):
    (tmp_path / FILE).write_bytes(b"no database at all" * 100)
    with pytest.raises(StateCorruptError):
        store(LabelLog(tmp_path), predicted("a", 1.0))
    with pytest.raises(StateCorruptError):
        LabelLog(tmp_path).read(*ALL)


def test_a_post_that_waits_too_long_says_so_and_stores_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(label_log, "WAIT_S", 0.05)
    log = LabelLog(tmp_path)
    store(log, predicted("a", 1.0))
    holder = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    holder.execute("begin immediate")
    with pytest.raises(StateLockedError):
        store(log, predicted("b", 1.0))
    holder.execute("rollback")
    holder.close()
    assert store(log, predicted("b", 1.0)) == ["accepted"]


def test_a_post_that_fails_in_its_middle_leaves_nothing(log):
    def asked():
        raise RuntimeError("the clock is gone")

    with pytest.raises(RuntimeError):
        log.store([predicted("a", 1.0)], asked)
    assert log.read(*ALL).height == 0
    assert store(log, predicted("a", 1.0)) == ["accepted"]


def test_times_keep_their_microseconds_in_whatever_zone_they_come(log):
    odd = datetime.fromisoformat("2026-03-01T03:00:00.123457+02:00")
    store(log, predicted("a", 1.0), at=odd)
    assert log.read(odd, odd + timedelta(microseconds=1))["received_at"].to_list() == [odd]
