"""Trains a version again from its record, and says how equal the two are, and what differs."""

from __future__ import annotations

import io
import json
import math
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from homeostat.domain.run import Candidate, RunRequest
from homeostat.domain.version import Version
from homeostat.errors import BlobMissingError, HomeostatError, InputError, ReproduceError
from homeostat.pipeline.card import ENVIRONMENT, environment
from homeostat.pipeline.overlay import FreshStepCache, OverlayBlobs
from homeostat.pipeline.preprocess import inputs
from homeostat.pipeline.run import run_pipeline
from homeostat.pipeline.scorer import load_scorer
from homeostat.pipeline.snapshot import load_snapshot
from homeostat.pipeline.split import split
from homeostat.ports.blobs import Blobs
from homeostat.ports.clock import Clock
from homeostat.spec.project import Project

if TYPE_CHECKING:
    import polars as pl

Level = Literal["bytes", "predictions", "metrics", "different"]

PREDICTION_TOLERANCE = 1e-6
"""Predictions count as equal up to this: absolute for probabilities, else relative."""
METRIC_TOLERANCE = 1e-3
"""Metrics count as equal up to this, absolute below 1 and relative above."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it was. ``recorded`` and ``now`` are for people to read."""

    what: str
    recorded: str
    now: str


@dataclass(frozen=True, slots=True)
class Reproduction:
    """How equal a version is to the one trained again.

    ``level``: ``bytes`` (the model files are the same), else ``predictions`` (on ``rows``
    evaluation rows, up to 1e-6), else ``metrics`` (each declared one, up to 0.001), else
    ``different``. ``largest_difference`` is the largest between two predictions: 0 with equal
    bytes, None when they cannot be compared. ``differences`` names what is not as it was, also
    where that made no difference to the model.
    """

    version: int
    level: Level
    recorded_digest: str
    digest: str
    rows: int
    largest_difference: float | None
    differences: tuple[Difference, ...]
    candidate: Candidate


def reproduce(
    version: Version,
    request: RunRequest,
    project: Project,
    folder: Path,
    blobs: Blobs,
    clock: Clock,
    progress: Callable[[str, float], None],
) -> Reproduction:
    """Run the training of ``version`` again, with the code and environment that are here now.

    ``request`` is the recorded request of the version's run. Every step runs again, in a
    temporary place; nothing that is recorded is read except the data, nothing is written. The
    parameters are those recorded: a search is not repeated. Raises ReproduceError when the
    snapshot or its data are gone, or the training fails.
    """
    recorded = version.candidate
    _snapshot_is_there(version, request, blobs)
    again = replace(
        request,
        parameters=dict(recorded.parameters),
        champion_version=None,
        champion_package=None,
        champion_digest=None,
    )
    with tempfile.TemporaryDirectory(prefix="homeostat-reproduce-") as temporary:
        layer = OverlayBlobs(blobs, Path(temporary))
        try:
            candidate = run_pipeline(
                again, project, folder, layer, FreshStepCache(), clock, progress
            )
        except HomeostatError as error:
            raise _failed(version, error) from error
        differences = _causes(recorded, candidate, _recorded_environment(recorded, blobs))
        rows, largest = _predictions(recorded, candidate, again, project, layer)
    level = _level(recorded, candidate, largest, project)
    return Reproduction(
        version=version.number,
        level=level,
        recorded_digest=recorded.model_digest,
        digest=candidate.model_digest,
        rows=rows,
        largest_difference=largest,
        differences=(*differences, *_metric_differences(recorded, candidate)),
        candidate=candidate,
    )


def _level(
    recorded: Candidate, candidate: Candidate, largest: float | None, project: Project
) -> Level:
    if recorded.model_digest == candidate.model_digest:
        return "bytes"
    if largest is not None and largest <= PREDICTION_TOLERANCE:
        return "predictions"
    pairs = [(recorded.metrics.get(n), candidate.metrics.get(n)) for n in project.metrics.names]
    close = all(
        one is not None
        and two is not None
        and abs(one - two) <= METRIC_TOLERANCE * max(1, abs(one))
        for one, two in pairs
    )
    return "metrics" if close else "different"


def _predictions(
    recorded: Candidate, candidate: Candidate, request: RunRequest, project: Project, blobs: Blobs
) -> tuple[int, float | None]:
    """Number of evaluation rows, and the largest difference between the two answers to them."""
    import numpy as np

    rows = _evaluation_rows(candidate, request, project, blobs)
    if recorded.model_digest == candidate.model_digest:
        return rows.height, 0.0
    try:
        answers = [
            load_scorer(blobs.get_tree(one.package_digest), trusted_digest=one.model_digest).score(
                inputs(project, rows)
            )
            for one in (recorded, candidate)
        ]
    except (InputError, BlobMissingError):  # other features than then, or the package is gone
        return rows.height, None
    scale = np.ones(rows.height)
    if project.task == "regression" and rows.height:
        scale = np.maximum(np.abs(answers[0]), np.std(answers[0])) + 1e-12
    largest = float(np.max(np.abs(answers[0] - answers[1]) / scale, initial=0.0))
    return rows.height, largest if math.isfinite(largest) and rows.height else None


