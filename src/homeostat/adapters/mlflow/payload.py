"""What a run looks like in MLflow: parameters, metrics and tags, in its alphabet and limits."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from homeostat.domain.codec import digest
from homeostat.domain.run import Candidate, RunRequest

RUN = "homeostat.run"
TRIAL = "homeostat.trial"
VERSION = "homeostat.version"
_NAME_LENGTH = 250
_TEXT_LENGTH = 5_000
_FOREIGN = re.compile(r"[^\w\-. :/]", re.ASCII)


def milliseconds(at: datetime) -> int:
    """Milliseconds since 1970, as MLflow counts time."""
    return round(at.timestamp() * 1000)


def name_of(key: str) -> str:
    """``key`` in the alphabet and length that MLflow takes; different keys stay different.

    >>> name_of("auc")
    'auc'
    >>> name_of("auc/slice:size=XL")
    'auc/slice:size_XL-ac30'
    """
    name = _FOREIGN.sub("_", key)[:_NAME_LENGTH]
    return name if name == key else f"{name}-{digest(key.encode())[:4]}"


def parameters_of(parameters: Mapping[str, Any], seed: int | None = None) -> dict[str, str]:
    """Parameters as text; whatever is no text is JSON."""
    given = dict(parameters) if seed is None else {**parameters, "seed": seed}
    return {
        name_of(key): (value if isinstance(value, str) else json.dumps(value, default=str))[
            :_TEXT_LENGTH
        ]
        for key, value in given.items()
    }


def metrics_of(candidate: Candidate) -> dict[str, float]:
    """All finite numbers of a candidate, by name.

    Its metrics; of each comparison the challenger's and the champion's value and the interval
    of their difference (``auc/slice:carrier/AA/challenger``); rows; seconds of each step.
    """
    found: dict[str, float | None] = dict(candidate.metrics)
    for one in candidate.comparisons:
        where = f"{one.metric}/{one.where.replace('=', '/', 1)}"
        found |= {
            f"{where}/challenger": one.challenger,
            f"{where}/champion": one.champion,
            f"{where}/difference": one.difference,
            f"{where}/difference_low": one.low,
            f"{where}/difference_high": one.high,
        }
    found |= {
        "rows/trained": float(candidate.trained_rows),
        "rows/evaluated": float(candidate.evaluated_rows),
    }
    found |= {f"duration_s/{step.name}": step.duration_s for step in candidate.steps}
    found |= {f"importance/{name}": share for name, share in candidate.importances.items()}
    return finite(found)


def finite(numbers: Mapping[str, Any]) -> dict[str, float]:
    """The entries of ``numbers`` that are finite numbers, under names that MLflow takes."""
    return {
        name_of(key): float(value)
        for key, value in numbers.items()
        if isinstance(value, int | float) and math.isfinite(value)
    }


def tags_of(request: RunRequest, candidate: Candidate) -> dict[str, str]:
    """What a run came from and what it gave, for people to search by."""
    tags = {
        RUN: request.id,
        "homeostat.trigger": request.trigger,
        "homeostat.as_of": request.as_of.isoformat(),
        "homeostat.snapshot": candidate.snapshot,
        "homeostat.model_digest": candidate.model_digest,
        "homeostat.package_digest": candidate.package_digest,
        "homeostat.code_digest": candidate.code_digest,
        "homeostat.environment_digest": candidate.environment_digest,
        "homeostat.onnx": candidate.onnx_note,
        "homeostat.faults": ",".join(candidate.faults),
        "homeostat.champion": str(candidate.champion_version or ""),
        "mlflow.source.name": "homeostat",
        "mlflow.source.git.commit": candidate.code_commit,
        "mlflow.note.content": request.reason,
    }
    return {key: value[:_TEXT_LENGTH] for key, value in tags.items() if value}


def trial_of(trial: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, float]]:
    """Parameters and numbers of one trial record, whichever keys hold them.

    ``parameters`` (or ``params``) is a mapping; ``values`` a mapping or a list; every other
    number in the record is a metric.
    """
    parameters = trial.get("parameters") or trial.get("params") or {}
    values = trial.get("values")
    found = {
        key: value
        for key, value in trial.items()
        if key not in ("parameters", "params", "values", "number") and not isinstance(value, bool)
    }
    if isinstance(values, Mapping):
        found |= values
    elif isinstance(values, list | tuple):
        names = ["value"] if len(values) == 1 else [f"value_{i}" for i in range(len(values))]
        found |= dict(zip(names, values, strict=True))
    return parameters_of(parameters), finite(found)
