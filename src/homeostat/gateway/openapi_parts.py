"""Pieces from which the OpenAPI document is made: objects, references, answers, errors. PURE."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

JSON = "application/json"
PROBLEMS = {
    "400": ("BadRequest", "Not understood."),
    "404": ("NotFound", "No such model, version or route."),
    "405": ("WrongMethod", "Not with this method."),
    "408": ("TooSlow", "The request took too long to arrive."),
    "413": ("TooLarge", "The body is larger than the gateway takes."),
    "422": ("Invalid", "The body does not fit; `subject` names the field."),
    "503": ("Unavailable", "Not now: no version serves, too much waits, or a disk is full."),
}
"""Statuses of errors, with the name and the meaning of each."""


def ref(name: str, kind: str = "schemas") -> dict[str, str]:
    """A reference to a component."""
    return {"$ref": f"#/components/{kind}/{name}"}


def shape(
    properties: dict[str, Any],
    required: list[str] | None = None,
    *,
    closed: bool = True,
    **more: Any,
) -> dict[str, Any]:
    """An object; ``required``: all properties unless said; ``closed``: no others."""
    found: dict[str, Any] = {
        "type": "object",
        "properties": properties,
        "required": list(properties) if required is None else required,
        **more,
    }
    return found | {"additionalProperties": False} if closed else found


def content(schema: Any, example: Any = None, kind: str = JSON) -> dict[str, Any]:
    """A body of one media type."""
    body = {"schema": schema}
    return {kind: body if example is None else body | {"example": example}}


def answer(description: str, body: Any) -> dict[str, Any]:
    """An answer with a body, which :func:`content` gives."""
    return {"description": description, "content": body}


def operation(
    name: str,
    summary: str,
    tag: str,
    answers: Mapping[str, Any],
    *,
    description: str = "",
    body: Any = None,
    problems: tuple[str, ...] = (),
    prefix: str = "",
    parameters: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """One operation; ``problems`` are statuses of :data:`PROBLEMS`, ``prefix`` of their shape."""
    found: dict[str, Any] = {"operationId": name, "summary": summary, "tags": [tag]}
    if description:
        found["description"] = description
    if parameters:
        found["parameters"] = parameters
    if body is not None:
        found["requestBody"] = {"required": True, "content": body}
    errors = {one: ref(prefix + PROBLEMS[one][0], "responses") for one in problems}
    return found | {"responses": dict(sorted({**answers, **errors}.items()))}


def problem_responses(error: str, prefix: str = "") -> dict[str, Any]:
    """Answers of :data:`PROBLEMS` with the shape named ``error``."""
    found: dict[str, Any] = {}
    for status, (name, meaning) in PROBLEMS.items():
        found[prefix + name] = answer(meaning, content(ref(error)))
        if status == "503":
            seconds = {"schema": {"type": "integer", "minimum": 0}, "description": "seconds"}
            found[prefix + name]["headers"] = {"Retry-After": seconds}
        if status == "405":
            methods = {"schema": {"type": "string"}, "description": "methods that are"}
            found[prefix + name]["headers"] = {"Allow": methods}
    return found
