"""The body of an inference request over REST, and of its answer. PURE but for the answering.

After "Inference" in the protocol's REST specification and its binary tensor data extension: with
``Inference-Header-Content-Length`` the JSON is that long and raw tensors follow it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from homeostat.errors import InputError
from homeostat.gateway.asked import Answering, Answers, Asked
from homeostat.gateway.v2.columns import check_wanted, chosen, columns_of, outputs_of
from homeostat.gateway.v2.tensors import (
    Tensor,
    checked_datatype,
    checked_shape,
    from_json,
    from_raw,
    to_json,
    to_raw,
    told,
)


@dataclass(frozen=True, slots=True)
class Target:
    """Which model is asked, and the names beside its features that may be sent."""

    model: str
    beside: Collection[str]
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """An inference request as it was read. ``binary`` names the outputs wanted as raw bytes."""

    id: str | None
    tensors: tuple[Tensor, ...]
    wanted: tuple[str, ...]
    binary: Mapping[str, bool]
    all_binary: bool


def infer(
    body: bytes, header_length: int | None, answering: Answering, target: Target
) -> tuple[bytes, int | None, Answers]:
    """The answer's body, the length of its JSON when raw tensors follow, and what was answered.

    Raises InputError naming the part of the request, and what ``answering`` raises.
    """
    request = read(body, header_length)
    schema = answering.schema(target.version)
    check_wanted(request.wanted, schema)
    columns, count = columns_of(request.tensors, schema, target.beside)
    answers = answering.answer(Asked(columns, count, target.version))
    outputs = chosen(outputs_of(answers, schema.task), request.wanted)
    written, length = write(request, outputs, answers, target)
    return written, length, answers


def read(body: bytes, header_length: int | None) -> Request:
    """An inference request. InputError naming what does not fit."""
    head, raw = body, memoryview(b"")
    if header_length is not None:
        if not 0 <= header_length <= len(body):
            raise _wrong("Inference-Header-Content-Length", "it is longer than the body", "mend it")
        head, raw = body[:header_length], memoryview(body)[header_length:]
    try:
        document = orjson.loads(head)
    except orjson.JSONDecodeError as error:
        raise _wrong("body", f"it is not JSON: {error}", "send a JSON object") from error
    if not isinstance(document, dict):
        raise _wrong("body", "it is no JSON object", 'send {"inputs": [...]}')
    identity = document.get("id")
    if "id" in document and not isinstance(identity, str):
        raise _wrong("id", "it is no text", "send a text, or leave it out")
    parameters = _object(document, "parameters", "parameters")
    wanted, binary = _outputs(document.get("outputs", []))
    return Request(
        id=identity,
        tensors=_inputs(document.get("inputs"), raw),
        wanted=wanted,
        binary=binary,
        all_binary=parameters.get("binary_data_output") is True,
    )


def write(
    request: Request, outputs: Sequence[Tensor], answers: Answers, target: Target
) -> tuple[bytes, int | None]:
    """The answer's body, and the length of its JSON when raw tensors follow it."""
    shown, raws = [], []
    for output in outputs:
        described: dict[str, Any] = {
            "name": output.name,
            "datatype": output.datatype,
            "shape": output.shape,
        }
        if request.binary.get(output.name, request.all_binary):
            raws.append(to_raw(output))
            described["parameters"] = {"binary_data_size": len(raws[-1])}
        else:
            described["data"] = to_json(output)
        shown.append(described)
    versions = set(answers.versions)
    document: dict[str, Any] = {"model_name": target.model, "outputs": shown}
    if len(versions) == 1:
        document["model_version"] = str(versions.pop())
    if request.id is not None:
        document["id"] = request.id
    head = orjson.dumps(document)
    return (head + b"".join(raws), len(head)) if raws else (head, None)


def _inputs(given: Any, raw: memoryview) -> tuple[Tensor, ...]:
    if not isinstance(given, list) or not given:
        raise _wrong("inputs", "there are no inputs", "send a list of tensors")
    tensors, place = [], 0
    for number, one in enumerate(given):
        where = f"inputs[{number}]"
        described = _is_object(one, where)
        name = described.get("name")
        if not isinstance(name, str):
            raise _wrong(f"{where}.name", "it is no text", "send the name of the input")
        datatype = checked_datatype(described.get("datatype"), where)
        shape = checked_shape(described.get("shape"), where)
        size = _object(described, "parameters", where).get("binary_data_size")
        if size is None:
            tensors.append(from_json(name, datatype, shape, described.get("data"), where))
            continue
        if described.get("data"):
            raise _wrong(f"{where}.data", "binary_data_size is there too", "send one of them")
        if type(size) is not int or not 0 <= size <= len(raw) - place:
            raise _wrong(
                f"{where}.parameters.binary_data_size",
                f"{told(size)} bytes are not there",
                "send Inference-Header-Content-Length, and the bytes after the JSON",
            )
        tensors.append(from_raw(name, datatype, shape, bytes(raw[place : place + size]), where))
        place += size
    if place != len(raw):
        raise _wrong("body", f"{len(raw) - place} bytes belong to no input", "name their tensor")
    return tuple(tensors)


def _outputs(given: Any) -> tuple[tuple[str, ...], dict[str, bool]]:
    if not isinstance(given, list):
        raise _wrong("outputs", "it is no list", "send a list of outputs, or leave it out")
    names, binary = [], {}
    for number, one in enumerate(given):
        where = f"outputs[{number}]"
        name = _is_object(one, where).get("name")
        if not isinstance(name, str):
            raise _wrong(f"{where}.name", "it is no text", "send the name of the output")
        names.append(name)
        asked = _object(one, "parameters", where).get("binary_data")
        if isinstance(asked, bool):
            binary[name] = asked
    return tuple(names), binary


def _object(holder: dict[str, Any], key: str, where: str) -> dict[str, Any]:
    """An optional object."""
    return _is_object(holder[key], f"{where}.{key}") if key in holder else {}


def _is_object(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(where, "it is no object", "send a JSON object")
    return value


def _wrong(where: str, problem: str, next_step: str) -> InputError:
    return InputError(problem, subject=where, next_step=next_step)
