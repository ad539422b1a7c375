"""What a record looks like in the OpenAPI document, and an example of one. PURE."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from homeostat.pipeline.schema import Feature, Schema
from homeostat.spec.project import Project

NUMERIC_TEXT = r"^[+-]?(\d{1,15}(\.\d{0,15})?|\.\d{1,15})([eE][+-]?\d{1,2})?$"
"""A text that is taken as a number."""
SHOWN_CATEGORIES = 12
"""Categories shown, the most frequent ones."""
EVENT_ID = "the event's id, by which labels find it; left out: a new one"
_NAME = ["string", "number", "null"]


def record_schema(
    project: Project, schema: Schema | None, online: Sequence[str] | None
) -> dict[str, Any]:
    """JSON Schema of one record, as strict as the gateway is.

    ``online`` are the fields by which the online store finds the features of views, which may
    be left out then; None: there is no such store, and every feature must be sent.
    """
    features = features_of(project, schema)
    properties: dict[str, Any] = {project.events.id: {"type": _NAME, "description": EVENT_ID}}
    if project.events.entity is not None:
        said = "the same entity is answered by the same version"
        properties[project.events.entity] = {"type": _NAME, "description": said}
    for name in online or ():
        said = "finds the features that are left out"
        properties.setdefault(name, {"type": _NAME, "description": said})
    properties |= {one.name: feature_schema(one, project) for one in features}
    left_out = set() if online is None else set(project.features.names) - {*project.features.row}
    return {
        "type": "object",
        "description": "One row: features by name. Write null where a value is not known.",
        "properties": properties,
        "required": [one.name for one in features if one.name not in left_out],
        "additionalProperties": False,
    }


def feature_schema(feature: Feature, project: Project) -> dict[str, Any]:
    """JSON Schema of one input, as the project file says that it is checked.

    ``x-kind`` is that of the feature; ``x-range`` and ``x-categories`` describe what was seen in
    training and are no limits.
    """
    serving = project.serving
    null = ["null"] if feature.null_allowed and serving.missing != "reject" else []
    if feature.kind == "category":
        shape: dict[str, Any] = {"type": ["string", "integer", "boolean", *null]}
        if feature.categories and serving.unknown_category == "reject":
            shape = {"enum": [*feature.categories, *([None] if null else [])]}
        shown = list(feature.categories[:SHOWN_CATEGORIES])
        more = len(feature.categories) - len(shown)
        return shape | {"x-kind": "category", "x-categories": shown, "x-more-categories": more}
    shape = {"type": ["number", "boolean", "string", *null], "pattern": NUMERIC_TEXT}
    if feature.low is not None and feature.high is not None:
        if serving.out_of_range == "reject":
            shape = {"type": ["number", *null], "minimum": feature.low, "maximum": feature.high}
        shape["x-range"] = [feature.low, feature.high]
    return shape | {"x-kind": "number"}


def example_record(
    project: Project, schema: Schema | None, golden: dict[str, Any] | None
) -> dict[str, Any]:
    """A record that is answered: ``golden`` where there is one, else from what was seen."""
    known = golden or {}
    record: dict[str, Any] = {project.events.id: "event-1"}
    if project.events.entity is not None:
        record[project.events.entity] = "entity-1"
    for feature in features_of(project, schema):
        value = known.get(feature.name)
        record[feature.name] = _typical(feature) if value is None else value
    return record


def features_of(project: Project, schema: Schema | None) -> Sequence[Feature]:
    """The features of a version, or what the project file says before there is one."""
    if schema is not None:
        return schema.features
    categories = set(project.features.categorical)
    return [
        Feature(name, "category" if name in categories else "number")
        for name in project.features.names
    ]


def _typical(feature: Feature) -> float | str:
    """The most frequent category, or the middle of the range in few digits."""
    if feature.kind == "category":
        return feature.categories[0] if feature.categories else "a"
    if feature.low is None or feature.high is None:
        return 0.0
    middle = float(f"{feature.low / 2 + feature.high / 2:.3g}")
    return middle if feature.low <= middle <= feature.high else feature.low
