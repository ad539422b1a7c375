"""Numbers and times as the report and the summary write them."""

from __future__ import annotations

from datetime import datetime, timedelta

METRICS = {
    "auc": "AUC",
    "average_precision": "average precision",
    "accuracy": "accuracy",
    "log_loss": "log loss",
    "brier": "Brier score",
    "mae": "mean absolute error",
    "rmse": "RMSE",
    "r2": "R²",
}
NOTHING = "\N{EN DASH}"
"""Written where there is no value."""


def metric_name(metric: str) -> str:
    """The name of a metric as people say it."""
    return METRICS.get(metric, metric)


def value(number: float | None, digits: int = 3) -> str:
    """A metric's value.

    >>> value(0.74712), value(None), value(1234.5)
    ('0.747', '–', '1,234.5')
    """
    if number is None:
        return NOTHING
    return f"{number:,.1f}" if abs(number) >= 100 else f"{number:.{digits}f}"


def signed(number: float | None, digits: int = 3) -> str:
    """A difference, with a real minus sign; one that rounds to nothing has no sign.

    >>> signed(0.0312), signed(-0.0021), signed(-0.0001)
    ('+0.031', '−0.002', '0.000')
    """
    if number is None:
        return NOTHING
    text = f"{number:+,.1f}" if abs(number) >= 100 else f"{number:+.{digits}f}"
    if not text.strip("+-0."):
        text = text.lstrip("+-")
    return text.replace("-", "\N{MINUS SIGN}")


def interval(low: float | None, high: float | None, digits: int = 3) -> str:
    """The two ends of an interval.

    >>> interval(-0.0021, 0.0012)
    '−0.002 to +0.001'
    """
    if low is None or high is None:
        return "no interval"
    return f"{signed(low, digits)} to {signed(high, digits)}"


def count(number: int, one: str, many: str = "") -> str:
    """A count with its noun.

    >>> count(1, "retrain"), count(1200, "row")
    ('1 retrain', '1,200 rows')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def day(at: datetime, *, year: bool = True) -> str:
    """A date.

    >>> day(datetime(2013, 3, 4))
    '4 March 2013'
    """
    return f"{at.day} {at:%B %Y}" if year else f"{at.day} {at:%b}"


def moment(at: datetime) -> str:
    """A date, with the time of day when it is not midnight.

    >>> moment(datetime(2013, 3, 4, 3)), moment(datetime(2013, 3, 4))
    ('4 Mar 2013, 03:00', '4 Mar 2013')
    """
    date = f"{at.day} {at:%b %Y}"
    return date if at.hour == at.minute == 0 else f"{date}, {at:%H:%M}"


def span(length: timedelta) -> str:
    """A length of time in the largest unit that keeps it readable.

    >>> span(timedelta(hours=30)), span(timedelta(days=3)), span(timedelta(0))
    ('30 hours', '3 days', 'at once')
    """
    minutes = round(length.total_seconds() / 60)
    if minutes <= 0:
        return "at once"
    if minutes < 120:
        return count(minutes, "minute")
    if minutes < 48 * 60:
        return count(round(minutes / 60), "hour")
    return count(round(minutes / 1440), "day")


def shortened(text: str, limit: int = 260) -> str:
    """``text`` cut at a word, with an ellipsis, when it is longer than ``limit``."""
    if len(text) <= limit:
        return text
    return text[:limit].rsplit(" ", 1)[0].rstrip(",;: ") + " …"
