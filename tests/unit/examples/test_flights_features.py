from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
import yaml

from homeostat.features.build import build, build_features
from homeostat.loop.validate import STOPS
from homeostat.pipeline.validate import check_delivery
from homeostat.spec.code import load_function
from homeostat.spec.settings import settings_of
from tests.unit.examples.flights_project import FOLDER, flights_project, load, table, year_frames

SUMMER = (datetime(2013, 7, 9, tzinfo=UTC), datetime(2013, 7, 10, tzinfo=UTC))


def schedule(*instants: datetime) -> pl.DataFrame:
    flights = pl.DataFrame(
        {"scheduled_at": instants, "distance": [400] * len(instants), "scheduled_minutes": 60}
    ).with_columns(pl.col("scheduled_at").cast(pl.Datetime("us", "UTC")))
    answer = load_function(FOLDER, "features:schedule")(flights)
    assert isinstance(answer, pl.DataFrame)
    return answer


def test_hour_and_weekday_are_those_of_new_york() -> None:
    found = schedule(
        datetime(2013, 1, 1, 10, 15, tzinfo=UTC), datetime(2013, 7, 8, 1, 30, tzinfo=UTC)
    )
    assert found["hour"].to_list() == [5.25, 21.5]
    assert found["weekday"].to_list() == [2, 7]


def test_holidays_are_found_in_any_year() -> None:
    holidays = load_function(FOLDER, "features:holidays")
    assert {date(2013, 5, 27), date(2013, 9, 2), date(2013, 11, 28)} <= set(holidays(2013))
    assert {date(2024, 5, 27), date(2024, 9, 2), date(2024, 11, 28)} <= set(holidays(2024))


@pytest.mark.parametrize(
    ("day", "distance"),
    [
        (date(2013, 11, 27), -1),
        (date(2013, 12, 30), -2),
        (date(2013, 1, 3), 2),
        (date(2013, 3, 1), 4),
    ],
)
def test_the_nearest_holiday_counts_up_to_four_days(day: date, distance: int) -> None:
    noon = datetime(day.year, day.month, day.day, 17, tzinfo=UTC)
    assert schedule(noon)["holiday_days"].to_list() == [distance]


def test_no_flights_give_no_rows() -> None:
    assert schedule().height == 0


def test_all_features_of_a_day_are_there_and_few_are_null() -> None:
    day = load("flights")(*SUMMER)
    built = build_features(flights_project(), FOLDER, day, year_frames())
    assert built.height == day.height > 800
    empty = {
        name: built[name].null_count() / day.height for name in flights_project().features.names
    }
    # a gust is noted only when there is one; not every plane came from New York the day before
    often_empty = {name for name, share in empty.items() if share > 0.2}
    assert often_empty <= {"weather__wind_gust", "same_plane__arr_delay", "dest__delay_4h"}


def test_while_the_weather_is_out_the_last_good_hour_serves_for_four_days() -> None:
    day = load("flights")(*SUMMER)
    cut = table("weather").filter(pl.col("published_at") < SUMMER[0] - timedelta(days=2))
    built = build(flights_project(), FOLDER, day, year_frames(weather=cut))
    assert built.frame["weather__temp"].null_count() == 0
    assert built.fallback_rows == {"weather": day.height}
    older = cut.filter(pl.col("published_at") < SUMMER[0] - timedelta(days=4))
    gone = build(flights_project(), FOLDER, day, year_frames(weather=older))
    assert gone.frame["weather__temp"].null_count() == day.height


def test_the_project_file_has_what_the_loop_needs() -> None:
    settings = settings_of(flights_project())
    assert settings.holdout_used
    assert all(source.start == datetime(2013, 1, 1, tzinfo=UTC) for source in settings.sources)


def test_each_broken_delivery_is_stopped_by_the_checks_and_passes_undisturbed() -> None:
    scenario = yaml.safe_load((FOLDER / "scenario.yaml").read_text())["disturbances"]
    stopped = []
    for each in scenario:
        if each["kind"] == "shuffle_labels":
            continue
        name, start = each["source"], each.get("from", each.get("on"))
        since = datetime(start.year, start.month, start.day, tzinfo=UTC)
        day = load(name)(since, since + timedelta(days=1))
        source = flights_project().sources[name]
        month = load(name)(since - timedelta(days=28), since)
        assert check_delivery(source, name, day, month)[0] == "pass"
        broken = (
            day.rename(each["columns"])
            if each["kind"] == "rename"
            else day.with_columns(pl.lit(None).alias(column) for column in each["columns"])
        )
        verdict, findings = check_delivery(source, name, broken, month)
        assert verdict in STOPS
        stopped.append((each["name"], findings[0].name))
    assert stopped == [("weather-nulls", "nulls"), ("renamed-column", "column")]
