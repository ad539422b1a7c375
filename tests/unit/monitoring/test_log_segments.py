import errno
import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from homeostat.errors import DiskFullError
from homeostat.monitoring.log_segments import SegmentReader, SegmentWriter, segment_frame
from homeostat.monitoring.prediction_log import PredictionLog
from tests.unit.monitoring.logged import START, ids, lines

KILLED = """
import sys
from pathlib import Path
from homeostat.monitoring.prediction_log import PredictionLog
from tests.unit.monitoring.logged import START, lines
log = PredictionLog(Path(sys.argv[1]))
for number in range(1_000_000):
    log.write_lines(lines(2 * number, 2 * number + 1, at=START))
    print(number, flush=True)
"""


class Ticking:
    """A clock that goes forward when it is told to."""

    def __init__(self):
        self.now_s = 0.0

    def __call__(self):
        return self.now_s


def segments(folder: Path):
    return sorted(folder.glob("*.jsonl"), key=lambda path: path.stat().st_mtime_ns)


def rows(folder: Path):
    return [n for path in segments(folder) for n in segment_frame(path)["id"].to_list()]


def locked(path: Path):
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_a_segment_is_locked_while_its_writer_may_append(tmp_path):
    writer = SegmentWriter(tmp_path)
    writer.write(lines(1))
    (path,) = segments(tmp_path)
    assert locked(path)
    assert writer.roll() == [path]
    assert not locked(path)
    assert writer.roll() == []


def test_a_segment_never_grows_above_its_size_and_a_write_is_never_split(tmp_path):
    writer = SegmentWriter(tmp_path, max_bytes=len(lines(1, 2)))
    for number in range(1, 6):
        writer.write(lines(number))
    writer.write(lines(6, 7, 8))
    writer.write(lines(9))
    assert sorted(segment_frame(path).height for path in segments(tmp_path)) == [1, 1, 2, 2, 3]
    assert sorted(rows(tmp_path)) == [f"p{n}" for n in range(1, 10)]


def test_an_old_segment_is_closed_at_the_next_write(tmp_path):
    clock = Ticking()
    writer = SegmentWriter(tmp_path, max_age_s=60, elapsed_s=clock)
    writer.write(lines(1))
    clock.now_s = 60.0
    writer.write(lines(2))
    assert len(segments(tmp_path)) == 1
    clock.now_s = 60.1
    writer.write(lines(3))
    first, second = segments(tmp_path)
    assert (locked(first), locked(second)) == (False, True)
    assert rows(tmp_path) == ["p1", "p2", "p3"]


@pytest.mark.parametrize("failing", ["short", "error", "fsync"])
def test_what_a_failed_write_has_left_is_taken_back(tmp_path, monkeypatch, failing):
    writer = SegmentWriter(tmp_path, "always" if failing == "fsync" else "never")
    writer.write(lines(1))
    write = os.write

    def no_room(file, data):
        write(file, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    def broken(file):
        raise OSError(errno.EIO, "Input/output error")

    if failing == "fsync":
        monkeypatch.setattr(os, "fsync", broken)
    else:
        short = failing == "short"
        cut = lambda file, data: write(file, data[: len(data) // 2])  # noqa: E731
        monkeypatch.setattr(os, "write", cut if short else no_room)
    with pytest.raises(DiskFullError):
        writer.write(lines(2, 3))
    monkeypatch.undo()
    writer.write(lines(4))
    assert sorted(rows(tmp_path)) == ["p1", "p4"]


def test_a_full_disk_is_met_by_the_limit_of_the_operating_system_too(tmp_path):
    script = """
import resource, sys
from pathlib import Path
from homeostat.errors import DiskFullError
from homeostat.monitoring.prediction_log import PredictionLog
from tests.unit.monitoring.logged import lines
log = PredictionLog(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
number = 0
try:
    while True:
        log.write_lines(lines(number))
        number += 1
except DiskFullError as error:
    print(number)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) >= 2
    assert ids(PredictionLog(tmp_path)) == [f"p{n}" for n in range(int(done.stdout))]


def test_an_empty_segment_is_removed(tmp_path, monkeypatch):
    writer = SegmentWriter(tmp_path)
    monkeypatch.setattr(os, "write", lambda file, data: 0)
    with pytest.raises(DiskFullError):
        writer.write(lines(1))
    assert writer.roll() == []
    assert segments(tmp_path) == []


def test_a_forked_process_writes_a_segment_of_its_own(tmp_path):
    writer = SegmentWriter(tmp_path)
    writer.write(lines(1))
    child = os.fork()
    if not child:
        writer.write(lines(2))
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    writer.write(lines(3))
    assert sorted(rows(tmp_path)) == ["p1", "p2", "p3"]
    (mine,) = [path for path in segments(tmp_path) if locked(path)]
    assert segment_frame(mine)["id"].to_list() == ["p1", "p3"]


def test_a_kill_under_load_loses_no_acknowledged_line_and_splits_no_write(tmp_path):
    writing = subprocess.Popen(
        [sys.executable, "-c", KILLED, tmp_path], stdout=subprocess.PIPE, text=True
    )
    assert writing.stdout is not None
    acknowledged = [int(writing.stdout.readline()) for _ in range(200)]
    writing.send_signal(signal.SIGKILL)
    acknowledged += [int(line) for line in writing.stdout.read().split("\n")[:-1]]
    writing.wait()
    writing.stdout.close()
    (segment,) = (tmp_path / "segments").glob("*.jsonl")
    with segment.open("ab") as file:
        file.write(lines(999_999_999, at=START)[:-20])
    log = PredictionLog(tmp_path)
    for _ in range(2):
        found = ids(log)
        assert {f"p{2 * n + side}" for n in acknowledged for side in (0, 1)} <= set(found)
        assert len(found) == len(set(found)) <= 2 * (len(acknowledged) + 1)
        log.seal_abandoned()
    assert not list((tmp_path / "segments").iterdir())


def test_a_reader_sees_lines_as_they_come_and_forgets_what_was_taken_back(tmp_path):
    reader, path = SegmentReader(), tmp_path / "p1.jsonl"

    def seen():
        return [n for frame in reader.frames([path]) for n in frame["id"].to_list()]

    assert seen() == []
    path.write_bytes(lines(1) + lines(2)[:10])
    assert seen() == ["p1"]
    path.write_bytes(lines(1, 2, 3))
    assert seen() == ["p1", "p2", "p3"]
    path.write_bytes(lines(1, 4))
    assert seen() == ["p1", "p4"]
    path.write_bytes(lines(1))
    assert seen() == ["p1"]
    path.unlink()
    assert seen() == []
