"""Between tensors and the rows of a model. PURE.

Each feature is an input of shape [n] or [n, 1]; numbers take any numeric datatype, categories
BYTES (or whole numbers). The event's id and the entity are optional inputs. When all features
are numbers, one two-dimensional input named ``rows`` does as well, in model order.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from homeostat.errors import InputError
from homeostat.gateway.asked import Answers
from homeostat.gateway.v2.tensors import BYTES, Tensor
from homeostat.pipeline.schema import Schema

ROWS = "rows"
THRESHOLD = 0.5


def columns_of(
    tensors: Sequence[Tensor], schema: Schema, beside: Collection[str]
) -> tuple[dict[str, Sequence[Any]], int]:
    """The columns of a request and its number of rows. InputError naming the input.

    ``beside`` are the names that are no features and may be sent: the event's id, the entity,
    keys of views.
    """
    if len(tensors) == 1 and tensors[0].name == ROWS and ROWS not in schema.names:
        return _matrix(tensors[0], schema)
    kinds = {feature.name: feature.kind for feature in schema.features}
    columns: dict[str, Sequence[Any]] = {}
    heights: dict[str, int] = {}
    for place, tensor in enumerate(tensors):
        where = f"inputs[{place}]"
        if tensor.name in columns:
            raise _wrong(where, f"the input '{tensor.name}' is there twice", "send it once")
        if tensor.name not in kinds and tensor.name not in beside:
            known = ", ".join(schema.names)
            raise _wrong(where, f"there is no input '{tensor.name}'", f"the inputs are {known}")
        heights[tensor.name] = _height(tensor, where)
        if tensor.name not in kinds:
            columns[tensor.name] = _plain(tensor)
        elif kinds[tensor.name] == "number":
            columns[tensor.name] = _numbers(tensor, where)
        else:
            columns[tensor.name] = _texts(tensor, where)
    if len(set(heights.values())) > 1:
        told = ", ".join(f"{name}: {height}" for name, height in heights.items())
        raise _wrong("inputs", f"inputs differ in their rows ({told[:200]})", "send equal numbers")
    return columns, next(iter(heights.values()), 0)


def outputs_of(answers: Answers, task: str) -> list[Tensor]:
    """All outputs of the answers of a task (``binary``, ``regression``), in their order."""
    count = len(answers.ids)
    predictions = np.asarray(answers.predictions, dtype=np.float64)
    outputs = [Tensor("prediction", "FP64", (count,), predictions)]
    if task == "binary":
        both = np.column_stack([1.0 - predictions, predictions])
        outputs += [
            Tensor("probabilities", "FP64", (count, 2), both.ravel()),
            Tensor("label", "BOOL", (count,), predictions >= THRESHOLD),
        ]
    return [
        *outputs,
        Tensor("version", "INT64", (count,), np.asarray(answers.versions, dtype=np.int64)),
        Tensor("prediction_id", BYTES, (count,), list(answers.ids)),
        Tensor("event_id", BYTES, (count,), list(answers.events)),
    ]


def output_names(task: str) -> list[str]:
    """Names of the outputs of a task, in their order."""
    nothing = Answers(ids=(), events=(), versions=(), predictions=())
    return [output.name for output in outputs_of(nothing, task)]


def chosen(outputs: Sequence[Tensor], wanted: Sequence[str]) -> list[Tensor]:
    """The outputs that were asked for, in that order; all when none is named."""
    known = {output.name: output for output in outputs}
    return [known[name] for name in wanted] if wanted else list(outputs)


def check_wanted(wanted: Sequence[str], schema: Schema) -> None:
    """InputError when an output is asked for that the model does not have."""
    names = output_names(schema.task)
    for place, name in enumerate(wanted):
        if name not in names:
            raise _wrong(
                f"outputs[{place}]",
                f"there is no output '{name}'",
                f"the outputs are {', '.join(names)}",
            )


def _matrix(tensor: Tensor, schema: Schema) -> tuple[dict[str, Sequence[Any]], int]:
    categories = [f.name for f in schema.features if f.kind == "category"]
    if categories:
        raise _wrong(
            "inputs[0]", f"'{categories[0]}' is a category", "send each feature as its own input"
        )
    if len(tensor.shape) != 2 or tensor.shape[1] != len(schema.names):
        raise _wrong(
            "inputs[0].shape",
            f"{list(tensor.shape)} is not [rows, {len(schema.names)}]",
            f"send the features in the order {', '.join(schema.names)}",
        )
    matrix = np.asarray(_numbers(tensor, "inputs[0]")).reshape(tensor.shape)
    return dict(zip(schema.names, matrix.T, strict=True)), tensor.shape[0]


def _height(tensor: Tensor, where: str) -> int:
    if len(tensor.shape) == 1 or (len(tensor.shape) == 2 and tensor.shape[1] == 1):
        return tensor.shape[0]
    raise _wrong(
        f"{where}.shape", f"{list(tensor.shape)} is not one column", "send the shape [n] or [n, 1]"
    )


def _plain(tensor: Tensor) -> Sequence[Any]:
    """Elements as they are: a key may be a whole number or a text."""
    return tensor.data if isinstance(tensor.data, list) else tensor.data.tolist()


def _numbers(tensor: Tensor, where: str) -> Sequence[Any]:
    if isinstance(tensor.data, list):
        raise _wrong(f"{where}.datatype", f"'{tensor.name}' is a number", "send FP64 or FP32")
    return tensor.data.astype(np.float64)  # type: ignore[return-value]  # sized and indexed alike


def _texts(tensor: Tensor, where: str) -> Sequence[Any]:
    if isinstance(tensor.data, list):
        return tensor.data
    if tensor.data.dtype.kind == "f":
        raise _wrong(f"{where}.datatype", f"'{tensor.name}' is a text", "send BYTES")
    if tensor.data.dtype.kind == "b":
        return [str(value).lower() for value in tensor.data.tolist()]
    return [str(value) for value in tensor.data.tolist()]


def _wrong(where: str, problem: str, next_step: str) -> InputError:
    return InputError(problem, subject=where, next_step=next_step)
