"""When a cron schedule falls due. Five fields as in crontab(5), in UTC."""

from __future__ import annotations

from datetime import datetime

from cronsim import CronSim, CronSimError

from homeostat.errors import ProjectFileError


def next_after(schedule: str, after: datetime) -> datetime:
    """First instant later than ``after`` at which ``schedule`` falls due.

    Raises ProjectFileError when the expression is not a cron expression.

    >>> from datetime import UTC
    >>> next_after("0 6 1 * *", datetime(2013, 1, 1, 6, tzinfo=UTC))
    datetime.datetime(2013, 2, 1, 6, 0, tzinfo=datetime.timezone.utc)
    """
    try:
        return next(CronSim(schedule, after))
    except (CronSimError, StopIteration) as error:
        raise ProjectFileError(
            f"not a cron expression: {error}",
            subject=schedule,
            next_step="write five fields, minute hour day month weekday, e.g. 0 6 1 * *",
        ) from error


def due_at(schedule: str, after: datetime, now: datetime) -> datetime | None:
    """First due instant in (after, now], or None."""
    due = next_after(schedule, after)
    return due if due <= now else None
