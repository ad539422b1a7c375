"""The sources: each function answers the rows that became known in [since, until).

The data set comes with scikit-learn (Wolberg et al. 1995, 569 rows) and has no times, so rows
are spread evenly over sixty days of 2024; a report follows 20 hours after its biopsy. Replace
the two functions by queries of your own.
"""

from datetime import UTC, datetime, timedelta
from functools import cache

import polars as pl
from sklearn.datasets import load_breast_cancer

START = datetime(2024, 1, 1, tzinfo=UTC)
DAYS = 60
REPORT_AFTER = timedelta(hours=20)
COLUMNS = (
    "mean radius",
    "mean texture",
    "mean smoothness",
    "mean concavity",
    "worst area",
    "worst symmetry",
)


@cache
def _rows() -> pl.DataFrame:
    data = load_breast_cancer()
    names = list(data.feature_names)
    gap = timedelta(days=DAYS) / len(data.target)
    measured = [START + gap * number for number in range(len(data.target))]
    return pl.DataFrame(
        {
            "id": [f"biopsy-{number:03d}" for number in range(len(data.target))],
            "measured_at": pl.Series(measured, dtype=pl.Datetime("us", "UTC")),
            **{c.replace(" ", "_"): data.data[:, names.index(c)] for c in COLUMNS},
            "malignant": data.target == 0,
        }
    ).with_columns(reported_at=pl.col("measured_at") + REPORT_AFTER)


def biopsies(since: datetime, until: datetime) -> pl.DataFrame:
    """Measurements taken in the window."""
    rows = _rows().drop("malignant", "reported_at")
    return rows.filter(pl.col("measured_at").is_between(since, until, closed="left"))


def reports(since: datetime, until: datetime) -> pl.DataFrame:
    """Reports that arrived in the window."""
    rows = _rows().select("id", "reported_at", "malignant")
    return rows.filter(pl.col("reported_at").is_between(since, until, closed="left"))
