"""What a server and a model say of themselves in the Open Inference Protocol. PURE."""

from __future__ import annotations

from typing import Any

from homeostat import __version__
from homeostat.domain.rollout import Routing
from homeostat.gateway.asked import Answers
from homeostat.gateway.v2.columns import outputs_of
from homeostat.gateway.v2.tensors import BYTES
from homeostat.pipeline.schema import Schema

EXTENSIONS = ("binary_tensor_data",)
PLATFORM = "homeostat"


def server() -> dict[str, Any]:
    """Server metadata."""
    return {"name": "homeostat", "version": __version__, "extensions": list(EXTENSIONS)}


def model(name: str, schema: Schema, routing: Routing, version: int | None) -> dict[str, Any]:
    """Model metadata; a size that varies is -1."""
    versions = [arm.version for arm in routing.arms] if version is None else [version]
    nothing = Answers(ids=(), events=(), versions=(), predictions=())
    return {
        "name": name,
        "versions": [str(number) for number in versions],
        "platform": PLATFORM,
        "inputs": [
            {
                "name": feature.name,
                "datatype": "FP64" if feature.kind == "number" else BYTES,
                "shape": [-1],
            }
            for feature in schema.features
        ],
        "outputs": [
            {
                "name": output.name,
                "datatype": output.datatype,
                "shape": [-1, *output.shape[1:]],
            }
            for output in outputs_of(nothing, schema.task)
        ],
    }


def index(name: str, routing: Routing, ready_only: bool) -> list[dict[str, str]]:
    """The repository's index: one line per version that is loaded."""
    if not routing.arms and not ready_only:
        return [{"name": name, "state": "UNAVAILABLE", "reason": "no version serves yet"}]
    return [
        {"name": name, "version": str(arm.version), "state": "READY", "reason": ""}
        for arm in routing.arms
    ]
