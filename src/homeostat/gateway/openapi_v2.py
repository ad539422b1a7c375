"""The Open Inference Protocol v2 in the OpenAPI document. PURE.

Follows the published specification of the protocol and its binary tensor extension.
"""

from __future__ import annotations

from typing import Any

from homeostat.gateway.openapi_parts import answer, content, operation, ref, shape
from homeostat.gateway.openapi_record import features_of
from homeostat.gateway.v2.columns import output_names
from homeostat.pipeline.schema import Schema
from homeostat.spec.project import Project

DATATYPES = (
    "BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64",
    "FP16", "FP32", "FP64", "BYTES",
)  # fmt: skip
TAG = "Open Inference Protocol"
PREFIX = "V2"
_TEXT = {"type": "string"}
_TEXTS = {"type": "array", "items": _TEXT}
_ANY = {"type": "object", "additionalProperties": True}


def v2_schemas(task: str) -> dict[str, Any]:
    """Components of the protocol, each named with ``V2``."""
    model = {
        "name": _TEXT,
        "versions": _TEXTS,
        "platform": _TEXT,
        "inputs": {"type": "array", "items": ref("V2Described")},
        "outputs": {"type": "array", "items": ref("V2Described")},
    }
    server = {"name": _TEXT, "version": _TEXT, "extensions": _TEXTS}
    return {
        "V2Error": shape({"error": _TEXT}, closed=False),
        "V2Server": shape(server, closed=False),
        "V2Model": shape(model, ["name", "platform", "inputs", "outputs"], closed=False),
        **_tensors(task),
    }


def _tensors(task: str) -> dict[str, Any]:
    """What is inferred from, and what is answered."""
    sizes = {"type": "array", "items": {"type": "integer", "minimum": 0}}
    signed = {"type": "array", "items": {"type": "integer", "minimum": -1}}
    named = {"name": _TEXT, "datatype": {"enum": list(DATATYPES)}}
    tensor = {**named, "shape": sizes, "parameters": _ANY, "data": {"type": "array"}}
    output = {"enum": output_names(task)}
    asked = shape({"name": output, "parameters": _ANY}, ["name"], closed=False)
    infer = {"id": _TEXT, "parameters": _ANY}
    asking = {
        **infer,
        "inputs": {"type": "array", "minItems": 1, "items": ref("V2Tensor")},
        "outputs": {"type": "array", "items": asked},
    }
    answering = {
        **infer,
        "model_name": _TEXT,
        "model_version": _TEXT,
        "outputs": {"type": "array", "items": ref("V2Tensor")},
    }
    return {
        "V2Tensor": shape(tensor, ["name", "shape", "datatype"], closed=False),
        "V2Described": shape({**named, "shape": signed}, closed=False),
        "V2Asked": shape(asking, ["inputs"], closed=False),
        "V2Answer": shape(answering, ["model_name", "outputs"], closed=False),
    }


def v2_paths(project: Project, example: dict[str, Any]) -> dict[str, Any]:
    """Paths of the protocol, of the model and of each of its versions."""
    base = f"/v2/models/{project.model}"
    one = f"{base}/versions/{{version}}"
    paths = {
        "/v2": {"get": _get("v2_server", "Name, version and extensions", ref("V2Server"))},
        "/v2/health/live": {"get": _state("v2_live", "Is the process alive", "live")},
        "/v2/health/ready": {"get": _state("v2_ready", "Does a version answer", "ready")},
    }
    for path, name, where in ((base, "v2_model", ""), (one, "v2_version", " of one version")):
        versioned = path is one
        given = [_version(project)] if versioned else None
        missing = ("404",) if versioned else ()
        paths[path] = {
            "get": _get(
                name, f"Inputs and outputs{where}", ref("V2Model"), given, (*missing, "503")
            )
        }
        paths[f"{path}/ready"] = {
            "get": _state(f"{name}_ready", f"Readiness{where}", "ready", given, missing)
        }
        paths[f"{path}/infer"] = {
            "post": operation(
                f"{name}_infer",
                f"Infer{where or ' with the version that the traffic split chooses'}",
                TAG,
                {"200": answer("One output per tensor asked.", content(ref("V2Answer")))},
                description=(
                    "One tensor per feature, by name, all of shape [rows] or [rows, 1]. The binary "
                    "tensor extension is understood: `Inference-Header-Content-Length` says where "
                    "the JSON ends."
                ),
                body=content(ref("V2Asked"), example),
                problems=("400", *missing, "413", "503"),
                prefix=PREFIX,
                parameters=given,
            )
        }
    return paths


def v2_example(project: Project, schema: Schema | None, record: dict[str, Any]) -> dict[str, Any]:
    """An infer request of one row, from a record."""
    inputs = []
    for feature in features_of(project, schema):
        value = record[feature.name]
        number = feature.kind == "number"
        inputs.append(
            {
                "name": feature.name,
                "shape": [1],
                "datatype": "FP64" if number else "BYTES",
                "data": [value if number else str(value)],
            }
        )
    return {"id": "request-1", "inputs": inputs}


def _get(
    name: str,
    summary: str,
    schema: Any,
    parameters: list[dict[str, Any]] | None = None,
    problems: tuple[str, ...] = (),
) -> dict[str, Any]:
    answers = {"200": answer(summary + ".", content(schema))}
    return operation(
        name, summary, TAG, answers, problems=problems, prefix=PREFIX, parameters=parameters
    )


def _state(
    name: str,
    summary: str,
    word: str,
    parameters: list[dict[str, Any]] | None = None,
    problems: tuple[str, ...] = (),
) -> dict[str, Any]:
    state = shape({word: {"type": "boolean"}}, closed=False)
    answers = {"200": answer("Yes.", content(state))}
    if word == "ready":
        answers["503"] = answer("No.", content({"anyOf": [state, ref("V2Error")]}))
    return operation(
        name, summary, TAG, answers, problems=problems, prefix=PREFIX, parameters=parameters
    )


def _version(project: Project) -> dict[str, Any]:
    return {
        "name": "version",
        "in": "path",
        "required": True,
        "description": f"number of a version of {project.model} that is loaded",
        "schema": {"type": "string", "pattern": "^[0-9]{1,9}$"},
        "example": "1",
    }
