"""The labels route in the OpenAPI document: three ways to name an event, eight outcomes. PURE."""

from __future__ import annotations

from typing import Any

from homeostat.gateway.label_requests import MAX_LABELS, MAX_NAME
from homeostat.gateway.openapi_parts import ref, shape
from homeostat.monitoring.label_outcome import Outcome

_TIME = {"type": "string", "format": "date-time"}


def label_example(binary: bool) -> dict[str, Any]:
    """A post that is taken, for an event that need not have been predicted."""
    value = True if binary else 1.5
    return {"labels": [{"id": "event-1", "label": value}], "details": True}


def label_schemas(binary: bool) -> dict[str, Any]:
    """Components: ``LabelValue``, ``Label``, ``Labels``, ``LabelCounts``."""
    value: dict[str, Any] = (
        {"enum": [True, False, 0, 1]} if binary else {"type": ["number", "boolean"]}
    )
    outcomes = [str(outcome) for outcome in Outcome]
    told = shape({"outcome": {"enum": outcomes}, "event_id": {"type": ["string", "null"]}})
    counted: dict[str, Any] = {name: {"type": "integer", "minimum": 0} for name in outcomes}
    listed = {"type": "array", "minItems": 1, "maxItems": MAX_LABELS, "items": ref("Label")}
    details = {"type": "boolean", "description": "also tell what came of each label"}
    return {
        "LabelValue": value | {"description": "what turned out to be true"},
        "Label": _label({}),
        "Labels": {
            "oneOf": [
                shape({"labels": listed, "details": details}, ["labels"]),
                *_label({"details": details})["oneOf"],
            ]
        },
        "LabelCounts": shape(
            counted | {"labels": {"type": "array", "items": told}},
            outcomes,
            description="How many labels had each outcome.",
        ),
    }


def _label(more: dict[str, Any]) -> dict[str, Any]:
    name = {
        "anyOf": [{"type": "string", "minLength": 1, "maxLength": MAX_NAME}, {"type": "number"}]
    }
    rest: dict[str, Any] = {
        "label": ref("LabelValue"),
        "observed_at": {**_TIME, "type": ["string", "null"], "description": "when it came true"},
        **more,
    }
    return {
        "oneOf": [
            shape({"prediction_id": name, **rest}, ["prediction_id", "label"]),
            shape({"id": name, **rest}, ["id", "label"]),
            shape({"entity": name, "at": _TIME, **rest}, ["entity", "at", "label"]),
        ]
    }
