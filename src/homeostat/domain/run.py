"""A run: one execution of the training pipeline, asked for by the loop, answered by evidence."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from homeostat.domain.evidence import Comparison, Finding


class RunStatus(StrEnum):
    """Where a run stands. ``interrupted``: its process died; starting it again resumes it."""

    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class RunRequest:
    """All that a run depends on: with the same request, the same bytes come out.

    ``snapshot`` is the id of the manifest of accepted data. ``champion_package`` is the
    package to compare with (None for a first version), ``champion_digest`` of its model's bytes.
    ``parameters`` are the best of an earlier search to reuse; None asks for a search when the
    project declares one.
    """

    id: str
    as_of: datetime
    reason: str
    trigger: str
    seed: int
    snapshot: str
    champion_version: int | None = None
    champion_package: str | None = None
    champion_digest: str | None = None
    parameters: dict[str, Any] | None = None
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One step of a run: its cache key, what it yields, and whether it ran or was cached."""

    name: str
    key: str
    digest: str
    cached: bool
    duration_s: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """A trained version not yet approved: artifacts by digest, evidence for the gates.

    ``model_digest`` is the digest of the model's own bytes (not of MLflow's metadata, which
    holds times and random ids); ``package_digest`` names the whole MLflow folder.
    ``champion_version`` is what ``comparisons`` compare with. Metrics and importances that are
    not finite numbers are left out: they were not measured, and the gates then say so.
    """

    run_id: str
    model_digest: str
    package_digest: str
    snapshot: str
    trained_rows: int
    trained_from: datetime
    trained_until: datetime
    evaluated_rows: int
    parameters: dict[str, Any]
    seed: int
    metrics: dict[str, float]
    comparisons: tuple[Comparison, ...]
    champion_version: int | None
    code_digest: str
    code_commit: str
    environment_digest: str
    onnx: bool
    onnx_note: str
    findings: tuple[Finding, ...] = ()
    importances: dict[str, float] = field(default_factory=dict)
    profile_digest: str | None = None
    trials_digest: str | None = None
    steps: tuple[StepRecord, ...] = ()
    faults: tuple[str, ...] = ()
    costs: dict[str, float] = field(default_factory=dict)
    """What serving it costs: ``latency_p95_ms`` for one row, ``size_mb`` of the package."""

    def __post_init__(self) -> None:
        """Leave out what was not measured; the record holds numbers only."""
        for name in ("metrics", "importances", "costs"):
            finite = {
                key: value for key, value in getattr(self, name).items() if math.isfinite(value)
            }
            object.__setattr__(self, name, finite)


@dataclass(frozen=True, slots=True)
class Run:
    """A run as recorded: its request, its status and, when it has ended, what came of it."""

    request: RunRequest
    status: RunStatus
    started_at: datetime
    ended_at: datetime | None = None
    candidate: Candidate | None = None
    error: str = ""
    attempts: int = 1
    decided: bool = False
