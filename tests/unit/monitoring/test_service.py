from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from homeostat.domain.recorded import Recorded
from homeostat.monitoring import load_file
from homeostat.monitoring.load import Sample
from homeostat.monitoring.prediction_log import PredictionLog
from homeostat.monitoring.service import service_signals
from homeostat.spec.project import Project
from homeostat.spec.service_signals import SERVICE_SIGNALS
from tests.unit.monitoring.logged import record
from tests.worlds import NOW, serving

DECLARED = {
    "homeostat": 1,
    "model": "m",
    "owner": "tests",
    "task": "binary",
    "events": {"source": "events", "id": "event", "time": "at"},
    "labels": {"source": "labels", "column": "y"},
    "sources": {
        "events": {"path": "e.csv", "known_at": "at"},
        "labels": {"path": "l.csv", "known_at": "known_at"},
    },
    "features": {"row": ["x"]},
    "metrics": {"primary": "auc"},
}
SECOND = timedelta(seconds=1)
UNKNOWN = {name: None for name in SERVICE_SIGNALS if name != "health"}


class Scene:
    """A log and a load file; ``ago`` is in seconds before now."""

    def __init__(self, folder):
        self.log = PredictionLog(folder / "log")
        self.file = folder / load_file.NAME
        self.recorded = serving(1)
        self.number = 0

    def rows(self, agos, latency_ms=1.0, arm="champion"):
        latencies = np.broadcast_to(np.asarray(latency_ms, dtype=object), len(agos))
        records = []
        for ago, latency in zip(agos, latencies, strict=True):
            self.number += 1
            at = (NOW - float(ago) * SECOND).isoformat()
            records.append(record(self.number, at, latency_ms=latency, arm=arm))
        self.log.write_all(records)

    def loads(self, agos, **other):
        for ago in agos:
            sample = replace(Sample(NOW, 100, 0, 0.2, 0.1, 0, 2), **other)
            load_file.append(self.file, replace(sample, at=NOW - float(ago) * SECOND))

    def signals(self, file=True, recorded=None, **monitors):
        project = Project.model_validate({**DECLARED, "monitors": monitors})
        return service_signals(
            project, self.log, self.file if file else None, recorded or self.recorded, NOW
        )

    def values(self, **options):
        return {name: signal.value for name, signal in self.signals(**options).items()}


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path)


def test_without_any_data_nothing_is_known(scene):
    assert scene.values() == UNKNOWN
    assert scene.values(file=False) == UNKNOWN
    assert scene.values(recorded=Recorded()) == UNKNOWN
    assert {s.name for s in scene.signals().values()} == set(UNKNOWN)


def test_latencies_are_those_of_answered_rows_of_the_last_hour(scene):
    milliseconds = list(range(1, 101))
    scene.rows(np.linspace(1, 3600, 100), milliseconds)
    scene.rows([10] * 50, 9000.0, arm="shadow")
    scene.rows([3601] * 50, 9000.0)
    found = scene.signals()
    for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
        signal = found[f"latency_{name}_ms"]
        assert signal.value == pytest.approx(np.quantile(milliseconds, share))
        assert (signal.rows, signal.window_s) == (100, 3600)
    assert found["throughput_per_s"].value == pytest.approx(100 / 3600)


def test_rows_without_a_latency_count_as_answers_and_not_as_fast(scene):
    scene.rows([10, 20], [5.0, None])
    found = scene.signals()
    assert (found["latency_p50_ms"].value, found["latency_p50_ms"].rows) == (5.0, 1)
    assert found["throughput_per_s"].rows == 2


def test_a_quiet_hour_is_no_throughput_and_an_unseen_one_is_unknown(scene):
    assert scene.values()["throughput_per_s"] is None
    scene.loads([60], requests=0)
    assert scene.values()["throughput_per_s"] == 0
    assert scene.values(recorded=Recorded())["throughput_per_s"] is None


def test_cost_of_a_thousand_is_that_of_the_hour_over_its_rows(scene):
    scene.loads([60])
    assert scene.values(cost_per_hour=2.0)["cost_per_1000"] is None
    scene.rows([5] * 500)
    assert scene.values()["cost_per_1000"] is None
    assert scene.values(cost_per_hour=2.0)["cost_per_1000"] == pytest.approx(4.0)


def test_errors_are_shared_over_the_requests_of_the_hour(scene):
    scene.loads([3700], server_errors=100)
    scene.loads([3000, 10], server_errors=1)
    found = scene.signals()["error_share"]
    assert (found.value, found.rows) == (0.01, 200)


def test_requests_are_needed_for_a_share_of_errors(scene):
    scene.loads([10, 20], requests=0)
    assert scene.values()["error_share"] is None


