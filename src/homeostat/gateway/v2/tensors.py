"""Tensors of the Open Inference Protocol: datatypes, JSON data, raw bytes. PURE.

After the protocol's specification, "Tensor Data Types" and "Tensor Data", and its binary tensor
data extension: little-endian, row-major, BYTES as elements with a four-byte length before each.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from homeostat.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

DTYPES: dict[str, np.dtype[Any]] = {
    "BOOL": np.dtype(np.bool_),
    "UINT8": np.dtype("u1"),
    "UINT16": np.dtype("<u2"),
    "UINT32": np.dtype("<u4"),
    "UINT64": np.dtype("<u8"),
    "INT8": np.dtype("i1"),
    "INT16": np.dtype("<i2"),
    "INT32": np.dtype("<i4"),
    "INT64": np.dtype("<i8"),
    "FP16": np.dtype("<f2"),
    "FP32": np.dtype("<f4"),
    "FP64": np.dtype("<f8"),
}
BYTES = "BYTES"
BF16 = "BF16"
DATATYPES = (*DTYPES, BF16, BYTES)
MAX_ELEMENTS = 50_000_000
MAX_AXES = 16
"""Most entries of a shape, and the deepest nesting of JSON data."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """A named tensor. ``data`` is flat and row-major: a numpy array, or a list of texts (BYTES)."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    data: NDArray[Any] | list[str]


def checked_shape(shape: Any, where: str) -> tuple[int, ...]:
    """A shape of whole numbers that are not negative. InputError naming ``where``."""
    fits = (
        isinstance(shape, list | tuple)
        and len(shape) <= MAX_AXES
        and all(type(size) is int and 0 <= size <= MAX_ELEMENTS for size in shape)
    )
    if not fits or math.prod(shape) > MAX_ELEMENTS:
        raise InputError(
            f"{told(shape)} is no shape",
            subject=f"{where}.shape",
            next_step="send a list of whole numbers, such as [2, 3]",
        )
    return tuple(shape)


def checked_datatype(datatype: Any, where: str) -> str:
    """A datatype of the protocol. InputError naming ``where``."""
    if datatype not in DATATYPES:
        raise InputError(
            f"{told(datatype)} is no datatype",
            subject=f"{where}.datatype",
            next_step=f"send one of {', '.join(DATATYPES)}",
        )
    return str(datatype)


def told(value: Any) -> str:
    """A JSON value for a message: short, however long or deep the value is."""
    if isinstance(value, list | tuple):
        return f"a list of {len(value):,}"
    if isinstance(value, dict):
        return "an object"
    return repr(value[:40]) if isinstance(value, str) else str(value)[:40]


def from_json(name: str, datatype: str, shape: tuple[int, ...], data: Any, where: str) -> Tensor:
    """A tensor from JSON ``data``, nested evenly or flat. InputError: values, count, range."""
    flat = _flat(data, where)
    sized(len(flat), shape, where)
    if datatype == BYTES:
        return Tensor(name, datatype, shape, [_text(value, where) for value in flat])
    if datatype == BF16:
        raise InputError(
            "BF16 has no JSON form",
            subject=f"{where}.datatype",
            next_step="send it as binary tensor data, or send FP32",
        )
    return Tensor(name, datatype, shape, _numbers(flat, datatype, where))


def _flat(given: Any, where: str) -> list[Any]:
    data = given
    if not isinstance(data, list):
        raise InputError(
            "the data is no list", subject=f"{where}.data", next_step="send a list, nested or flat"
        )
    depth = 0
    while data and isinstance(data[0], list):
        depth += 1
        even = all(isinstance(part, list) and len(part) == len(data[0]) for part in data)
        if depth > MAX_AXES or not even:
            raise InputError(
                "the data is nested unevenly",
                subject=f"{where}.data",
                next_step="nest the lists as the shape says, or send a flat list",
            )
        data = [value for part in data for value in part]
    flat: list[Any] = data
    return flat


def sized(count: int, shape: tuple[int, ...], where: str) -> None:
    """InputError when ``count`` elements do not make ``shape``."""
    wanted = math.prod(shape)
    if count != wanted:
        raise InputError(
            f"there are {count:,} elements, and the shape {list(shape)} has {wanted:,}",
            subject=f"{where}.data",
            next_step="let shape and data agree",
        )


