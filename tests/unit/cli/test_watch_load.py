from dataclasses import replace
from datetime import UTC, datetime, timedelta

from homeostat.cli.watch_load import LoadWatch
from homeostat.errors import WorkerGoneError
from homeostat.monitoring import load_file
from homeostat.monitoring.load import WorkerLoad

NOW = datetime(2024, 3, 1, tzinfo=UTC)
LOAD = WorkerLoad(100.0, 1000, 10, 50.0, 2**30, 2**33, 4.0, 3)


class Told:
    """A gateway whose workers tell what they are given."""

    def __init__(self, *answers):
        self.answers = list(answers)

    def loads(self):
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def looks(tmp_path, *answers):
    file = tmp_path / "gateway" / load_file.NAME
    watch = LoadWatch(Told(*answers), file, None)
    for number in range(len(answers)):
        watch.look(NOW + timedelta(seconds=15 * number))
    return load_file.read(file)


def busier(number):
    return {"a": replace(LOAD, age_s=100.0 + 15 * number, requests=1000 + 30 * number)}


def test_the_first_look_only_learns_where_the_counters_stand(tmp_path):
    found = looks(tmp_path, busier(0), busier(1), busier(2))
    assert [(one.at, one.requests) for one in found] == [
        (NOW + timedelta(seconds=15), 30),
        (NOW + timedelta(seconds=30), 30),
    ]


def test_a_look_that_fails_is_a_gap_and_nothing_is_lost(tmp_path):
    for problem in (WorkerGoneError("gone"), OSError(28, "full"), ValueError("not JSON")):
        place = tmp_path / type(problem).__name__
        found = looks(place, busier(0), problem, busier(2))
        assert [one.requests for one in found] == [60]


def test_a_disk_that_is_full_stops_nothing(tmp_path):
    (tmp_path / "gateway").write_text("a file where a folder should be")
    assert looks(tmp_path, busier(0), busier(1)) == []


def test_no_worker_is_no_line(tmp_path):
    found = looks(tmp_path, busier(0), {}, {"b": replace(LOAD, age_s=5.0, requests=4)})
    assert [one.requests for one in found] == [4]


def test_old_samples_go_at_the_first_look(tmp_path):
    assert len(looks(tmp_path, busier(0), busier(1))) == 1
    file = tmp_path / "gateway" / load_file.NAME
    LoadWatch(Told(busier(2)), file, None).look(NOW + timedelta(days=2))
    assert load_file.read(file) == []
