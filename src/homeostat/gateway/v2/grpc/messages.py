"""Between gRPC messages and tensors. PURE.

A tensor's elements come either in its ``contents`` or, for all tensors of a message, in
``raw_input_contents``; never both. BF16 and FP16 exist as raw bytes only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from homeostat.errors import InputError
from homeostat.gateway.v2.tensors import (
    BYTES,
    DTYPES,
    Tensor,
    checked_datatype,
    checked_shape,
    decoded,
    from_raw,
    sized,
    to_raw,
)

FIELDS = {
    "BOOL": "bool_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    BYTES: "bytes_contents",
}


def tensors_of(request: Any) -> tuple[Tensor, ...]:
    """The inputs of a ``ModelInferRequest``. InputError naming the input."""
    raws = request.raw_input_contents
    if raws and len(raws) != len(request.inputs):
        raise InputError(
            f"{len(raws)} raw contents for {len(request.inputs)} inputs",
            subject="raw_input_contents",
            next_step="send one for each input, or contents in the inputs",
        )
    tensors = []
    for place, given in enumerate(request.inputs):
        where = f"inputs[{place}]"
        datatype = checked_datatype(given.datatype, where)
        shape = checked_shape(list(given.shape), where)
        if not raws:
            tensors.append(_from_contents(given, datatype, shape, where))
        elif given.HasField("contents"):
            raise InputError(
                "it has contents of its own beside the raw ones",
                subject=where,
                next_step="send either contents or raw_input_contents",
            )
        else:
            tensors.append(from_raw(given.name, datatype, shape, raws[place], where))
    return tuple(tensors)


def _from_contents(given: Any, datatype: str, shape: tuple[int, ...], where: str) -> Tensor:
    field = FIELDS.get(datatype)
    if field is None:
        raise InputError(
            f"{datatype} exists as raw contents only",
            subject=f"{where}.datatype",
            next_step="send raw_input_contents, or FP32",
        )
    filled = [one.name for one, _ in given.contents.ListFields() if one.name != field]
    if filled:
        raise InputError(
            f"its elements are in {filled[0]}",
            subject=f"{where}.contents",
            next_step=f"put elements of {datatype} into {field}",
        )
    values = getattr(given.contents, field)
    sized(len(values), shape, where)
    if datatype == BYTES:
        return Tensor(given.name, datatype, shape, [decoded(value, where) for value in values])
    try:
        return Tensor(given.name, datatype, shape, np.array(values, dtype=DTYPES[datatype]))
    except OverflowError as error:
        raise InputError(
            f"a value does not fit into {datatype}",
            subject=f"{where}.contents",
            next_step="send a wider datatype",
        ) from error


def fill(response: Any, outputs: Sequence[Tensor], *, raw: bool) -> None:
    """Put ``outputs`` into a ``ModelInferResponse``, as raw contents or each with its own."""
    for output in outputs:
        made = response.outputs.add(name=output.name, datatype=output.datatype)
        made.shape.extend(output.shape)
        if raw:
            response.raw_output_contents.append(to_raw(output))
            continue
        values = (
            [text.encode() for text in output.data]
            if isinstance(output.data, list)
            else output.data.tolist()
        )
        getattr(made.contents, FIELDS[output.datatype]).extend(values)
