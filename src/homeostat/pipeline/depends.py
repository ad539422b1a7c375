"""Which parts of the project file each step depends on; the rest may change without effect."""

from __future__ import annotations

from typing import Any

from homeostat.domain.codec import digest_of
from homeostat.spec.project import Project

_INPUTS = ("features.row", "features.derived", "features.views", "features.categorical")
_ESTIMATOR = ("task", "training.estimator", "training.parameters")
_PARTS: dict[str, tuple[str, ...]] = {
    "features": ("events", "labels", "features", "training.history", "split.holdout_share"),
    "split": (
        "task", "events", "split", "training.seed", "training.min_rows", "training.history",
    ),
    "tune": (*_ESTIMATOR, *_INPUTS, "training.search", "metrics.primary"),
    "preprocess": (*_ESTIMATOR, *_INPUTS),
    "train": (*_ESTIMATOR, *_INPUTS),
    "evaluate": ("metrics", "gates", "split.by", "split.group", "events.time"),
    "package": (
        "training.onnx", "monitors.psi_bins", "monitors.window", "features.categorical",
        "events.time",
    ),
}  # fmt: skip


def spec_of(project: Project, step: str) -> str:
    """Digest of what ``step`` depends on in the project file; KeyError for another step."""
    declared = project.model_dump(mode="json")
    parts = {path: _at(declared, path) for path in _PARTS[step]}
    if step == "features":
        parts["sources"] = {
            name: [source.known_at, source.known_later, declared["sources"][name]["fallback"]]
            for name, source in project.sources.items()
        }
    return digest_of(parts)


def _at(declared: Any, path: str) -> Any:
    for key in path.split("."):
        declared = declared[key]
    return declared
