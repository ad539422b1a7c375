"""The card of a version: the facts about it, as one JSON file in its package."""

from __future__ import annotations

import importlib.metadata
import platform
import sysconfig
from collections.abc import Mapping
from typing import Any

from homeostat.domain.codec import canonical
from homeostat.pipeline.environment import installed
from homeostat.pipeline.model_file import ModelBytes
from homeostat.pipeline.schema import Schema

FILE = "card.json"
ENVIRONMENT = "environment.json"
_DISTRIBUTIONS = {"sklearn": "scikit-learn"}


def card_of(
    model: Any, written: ModelBytes, schema: Schema, onnx_note: str, facts: Mapping[str, Any]
) -> bytes:
    """Canonical JSON of what the package holds and of the caller's ``facts``.

    No time, host or random id is in it, so that training again gives the same card.
    """
    estimator = type(model[-1])
    return canonical({
        "estimator": f"{estimator.__module__}.{estimator.__qualname__}",
        "facts": dict(facts),
        "features": list(schema.names),
        "format": written.format,
        "model_digest": written.digest,
        "onnx": onnx_note,
        "requirements": requirements(model, written.format),
        "task": schema.task,
        "trusted_types": list(written.types),
    })  # fmt: skip


def environment() -> dict[str, str]:
    """What this process runs with: ``python``, ``platform`` and each distribution's version."""
    here = {"python": platform.python_version(), "platform": sysconfig.get_platform()}
    return {**here, **installed()}


def requirements(model: Any, file_format: str) -> list[str]:
    """What must be installed to load ``model``, as pinned pip requirements, sorted."""
    roots = {"sklearn", "numpy", "polars", file_format}
    roots |= {type(step).__module__.split(".")[0] for _, step in model.steps}
    found = {_distribution(root) for root in roots}
    return sorted(f"{name}=={importlib.metadata.version(name)}" for name in found if name)


def _distribution(module: str) -> str | None:
    """The distribution that brings a top-level module; None for one beside the project file."""
    name = _DISTRIBUTIONS.get(module, module)
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return next(iter(importlib.metadata.packages_distributions().get(module, [])), None)
    return name
