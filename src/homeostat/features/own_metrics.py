"""A project's own metrics: functions beside its file, used like those that are built in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from homeostat.errors import ProjectCodeError
from homeostat.spec.code import load_function
from homeostat.spec.project import Project
from homeostat.stats.metrics import Array, Metric, own

OwnMetrics = Mapping[str, Metric]
NONE: OwnMetrics = MappingProxyType({})
"""No metrics of the project's own."""


def own_metrics(project: Project, folder: Path) -> dict[str, Metric]:
    """Every metric of ``metrics.own`` by name; ProjectCodeError when one cannot be loaded."""
    return {
        name: own(name, _checked(name, folder, declared.function), declared.better == "less")
        for name, declared in project.metrics.own.items()
    }


def named(name: str, own: OwnMetrics) -> str | Metric:
    """The project's own metric of that name, or the name of one that is built in."""
    return own.get(name, name)


def _checked(name: str, folder: Path, reference: str):  # type: ignore[no-untyped-def]
    function = load_function(folder, reference)

    def measured(truth: Array, prediction: Array) -> float:
        try:
            return float(function(truth, prediction))
        except Exception as error:
            raise ProjectCodeError(
                f"metric '{name}' raises {type(error).__name__}: {error}",
                subject=reference,
                next_step="it is called with two arrays of shape (rows,) and must give a number",
            ) from error

    return measured
