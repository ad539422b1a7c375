"""Shapes of what the friendly routes answer, as components of the OpenAPI document. PURE."""

from __future__ import annotations

from typing import Any

from homeostat.gateway.openapi_parts import ref, shape
from homeostat.spec.project import Project

MAX_ROWS = 100_000
"""Most rows in one request."""
_TEXT, _BOOLEAN = {"type": "string"}, {"type": "boolean"}
_NUMBER_OR_NULL = {"type": ["number", "null"]}
_SHARE = {"type": "number", "minimum": 0, "maximum": 1}


def shapes(project: Project) -> dict[str, Any]:
    """Components that the routes of a model answer with, but labels."""
    records = {"type": "array", "items": ref("Record"), "minItems": 1, "maxItems": MAX_ROWS}
    controller = shape({"up": _BOOLEAN, "silent_s": _NUMBER_OR_NULL, "serving": _TEXT})
    ready = {"ready": _BOOLEAN, "model": _TEXT, "controller": controller}
    return {
        "Records": shape({"rows": records}),
        "Prediction": _prediction(project.task == "binary"),
        "Predictions": shape({"predictions": {"type": "array", "items": ref("Prediction")}}),
        **_described(project),
        "Ready": shape(ready, ["ready", "model"], closed=False),
        "Problem": shape(
            {
                "code": {"type": "string", "pattern": "^H[0-9]{3}$"},
                "error": _TEXT,
                "problem": _TEXT,
                "subject": {"type": "string", "description": "the field, or what it is about"},
                "next_step": {"type": "string", "description": "what to do now"},
            },
            description="Every error has this shape.",
        ),
    }


def _described(project: Project) -> dict[str, Any]:
    arm = {
        "version": {"type": "integer"},
        "digest": _TEXT,
        "share": _SHARE,
        "shadow": _BOOLEAN,
        "role": {"enum": ["champion", "canary", "shadow", "dark"]},
        "engine": _TEXT,
    }
    feature = {
        "name": _TEXT,
        "kind": {"enum": ["number", "category"]},
        "null_allowed": _BOOLEAN,
    }
    described = {
        "model": {"const": project.model},
        "task": {"const": project.task},
        "arms": {"type": "array", "items": ref("Arm")},
    }
    features = {"features": {"type": "array", "items": ref("Feature")}}
    return {
        "Arm": shape(arm, closed=False),
        "Feature": shape(feature, closed=False),
        "Described": shape(described, closed=False),
        "Model": shape(described | features, closed=False),
    }


def _prediction(binary: bool) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "id": {"type": "string", "description": "of this prediction, in the prediction log"},
        "event_id": _TEXT,
        "version": {"type": "integer", "description": "of the model that answered"},
        "prediction": {"type": "number"},
    }
    if binary:
        properties["prediction"] = {**_SHARE, "description": "probability of the positive class"}
        properties["label"] = {"type": "boolean", "description": "prediction >= 0.5"}
        properties["probabilities"] = {
            "type": "array",
            "items": _SHARE,
            "minItems": 2,
            "maxItems": 2,
            "description": "of false and of true",
        }
    flags = {
        "type": "array",
        "items": _TEXT,
        "description": "such as `unknown:<feature>`; left out when there are none",
    }
    return shape({**properties, "flags": flags}, list(properties))
