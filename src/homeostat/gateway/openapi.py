"""The gateway's OpenAPI 3.1 document: every route, with what it takes and what it answers. PURE."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from homeostat import __version__
from homeostat.gateway.openapi_labels import label_example, label_schemas
from homeostat.gateway.openapi_parts import (
    answer,
    content,
    operation,
    problem_responses,
    ref,
    shape,
)
from homeostat.gateway.openapi_record import example_record, record_schema
from homeostat.gateway.openapi_shapes import MAX_ROWS, shapes
from homeostat.gateway.openapi_v2 import PREFIX, v2_example, v2_paths, v2_schemas
from homeostat.pipeline.schema import Schema
from homeostat.spec.project import Project

PREDICT, LABELS, STATE = "Predictions", "Labels", "Model and process"
_TEXT = {"type": "string"}
_TAKING = ("408", "413", "422", "503")


def openapi(
    project: Project,
    schema: Schema | None,
    example: dict[str, Any] | None,
    online: Sequence[str] | None = None,
) -> dict[str, Any]:
    """The document of one model.

    ``schema`` is the champion's, None before there is one; ``example`` a row with an answer that
    is known, such as a golden one; ``online`` the fields by which the online store finds the
    features of views, None without such a store.
    """
    record = example_record(project, schema, example)
    tensors = v2_example(project, schema, record)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"{project.model} on Homeostat",
            "version": __version__,
            "description": project.description,
        },
        "tags": [{"name": name} for name in (PREDICT, LABELS, STATE, "Open Inference Protocol")],
        "paths": {
            **_model_paths(project, record),
            **_process_paths(),
            **v2_paths(project, tensors),
        },
        "components": {
            "schemas": {
                "Record": record_schema(project, schema, online),
                **shapes(project),
                **label_schemas(project.task == "binary"),
                **v2_schemas(project.task),
            },
            "responses": {
                **problem_responses("Problem"),
                **problem_responses("V2Error", PREFIX),
            },
        },
    }


def _model_paths(project: Project, record: dict[str, Any]) -> dict[str, Any]:
    base = f"/v1/models/{project.model}"
    listed = shape({"models": {"type": "array", "items": ref("Described")}})
    views = {f"{base}/features": {"get": _features(project)}} if project.features.views else {}
    return {
        **views,
        f"{base}/predict": {"post": _predict(record)},
        f"{base}/labels": {"post": _labels(project.task == "binary")},
        base: {"get": _get("model", "The model, its arms and its features", ref("Model"))},
        "/v1/models": {"get": _get("models", "Models served here", listed)},
    }


def _features(project: Project) -> dict[str, Any]:
    told = shape({"features": {"type": "object"}, "fetched": {"type": "object"}})
    found = {"200": answer("As a request with these keys would get them now.", content(told))}
    asked = operation(
        "features", "Features of views, by key", STATE, found, problems=("422", "503")
    )
    keys = dict.fromkeys(key for view in project.features.views.values() for key in view.key)
    asked["parameters"] = [
        {"name": key, "in": "query", "required": True, "schema": _TEXT} for key in keys
    ]
    return asked


def _predict(record: dict[str, Any]) -> dict[str, Any]:
    one_or_many = {"oneOf": [ref("Prediction"), ref("Predictions")]}
    return operation(
        "predict",
        "Answer one record, or many",
        PREDICT,
        {"200": answer("Answered, and in the prediction log.", content(one_or_many))},
        description=(
            f"One record with the features by name, or up to {MAX_ROWS:,} as `rows`. All are "
            "answered, or none. A row so extreme that the model has no number for it is refused "
            "(422)."
        ),
        body=content({"oneOf": [ref("Record"), ref("Records")]}, record),
        problems=_TAKING,
    )


def _labels(binary: bool) -> dict[str, Any]:
    return operation(
        "labels",
        "Tell what turned out to be true",
        LABELS,
        {"202": answer("What came of the labels.", content(ref("LabelCounts")))},
        description=(
            "By prediction id, by event id, or by entity and time. Posting again does no harm: a "
            "label that is known already is counted as repeated."
        ),
        body=content(ref("Labels"), label_example(binary)),
        problems=_TAKING,
    )


def _process_paths() -> dict[str, Any]:
    document = shape({"openapi": _TEXT, "info": {"type": "object"}}, closed=False)
    page = {"200": answer("This page.", content(_TEXT, kind="text/html"))}
    metrics = {"200": answer("Text exposition format.", content(_TEXT, kind="text/plain"))}
    readiness = {
        "200": answer("A version answers.", content(ref("Ready"))),
        "503": answer("None does yet.", content(ref("Ready"))),
    }
    alive = shape({"status": {"const": "alive"}, "homeostat": _TEXT})
    return {
        "/healthz": {"get": _get("healthz", "Is the process alive", alive)},
        "/readyz": {"get": operation("readyz", "Does a version answer", STATE, readiness)},
        "/metrics": {
            "get": operation("metrics", "Metrics for Prometheus", STATE, metrics, problems=("503",))
        },
        "/openapi.json": {"get": _get("openapi", "This document", document)},
        "/": {"get": operation("docs", "A page to try all of it", STATE, page)},
    }


def _get(name: str, summary: str, schema: Any) -> dict[str, Any]:
    return operation(name, summary, STATE, {"200": answer(summary + ".", content(schema))})
