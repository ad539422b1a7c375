"""Many models in one process, each with a champion, its references and an hour of logged rows."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any, ClassVar, TypeVar

import numpy as np
import polars as pl

from homeostat.adapters.local.file_blobs import FileBlobs
from homeostat.domain.evidence import Signal
from homeostat.domain.recorded import Recorded, Tenure
from homeostat.domain.run import Candidate
from homeostat.domain.version import Version
from homeostat.features.references import PREDICTION, References
from homeostat.monitoring.evidence import LogEvidence
from homeostat.monitoring.prediction_log import PredictionLog
from homeostat.spec.project import Project
from homeostat.stats.drift.reference import reference_of
from homeostat.stats.estimate.calibrate import Calibration
from homeostat.stats.estimate.calibration_sd import CalibrationSd

T = TypeVar("T")
FEATURES = [f"f{n}" for n in range(20)]
HOUR = timedelta(hours=1)
NOW = datetime(2024, 3, 1, tzinfo=UTC)
REFERENCE_ROWS = 12_000
REFERENCE_DAYS = 60
KINDS = 16
"""So many different references; each model has a file of its own with one of them."""


class Clocked(LogEvidence):
    """Evidence that adds up the seconds of each of its parts, of all models together."""

    seconds: ClassVar[Counter[str]] = Counter()

    def _once(self, name: str, key: Any, work: Callable[[], T]) -> T:
        began = perf_counter()
        found = super()._once(name, key, work)
        self.seconds[name] += perf_counter() - began
        return found


@dataclass
class Model:
    """What the loop has of one model at each pass."""

    evidence: LogEvidence
    log: PredictionLog
    recorded: Recorded

    def signals(self, now: datetime) -> dict[str, Signal]:
        """All signals at ``now``."""
        return dict(self.evidence.signals(self.recorded, now))


def progress(items: Iterable[T], total: int, what: str) -> Iterator[T]:
    """A bar on the error stream, redrawn at each hundredth."""
    for number, item in enumerate(items, start=1):
        yield item
        if number == total or number * 100 // total != (number - 1) * 100 // total:
            done = number * 30 // total
            end = "\n" if number == total else ""
            print(f"\r{what:<28}[{'#' * done:<30}] {number}/{total}", end=end, file=sys.stderr)


def project(monitors: dict[str, object]) -> Project:
    """A binary task with two metrics and 20 features."""
    return Project.model_validate({
        "homeostat": 1, "model": "m", "owner": "benchmarks", "task": "binary",
        "events": {"source": "events", "id": "event", "time": "at"},
        "labels": {"source": "labels", "column": "y"},
        "sources": {
            "events": {"path": "e.csv", "known_at": "at"},
            "labels": {"path": "l.csv", "known_at": "known_at"},
        },
        "features": {"row": FEATURES},
        "metrics": {"primary": "auc", "also": ["log_loss"]},
        "monitors": monitors,
    })  # fmt: skip


def score(inputs: np.ndarray) -> np.ndarray:
    """The model: logistic in the first four features."""
    return np.asarray(1 / (1 + np.exp(-inputs[:, :4].sum(axis=1) / 2)))


def references(number: int, block_s: float) -> bytes:
    """A reference of 60 days with its answers and calibration, as a version's package has it."""
    random = np.random.default_rng(number)
    inputs = random.normal(size=(REFERENCE_ROWS, len(FEATURES)))
    at_s = np.linspace(0, REFERENCE_DAYS * 86_400, REFERENCE_ROWS, endpoint=False)
    columns = {name: ("number", inputs[:, n]) for n, name in enumerate(FEATURES)}
    answers = score(inputs)
    truth = (random.random(REFERENCE_ROWS) < answers).astype(float)
    calibration = Calibration.fit(answers, truth)
    return References(
        reference_of(columns, at_s, block_s=block_s),
        reference_of({PREDICTION: ("number", answers)}, at_s, block_s=block_s),
        calibration,
        CalibrationSd.of(answers, calibration.apply(answers)),
    ).to_json()


def rows(number: int, begin: datetime, count: int) -> pl.DataFrame:
    """An hour of answers from ``begin`` on, as the log holds them."""
    random = np.random.default_rng([number, int(begin.timestamp())])
    inputs = random.normal(size=(count, len(FEATURES)))
    stamp = f"{begin:%d%H}"
    at = [begin + HOUR * n / count for n in range(count)]
    return pl.DataFrame({
        "id": [f"{stamp}-{n}" for n in range(count)],
        "event": [f"e{stamp}-{n}" for n in range(count)],
        "at": pl.Series(at, dtype=pl.Datetime("us", "UTC")),
        "model": "m", "version": 1, "digest": "d", "arm": "champion", "entity": "",
        "prediction": score(inputs), "latency_ms": 1.0,
        "flags": pl.Series([[]] * count, dtype=pl.List(pl.String)),
        "inputs": pl.DataFrame(dict(zip(FEATURES, inputs.T, strict=True))).to_struct("inputs"),
    })  # fmt: skip


def made(folder: Path, number: int, declared: Project, reference: bytes, count: int) -> Model:
    """Model ``number``, with the hour before ``NOW`` in its log."""
    place = folder / f"{number:04d}"
    blobs = FileBlobs(place / "blobs", synchronous="NORMAL")
    log = PredictionLog(place / "log")
    log.append(rows(number, NOW - HOUR, count))
    began = NOW - timedelta(days=9)
    candidate = Candidate(
        run_id="run-0001", model_digest="m", package_digest="p", snapshot="s",
        trained_rows=REFERENCE_ROWS, trained_from=NOW - timedelta(days=70),
        trained_until=NOW - timedelta(days=10), evaluated_rows=REFERENCE_ROWS, parameters={},
        seed=number, metrics={"auc": 0.75}, comparisons=(), champion_version=None,
        code_digest="c", code_commit="", environment_digest="e", onnx=False, onnx_note="",
        profile_digest=blobs.put(reference),
    )  # fmt: skip
    recorded = Recorded(
        model="m",
        position=10,
        first_at=began,
        versions=(Version(1, began, candidate, None, 1),),
        tenures=(Tenure(1, began, 1),),
    )
    return Model(Clocked(declared, blobs, log), log, recorded)


def fleet(
    folder: Path, models: int, monitors: dict[str, object], *, block_s: float, count: int
) -> list[Model]:
    """``models`` of them in ``folder``, which is empty."""
    declared = project(monitors)
    kinds = [references(number, block_s) for number in range(min(KINDS, models))]
    return [
        made(folder, number, declared, kinds[number % len(kinds)], count)
        for number in progress(range(models), models, "models made")
    ]
