from datetime import UTC, datetime, timedelta

import polars as pl

from homeostat.domain.delivery import Window
from homeostat.domain.run import RunRequest
from homeostat.simulation.disturb import ScenarioReader
from homeostat.simulation.replay_clock import ReplayClock
from homeostat.simulation.scenario import Scenario

DAY = timedelta(days=1)
START = datetime(2024, 3, 1, tzinfo=UTC)


def day(number: int) -> datetime:
    return START + number * DAY


def window(number: int) -> Window:
    return Window(day(number), day(number + 1))


class Hourly:
    """A source with one row per hour."""

    def read(self, source, window, attempt=1):
        hours = int((window.until - window.since) / timedelta(hours=1))
        at = [window.since + timedelta(hours=n) for n in range(hours)]
        return pl.DataFrame(
            {"at": pl.Series(at, dtype=pl.Datetime("us", "UTC")), "x": [1.0] * hours, "y": 2.0}
        )


def reader_at(now: datetime, *disturbances: dict) -> tuple[ScenarioReader, ReplayClock]:
    clock = ReplayClock(now)
    scenario = Scenario.model_validate({"disturbances": list(disturbances)})
    known_at = {"orders": "at", "labels": "at"}
    return ScenarioReader(Hourly(), scenario, known_at, clock), clock


NULLS = {
    "name": "n", "kind": "nulls", "source": "orders", "columns": ["x", "gone"],
    "from": day(1) + timedelta(hours=12), "until": day(3),
}  # fmt: skip
RENAME = {"name": "r", "kind": "rename", "source": "orders", "columns": {"x": "z"}, "on": day(2)}
SHUFFLE = {"name": "s", "kind": "shuffle_labels", "on": day(4)}


def request(number: int, at: datetime) -> RunRequest:
    return RunRequest(f"run-{number}", at, "", "", 1, "snapshot")


def test_only_rows_known_in_the_span_lose_their_values():
    reader, _ = reader_at(day(2), NULLS)
    rows = reader.read("orders", window(1))
    assert rows["x"].null_count() == 12
    assert rows["x"][:12].null_count() == 0
    assert rows["y"].null_count() == 0


def test_other_sources_and_other_days_are_left_alone():
    reader, _ = reader_at(day(2), NULLS, RENAME)
    assert reader.read("labels", window(1))["x"].null_count() == 0
    assert reader.read("orders", window(0)).equals(Hourly().read("orders", window(0)))


def test_the_lost_span_is_whole_when_asked_for_after_the_end():
    reader, clock = reader_at(day(3), NULLS)
    assert reader.read("orders", window(2))["x"].null_count() == 24
    clock.set(day(4))
    assert reader.read("orders", window(2), attempt=2)["x"].null_count() == 0


def test_a_renamed_column_comes_right_at_the_second_attempt():
    reader, _ = reader_at(day(3), RENAME)
    assert "z" in reader.read("orders", window(2)).columns
    assert "x" in reader.read("orders", window(2), attempt=2).columns
    assert "x" in reader.read("orders", window(1)).columns


def test_what_was_damaged_is_noted_by_delivery():
    reader, _ = reader_at(day(3), NULLS, RENAME)
    reader.read("orders", window(0))
    reader.read("orders", window(1))
    reader.read("orders", window(2))
    assert reader.damage["n"].deliveries == {
        "orders/20240302T000000-20240303T000000/1": 12,
        "orders/20240303T000000-20240304T000000/1": 24,
    }
    assert reader.damage["r"].deliveries == {"orders/20240303T000000-20240304T000000/1": 24}


def test_a_column_that_is_not_there_damages_nothing():
    absent = {**NULLS, "columns": ["gone"]}
    other = {**RENAME, "columns": {"gone": "z"}}
    reader, _ = reader_at(day(3), absent, other)
    assert reader.read("orders", window(2)).equals(Hourly().read("orders", window(2)))
    assert not reader.damage["n"].deliveries
    assert not reader.damage["r"].deliveries


def test_the_first_run_on_or_after_the_day_is_hit_and_no_other():
    reader, _ = reader_at(day(0), SHUFFLE)
    assert reader.faults_for(request(1, day(3))) == ()
    assert reader.faults_for(request(2, day(5))) == ("shuffle_labels",)
    assert reader.faults_for(request(3, day(6))) == ()
    assert reader.damage["s"].run_id == "run-2"


def test_the_run_that_was_hit_is_hit_again_when_it_is_asked_for_again():
    reader, _ = reader_at(day(0), SHUFFLE)
    assert reader.faults_for(request(2, day(5))) == reader.faults_for(request(2, day(5)))


def test_an_empty_delivery_stays_empty():
    reader, _ = reader_at(day(3), NULLS, RENAME)
    nothing = Window(day(2), day(2))
    assert reader.read("orders", nothing).height == 0
    assert not reader.damage["n"].deliveries