def _numbers(flat: list[Any], datatype: str, where: str) -> NDArray[Any]:
    dtype = DTYPES[datatype]
    kinds = {type(value) for value in flat}
    allowed = {bool} if datatype == "BOOL" else {int, float} if dtype.kind == "f" else {int}
    if dtype.kind == "f" and type(None) in kinds:  # JSON has no NaN: null stands for it
        flat = [math.nan if value is None else value for value in flat]
        kinds.discard(type(None))
    if not kinds <= allowed:
        wrong = next(value for value in flat if type(value) not in allowed)
        raise InputError(
            f"{told(wrong)} is not of type {datatype}",
            subject=f"{where}.data",
            next_step="send values of the datatype, or another datatype",
        )
    try:
        with np.errstate(over="ignore"):
            made = np.array(flat, dtype=dtype)
    except OverflowError as error:
        raise _narrow(datatype, where) from error
    if dtype.kind == "f" and np.isinf(made).any():  # JSON has no infinity: it was a large number
        raise _narrow(datatype, where)
    return made


def _narrow(datatype: str, where: str) -> InputError:
    return InputError(
        f"a value does not fit into {datatype}",
        subject=f"{where}.data",
        next_step="send a wider datatype",
    )


def _text(value: Any, where: str) -> str:
    if isinstance(value, str):
        return value
    raise InputError(
        f"{told(value)} is no text",
        subject=f"{where}.data",
        next_step="send BYTES elements as texts",
    )


def from_raw(name: str, datatype: str, shape: tuple[int, ...], raw: bytes, where: str) -> Tensor:
    """A tensor from raw bytes. InputError when their number does not fit."""
    if datatype == BYTES:
        texts = _elements(raw, where)
        sized(len(texts), shape, where)
        return Tensor(name, datatype, shape, texts)
    size = 2 if datatype == BF16 else DTYPES[datatype].itemsize
    if len(raw) != size * math.prod(shape):
        raise InputError(
            f"{len(raw):,} bytes do not make {list(shape)} of {datatype}",
            subject=f"{where}.data",
            next_step=f"send {size * math.prod(shape):,} bytes",
        )
    if datatype == BF16:  # the upper half of an FP32
        widened = np.frombuffer(raw, dtype="<u2").astype("<u4") << 16
        return Tensor(name, datatype, shape, widened.view("<f4"))
    return Tensor(name, datatype, shape, np.frombuffer(raw, dtype=DTYPES[datatype]))


def _elements(raw: bytes, where: str) -> list[str]:
    texts, place = [], 0
    while place < len(raw):
        end = place + 4
        if end <= len(raw):
            (length,) = struct.unpack_from("<I", raw, place)
            if end + length <= len(raw):
                texts.append(decoded(raw[end : end + length], where))
                place = end + length
                continue
        raise InputError(
            "a BYTES element ends before its length",
            subject=f"{where}.data",
            next_step="put four bytes of length, little-endian, before each element",
        )
    return texts


def decoded(element: bytes, where: str) -> str:
    """A BYTES element as text. InputError when it is no UTF-8."""
    try:
        return element.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            "a BYTES element is no UTF-8",
            subject=f"{where}.data",
            next_step="send categories and ids as UTF-8 text",
        ) from error


def to_json(tensor: Tensor) -> list[Any]:
    """The data as a flat list for JSON; NaN as null."""
    if isinstance(tensor.data, list):
        return tensor.data
    values: list[Any] = tensor.data.tolist()
    if tensor.data.dtype.kind == "f":
        return [value if math.isfinite(value) else None for value in values]
    return values


def to_raw(tensor: Tensor) -> bytes:
    """The data as raw bytes."""
    if isinstance(tensor.data, list):
        return b"".join(
            struct.pack("<I", len(text)) + text for text in (t.encode() for t in tensor.data)
        )
    if tensor.datatype == BF16:
        return (tensor.data.astype("<f4").view("<u4") >> 16).astype("<u2").tobytes()
    return tensor.data.astype(DTYPES[tensor.datatype]).tobytes()
