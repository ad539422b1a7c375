"""Rows for tests of the prediction log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl

from homeostat.monitoring.log_rows import COLUMNS, line_of
from homeostat.monitoring.prediction_log import PredictionLog

START = datetime(2024, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
ALWAYS = (START - 10_000 * HOUR, START + 10_000 * HOUR)


def record(number, at=None, **other):
    return {
        "id": f"p{number}",
        "event": f"e{number}",
        "at": at or START + number * HOUR,
        "model": "m",
        "version": 1,
        "digest": "d",
        "arm": "champion",
        "entity": "x",
        "prediction": 0.5,
        "latency_ms": 1.0,
        "flags": [],
        "inputs": {"a": 1.0, "b": "x"},
        "propensity": 1.0,
        "fetched": None,
    } | other


def lines(*numbers, **other):
    return b"".join(line_of(record(number, **other)) for number in numbers)


def batch(*numbers):
    return pl.DataFrame([record(n) for n in numbers], schema_overrides={
        "at": pl.Datetime("us", "UTC"), "flags": pl.List(pl.String), "fetched": pl.String,
    }).select(COLUMNS)  # fmt: skip


def ids(log: PredictionLog, since=ALWAYS[0], until=ALWAYS[1]):
    return log.read(since, until)["id"].to_list()
