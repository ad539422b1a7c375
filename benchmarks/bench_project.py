"""The model of the serving benchmarks: LightGBM, 200 trees, 12 numbers in, trained by the loop."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

MODEL = "bench"
FEATURES = [f"f{n}" for n in range(12)]
HOMEOSTAT = [sys.executable, "-c", "from homeostat.cli.entry import main; main()"]

_DATA = '''"""Synthetic events from a seed."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

ROWS = 20_000


def _all():
    drawn = np.random.default_rng(0)
    inputs = drawn.normal(size=(ROWS, 12))
    score = inputs[:, 0] + inputs[:, 1] * inputs[:, 2] + drawn.normal(size=ROWS)
    begin = datetime(2024, 1, 1, tzinfo=UTC)
    columns = {"id": [f"e{n}" for n in range(ROWS)]}
    columns["at"] = [begin + timedelta(minutes=2 * n) for n in range(ROWS)]
    columns |= {f"f{n}": inputs[:, n] for n in range(12)}
    columns["y"] = score > 0
    return pl.DataFrame(columns).with_columns(pl.col("at").cast(pl.Datetime("us", "UTC")))


def _within(frame, since, until):
    return frame.filter((pl.col("at") >= since) & (pl.col("at") < until))


def events(since, until):
    return _within(_all().drop("y"), since, until)


def labels(since, until):
    return _within(_all().select("id", "at", "y"), since, until)
'''

_PROJECT = """homeostat: 1
model: bench
owner: benchmarks
task: binary
start: 2024-01-01
events: {source: events, id: id, time: at}
labels: {source: labels, column: y}
sources:
  events: {load: "data:events", known_at: at, every: 52w}
  labels: {load: "data:labels", known_at: at, every: 52w}
features: {row: [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11]}
split: {by: random, share: 0.2}
training:
  estimator: "lightgbm:LGBMClassifier"
  parameters:
    {n_estimators: 200, learning_rate: 0.1, num_threads: 1, verbosity: -1, deterministic: true,
     force_row_wise: true}
  min_rows: 100
metrics: {primary: auc}
gates: {evaluation: {margin: 0.5}, holdout: {margin: 0.5}}
rollout: {strategy: blue_green}
tracking: {mlflow: null}
"""


def trained(folder: Path, versions: int = 1) -> Path:
    """The project in ``folder`` with so many versions; made and trained where it is not yet."""
    ready = folder / f"ready-{versions}"
    if ready.exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "data.py").write_text(_DATA)
    for number in range(versions):
        rate = f"learning_rate: {0.1 + 0.02 * number:g}"
        (folder / "homeostat.yaml").write_text(_PROJECT.replace("learning_rate: 0.1", rate))
        print(f"training version {number + 1} of {versions}", flush=True)
        command = [*HOMEOSTAT, "run", "--project", str(folder)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    ready.touch()
    return folder


def record(number: int = 0) -> dict[str, object]:
    """A request's record; inputs are within the range seen in training."""
    values = [((number * 31 + place * 17) % 200 - 100) / 80 for place in range(len(FEATURES))]
    return {"id": f"r{number}", **dict(zip(FEATURES, values, strict=True))}


def booster(folder: Path, target: Path) -> Path:
    """The champion's booster as LightGBM's own text file, for the peers."""
    from homeostat.pipeline.scorer import load_scorer
    from homeostat.wiring import assemble

    wired = assemble(folder, workers=False)
    champion = wired.engine.refresh().champion
    assert champion is not None
    package = wired.blobs.get_tree(champion.candidate.package_digest)
    scorer = load_scorer(package, trusted_digest=champion.digest)
    target.parent.mkdir(parents=True, exist_ok=True)
    scorer.model[-1].booster_.save_model(str(target))
    return target


def body(number: int = 0) -> str:
    """A request's body."""
    return json.dumps(record(number))
