"""Numbers that follow from the schedule alone."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

NEW_YORK = "America/New_York"
HOLIDAY_REACH_DAYS = 4
"""Travel is unusual for so many days around a holiday; further away the number stays the same."""


def schedule(flights: pl.DataFrame) -> pl.DataFrame:
    """Local time of departure, weekday, nearness of a holiday, and the speed that is planned."""
    local = flights["scheduled_at"].dt.convert_time_zone(NEW_YORK)
    minutes = local.dt.hour().cast(pl.Int64) * 60 + local.dt.minute().cast(pl.Int64)
    return pl.DataFrame(
        {
            "hour": minutes / 60,
            "weekday": local.dt.weekday(),
            "holiday_days": _holiday_days(local.dt.date()),
            "planned_speed": flights["distance"] / flights["scheduled_minutes"] * 60,
        }
    )


def _holiday_days(days: pl.Series) -> pl.Series:
    """Days until (negative) or since (positive) the nearest holiday, at most the reach."""
    nearest = {day: _nearest(day) for day in days.unique().drop_nulls()}
    return days.replace_strict(nearest, default=None, return_dtype=pl.Int64)


def _nearest(day: date) -> int:
    distances = [(day - other).days for other in holidays(day.year)]
    near = min(distances, key=abs)
    return max(-HOLIDAY_REACH_DAYS, min(HOLIDAY_REACH_DAYS, near))


def holidays(year: int) -> tuple[date, ...]:
    """The holidays on which Americans travel, and New Year's days on both sides of the year."""
    thanksgiving = _weekday_from(date(year, 11, 1), 3) + timedelta(weeks=3)
    memorial = _weekday_from(date(year, 5, 25), 0)
    labor = _weekday_from(date(year, 9, 1), 0)
    fixed = (date(year, 1, 1), date(year, 7, 4), date(year, 12, 25), date(year + 1, 1, 1))
    return (*fixed, memorial, labor, thanksgiving)


def _weekday_from(day: date, weekday: int) -> date:
    """The first such weekday (Monday is 0) from ``day`` on."""
    return day + timedelta(days=(weekday - day.weekday()) % 7)