def test_what_is_taken_is_that_of_the_last_minute(scene):
    scene.loads([300], cpu_share=0.9, memory_share=0.9, queue_rows=500)
    assert scene.values()["cpu_share"] is None
    scene.loads([40], cpu_share=0.2, queue_rows=7)
    scene.loads([10], cpu_share=0.4, memory_share=None, queue_rows=3)
    found = scene.values()
    assert found["cpu_share"] == pytest.approx(0.3)
    assert (found["memory_share"], found["queue_rows"]) == (0.1, 7)


def test_times_to_come_are_not_read(scene):
    scene.loads([-30], cpu_share=0.9)
    assert scene.values()["cpu_share"] is None


def test_the_lag_of_sealing_is_the_age_of_the_oldest_line(scene):
    scene.rows([900])
    assert scene.values()["log_lag_s"] == pytest.approx(900)
    scene.log.seal()
    assert scene.values()["log_lag_s"] == 0


# -- above a limit, and for how long --------------------------------------------------------

EVERY = range(0, 600, 15)


def test_slow_when_every_minute_of_the_last_five_was(scene):
    scene.rows(np.arange(1, 301, 5), 1500.0)
    scene.rows(np.arange(301, 900, 5), 10.0)
    assert scene.values()["slow"] == 1
    assert scene.values(limits={"latency_p95_ms": 1500})["slow"] == 0


def test_one_fast_minute_is_a_break(scene):
    scene.rows(np.arange(1, 600, 5), 1500.0)
    assert scene.values()["slow"] == 1
    scene.rows(np.linspace(121, 179, 500), 10.0)
    assert scene.values()["slow"] == 0


def test_slow_for_too_short_a_time_is_not_slow(scene):
    scene.rows(np.arange(1, 200, 5), 1500.0)
    assert scene.values()["slow"] is None  # nothing is known of the time before
    scene.rows(np.arange(241, 600, 5), 10.0)
    assert scene.values()["slow"] == 0
    assert scene.values(limits={"hold": "60s"})["slow"] == 1


def test_a_minute_without_rows_is_passed_over_and_two_are_not(scene):
    scene.rows([*np.arange(61, 120, 5), *np.arange(241, 300, 5)], 1500.0)
    assert scene.values()["slow"] is None
    scene.rows(np.arange(181, 240, 5), 1500.0)
    assert scene.values()["slow"] == 1


def test_the_first_minute_of_the_hold_may_be_without_rows_too(scene):
    scene.rows([*np.arange(1, 240, 5), *np.arange(301, 360, 5)], 1500.0)
    assert scene.values()["slow"] == 1


def test_silence_makes_it_unknown(scene):
    scene.rows(np.arange(181, 600, 5), 1500.0)
    assert scene.values()["slow"] is None


def test_failing_by_the_share_of_errors_of_each_minute(scene):
    scene.loads(EVERY, server_errors=1)
    assert scene.values()["failing"] == 1
    assert scene.values(limits={"error_share": 0.01})["failing"] == 0


def test_a_burst_of_errors_is_not_failing(scene):
    scene.loads(EVERY)
    scene.loads([20, 30], server_errors=100)
    assert scene.values()["failing"] == 0


def test_an_error_rate_above_its_limit_is_seen_though_some_samples_have_none(scene):
    scene.loads(EVERY[::2], server_errors=3)
    scene.loads(EVERY[1::2], server_errors=0)
    assert scene.values()["failing"] == 1


def test_no_requests_is_not_failing_nor_well(scene):
    scene.loads(EVERY, requests=0)
    assert scene.values()["failing"] is None


@pytest.mark.parametrize("scarce", ["cpu_share", "memory_share"])
def test_busy_by_whatever_is_scarcer(scene, scarce):
    scene.loads(EVERY, **{scarce: 0.9})
    assert scene.values()["busy"] == 1
    assert scene.values(limits={"utilisation": 0.95})["busy"] == 0


def test_busy_needs_one_of_both_known(scene):
    scene.loads(EVERY, cpu_share=None, memory_share=None)
    assert scene.values()["busy"] is None
    scene.loads(EVERY, cpu_share=None, memory_share=0.9)
    assert scene.values()["busy"] == 1


def test_a_hold_of_hours_is_judged_over_hours(scene):
    scene.loads(range(0, 7 * 3600, 60), cpu_share=0.9)
    assert scene.values(limits={"hold": "3h"})["busy"] == 1
    scene.loads([2.5 * 3600 + n for n in range(0, 1800, 10)], cpu_share=0.0)
    assert scene.values(limits={"hold": "3h"})["busy"] == 0
    assert scene.values(limits={"hold": "5m"})["busy"] == 1


def test_no_hold_asks_for_the_last_samples_only(scene):
    scene.loads([5], cpu_share=0.9)
    assert scene.values(limits={"hold": "0s"})["busy"] == 1
