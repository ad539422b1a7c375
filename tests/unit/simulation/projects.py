"""A tiny project with made-up recorded data: fifty days, two sources, quick to train."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

DATA = """
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

START = datetime(2024, 1, 1, tzinfo=UTC)
DAYS = 50
EACH = 24


def _table():
    random = np.random.default_rng(5)
    rows = DAYS * EACH
    at = pl.Series([START + timedelta(hours=n * 24 / EACH) for n in range(rows)])
    x, z, noise = (random.normal(size=rows) for _ in range(3))
    angle = np.arange(rows) / EACH / DAYS * 1.5
    late = (x * np.cos(angle) + z * np.sin(angle) + 0.3 * noise) > 0
    return pl.DataFrame({
        "id": [f"r{n:05d}" for n in range(rows)],
        "at": at.cast(pl.Datetime("us", "UTC")),
        "x": x,
        "z": z,
        "place": ["north" if n % 2 else "south" for n in range(rows)],
        "late": late,
        "known": (at + timedelta(hours=6)).cast(pl.Datetime("us", "UTC")),
    })


def orders(since, until):
    rows = _table().filter((pl.col("at") >= since) & (pl.col("at") < until))
    return rows.select("id", "at", "x", "z", "place")


def labels(since, until):
    rows = _table().filter((pl.col("known") >= since) & (pl.col("known") < until))
    return rows.select("id", "known", "late")
"""

PROJECT = """
homeostat: 1
model: tiny
owner: somebody@example.com
task: binary
start: "2024-01-01"
events: {source: orders, id: id, time: at}
labels: {source: labels, column: late}
sources:
  orders:
    load: data:orders
    known_at: at
    checks:
      columns:
        x: {type: float, max_null_share: 0.1}
  labels: {load: data:labels, known_at: known}
features:
  row: [x, z, place]
  categorical: [place]
split: {evaluate: 7d, holdout_share: 0.1}
training:
  estimator: sklearn.tree:DecisionTreeClassifier
  parameters: {max_depth: 5, min_samples_leaf: 15}
  min_rows: 60
  onnx: false
metrics: {primary: auc, also: [log_loss]}
gates:
  evaluation: {margin: 0.02, min_rows: 20}
  holdout: {margin: 0.1, min_rows: 20}
  slices: {margin: 0.5, min_rows: 20}
rollout:
  shadow: 1d
  shadow_min_labels: 10
  steps: [{share: 0.5, hold: 1d, min_labels: 10}]
  margin: 0.2
  watch: 7d
monitors: {window: 7d, min_rows: 20}
triggers:
  fortnight: {schedule: "0 0 15,29 1 *"}
  february: {schedule: "0 0 12 2 *"}
policy: {cool_down: 3d}
tracking: {mlflow: null}
"""

SCENARIO = """
disturbances:
  - {name: x-empty, kind: nulls, source: orders, columns: [x], from: 2024-01-25, until: 2024-01-27}
  - {name: x-renamed, kind: rename, source: orders, columns: {x: y}, on: 2024-02-01}
  - {name: shuffled, kind: shuffle_labels, on: 2024-02-10}
"""


def tiny_project(folder: Path) -> Path:
    """Write the project into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "homeostat.yaml").write_text(dedent(PROJECT))
    (folder / "data.py").write_text(dedent(DATA))
    (folder / "scenario.yaml").write_text(dedent(SCENARIO))
    return folder
