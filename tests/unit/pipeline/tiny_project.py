"""A small project on the breast cancer data, with a snapshot, ready to run the pipeline on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from homeostat.domain.delivery import Delivery, Window, delivery_id
from homeostat.domain.run import Candidate, RunRequest
from homeostat.domain.verdict import Verdict
from homeostat.domain.version import Version
from homeostat.pipeline.deliver import to_parquet
from homeostat.pipeline.overlay import FreshStepCache
from homeostat.pipeline.run import run_pipeline
from homeostat.pipeline.snapshot import Snapshot, save_snapshot
from homeostat.spec.project import Project
from homeostat.testing.memory import MemoryBlobs
from homeostat.testing.sim_clock import SimClock

from .fitted_models import cancer

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
AS_OF = BEGIN + timedelta(days=60)
DERIVE = """
import polars as pl

def derive(events):
    return events.select(ratio=pl.col("mean_area") / pl.col("mean_perimeter"))
"""


@dataclass(frozen=True)
class Tiny:
    """A project folder and what is recorded about it."""

    project: Project
    folder: Path
    blobs: MemoryBlobs
    request: RunRequest
    deliveries: tuple[Delivery, ...]

    def run(self) -> Candidate:
        """Run the pipeline from nothing."""
        cache, clock = FreshStepCache(), SimClock(AS_OF)
        return run_pipeline(
            self.request, self.project, self.folder, self.blobs, cache, clock, lambda *_: None
        )

    def version(self) -> Version:
        """Version 1: the candidate of a run."""
        return Version(1, AS_OF, self.run(), None, 9)

    def with_training(self, **changes: Any) -> Tiny:
        """The same with other training."""
        declared = self.project.model_dump(mode="json")
        declared["training"] |= changes
        return replace(self, project=Project.model_validate(declared))


def declaration() -> dict[str, Any]:
    """What homeostat.yaml would say."""
    numbers = ["mean_radius", "mean_texture", "mean_area"]
    return {
        "homeostat": 1,
        "model": "tumour",
        "owner": "tests",
        "task": "binary",
        "events": {"source": "patients", "id": "id", "time": "at"},
        "labels": {"source": "findings", "column": "benign"},
        "sources": {
            "patients": {"path": "patients.parquet", "known_at": "at"},
            "findings": {"path": "findings.parquet", "known_at": "found_at"},
        },
        "features": {
            "row": [*numbers, "size"],
            "derive": "own:derive",
            "derived": ["ratio"],
            "categorical": ["size"],
        },
        "split": {"evaluate": "15d"},
        "training": {
            "parameters": {
                "n_estimators": 15,
                "min_child_samples": 5,
                "n_jobs": 1,
                "deterministic": True,
                "force_row_wise": True,
                "verbose": -1,
            },
            "min_rows": 100,
            "onnx": False,
        },
        "metrics": {"primary": "auc", "also": ["log_loss"]},
    }


def tiny(folder: Path) -> Tiny:
    """569 patients over 60 days; each finding is known an hour after."""
    rows, target = cancer()
    step = timedelta(days=60) / rows.height
    times = pl.Series("at", [BEGIN + step * i for i in range(rows.height)])
    identity = pl.Series("id", [f"p{i:03d}" for i in range(rows.height)])
    patients = rows.with_columns(identity, times.cast(pl.Datetime("us", "UTC")))
    findings = patients.select(
        "id",
        (pl.col("at") + timedelta(hours=1)).alias("found_at"),
        pl.Series("benign", target),
    )
    blobs = MemoryBlobs()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "own.py").write_text(DERIVE)
    window = Window(BEGIN, AS_OF)
    deliveries = {
        name: (
            Delivery(
                delivery_id(name, window, 1),
                name,
                window,
                1,
                AS_OF,
                frame.height,
                blobs.put(to_parquet(frame)),
                "schema",
                Verdict.PASS,
            ),
        )
        for name, frame in (("patients", patients), ("findings", findings))
    }
    snapshot = Snapshot("tumour", AS_OF, deliveries, dict.fromkeys(deliveries, AS_OF))
    request = RunRequest("run-1", AS_OF, "first", "first", 7, save_snapshot(snapshot, blobs))
    flat = tuple(part for parts in deliveries.values() for part in parts)
    return Tiny(Project.model_validate(declaration()), folder, blobs, request, flat)
