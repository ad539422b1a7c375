"""The gateway's OpenAPI 3.1 document, and a page that shows it."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any

from homeostat import __version__
from homeostat.spec.project import Project


def openapi(project: Project, features: Iterable[Any]) -> dict[str, Any]:
    """The document for one model; ``features`` are those of the champion's schema."""
    base = f"/v1/models/{project.model}"
    record = _record(project, features)
    many = {
        "type": "object",
        "required": ["rows"],
        "properties": {"rows": {"type": "array", "items": record, "minItems": 1}},
    }
    label = _object(
        {"id": {"type": "string"}, "label": {"type": ["number", "boolean"]}}, ["id", "label"]
    )
    labels = _object({"labels": {"type": "array", "items": label, "minItems": 1}}, ["labels"])
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"{project.model} on Homeostat",
            "version": __version__,
            "description": project.description,
        },
        "paths": {
            f"{base}/predict": {
                "post": _operation("Answer one record or many", {"oneOf": [record, many]})
            },
            f"{base}/labels": {
                "post": _operation("Tell what turned out to be true", {"oneOf": [label, labels]})
            },
            base: {"get": _operation("The model, its arms and its features")},
            "/v1/models": {"get": _operation("Models served here")},
            "/healthz": {"get": _operation("Is the process alive")},
            "/readyz": {"get": _operation("Does a version answer")},
            "/metrics": {"get": _operation("Prometheus metrics")},
        },
    }


def _record(project: Project, features: Iterable[Any]) -> dict[str, Any]:
    properties: dict[str, Any] = {
        project.events.id: {"type": "string", "description": "the event's id; default: a new one"}
    }
    required = []
    for feature in features:
        kind = "number" if feature.kind == "number" else "string"
        properties[feature.name] = {"type": [kind, "null"] if feature.null_allowed else kind}
        required.append(feature.name)
    return _object(properties, required)


def _object(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _operation(summary: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": summary,
        "responses": {
            "200": {"description": "the answer"},
            "default": {"description": "an error: code, error, problem, subject, next_step"},
        },
    }
    if body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": body}},
        }
    return operation


def docs_page(document: dict[str, Any]) -> str:
    """A plain page that lists the routes."""
    rows = "".join(
        f"<tr><td><code>{method.upper()}</code></td><td><code>{escape(path)}</code></td>"
        f"<td>{escape(operation['summary'])}</td></tr>"
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    )
    title = escape(document["info"]["title"])
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width">'
        "<style>:root{color-scheme:light dark}body{font:16px/1.5 system-ui;max-width:48rem;"
        "margin:3rem auto;padding:0 1rem}td{padding:.4rem .8rem .4rem 0;vertical-align:top}"
        "</style>"
        f"<h1>{title}</h1><p>{escape(document['info']['description'])}</p>"
        f"<table>{rows}</table>"
        '<p>Bodies and answers: <a href="/openapi.json">openapi.json</a>.</p></html>'
    )