def _evaluation_rows(
    candidate: Candidate, request: RunRequest, project: Project, blobs: Blobs
) -> pl.DataFrame:
    import polars as pl

    made = next(step.digest for step in candidate.steps if step.name == "features")
    rows = pl.read_parquet(io.BytesIO(blobs.get(made)))
    return rows.filter(split(project, rows, request.as_of).evaluation)


def _causes(
    recorded: Candidate, candidate: Candidate, environment_then: Mapping[str, str] | None
) -> list[Difference]:
    """What may have made a difference: code, environment, and the first step that went apart."""
    found = [
        Difference(what, str(one), str(two))
        for what, one, two in (
            ("code", recorded.code_digest, candidate.code_digest),
            ("commit", recorded.code_commit, candidate.code_commit),
            ("seed", recorded.seed, candidate.seed),
            ("training rows", recorded.trained_rows, candidate.trained_rows),
            ("evaluation rows", recorded.evaluated_rows, candidate.evaluated_rows),
        )
        if one != two
    ]
    if recorded.environment_digest != candidate.environment_digest:
        found += _environment_differences(recorded, candidate, environment_then)
    # Without the champion of that time, "evaluate" has other comparisons.
    then = {step.name: step.digest for step in recorded.steps if step.name != "evaluate"}
    for step in candidate.steps:
        if step.name in then and then[step.name] != step.digest:
            found.append(Difference(f"result of step {step.name}", then[step.name], step.digest))
            break
    return found


def _environment_differences(
    recorded: Candidate, candidate: Candidate, then: Mapping[str, str] | None
) -> list[Difference]:
    if then is None:
        return [
            Difference("environment", recorded.environment_digest, candidate.environment_digest)
        ]
    now = environment()
    return [
        Difference(name, then.get(name, "not installed"), now.get(name, "not installed"))
        for name in sorted(then.keys() | now.keys())
        if then.get(name) != now.get(name)
    ]


def _metric_differences(recorded: Candidate, candidate: Candidate) -> list[Difference]:
    return [
        Difference(f"metric {name}", _number(one), _number(two))
        for name in sorted(recorded.metrics.keys() | candidate.metrics.keys())
        if (one := recorded.metrics.get(name)) != (two := candidate.metrics.get(name))
    ]


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.9g}"


def _recorded_environment(recorded: Candidate, blobs: Blobs) -> dict[str, str] | None:
    """The distributions that the version was trained with; None when its package is gone."""
    try:
        path = blobs.get_tree(recorded.package_digest) / ENVIRONMENT
        found: dict[str, str] = json.loads(path.read_bytes())
    except (BlobMissingError, OSError, ValueError):
        return None
    return found


def _snapshot_is_there(version: Version, request: RunRequest, blobs: Blobs) -> None:
    """Raise ReproduceError before any work when the data are gone."""
    try:
        snapshot = load_snapshot(request.snapshot, blobs)
    except BlobMissingError as error:
        raise _gone(version, f"the manifest of snapshot {request.snapshot[:12]}", error) from error
    parts = [part for parts in snapshot.sources.values() for part in parts if part.digest]
    gone = [part.id for part in parts if not blobs.has(str(part.digest))]
    if gone:
        shown = ", ".join(gone[:3]) + (", …" if len(gone) > 3 else "")
        raise _gone(version, f"{len(gone)} of {len(parts)} deliveries ({shown})", None)


def _gone(version: Version, what: str, error: HomeostatError | None) -> ReproduceError:
    told = f": {error.problem}" if error is not None else ""
    return ReproduceError(
        f"the data that it was trained on are gone: {what}{told}",
        subject=f"version {version.number}",
        next_step="restore the state folder's blobs from a backup, then try again",
    )


def _failed(version: Version, error: HomeostatError) -> ReproduceError:
    cause: Any = error.__cause__
    if isinstance(error, BlobMissingError) or isinstance(cause, BlobMissingError):
        return _gone(version, "a delivery cannot be read", error)
    return ReproduceError(
        f"it cannot be trained again: {error}",
        subject=f"version {version.number}",
        next_step=f"check out the code of commit {version.candidate.code_commit or '(none)'}",
    )
