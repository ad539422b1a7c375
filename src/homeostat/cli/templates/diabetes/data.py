"""The sources: each function answers the rows that became known in [since, until).

The data set comes with scikit-learn (Efron et al. 2004, 442 rows) and has no times, so rows are
spread evenly over sixty days of 2024, as if the outcome were known two days after the visit.
Replace the two functions by queries of your own.
"""

from datetime import UTC, datetime, timedelta
from functools import cache

import polars as pl
from sklearn.datasets import load_diabetes

START = datetime(2024, 1, 1, tzinfo=UTC)
DAYS = 60
KNOWN_AFTER = timedelta(days=2)


@cache
def _rows() -> pl.DataFrame:
    data = load_diabetes(scaled=False)
    gap = timedelta(days=DAYS) / len(data.target)
    visited = [START + gap * number for number in range(len(data.target))]
    columns = dict(zip(data.feature_names, data.data.T, strict=True))
    sex = ["a" if value == 1 else "b" for value in columns.pop("sex")]
    return pl.DataFrame(
        {
            "id": [f"patient-{number:03d}" for number in range(len(data.target))],
            "visited_at": pl.Series(visited, dtype=pl.Datetime("us", "UTC")),
            "sex": sex,
            **columns,
            "progression": data.target,
        }
    ).with_columns(known_at=pl.col("visited_at") + KNOWN_AFTER)


def visits(since: datetime, until: datetime) -> pl.DataFrame:
    """Baseline measurements taken in the window."""
    rows = _rows().drop("progression", "known_at")
    return rows.filter(pl.col("visited_at").is_between(since, until, closed="left"))


def outcomes(since: datetime, until: datetime) -> pl.DataFrame:
    """Outcomes that became known in the window."""
    rows = _rows().select("id", "known_at", "progression")
    return rows.filter(pl.col("known_at").is_between(since, until, closed="left"))
