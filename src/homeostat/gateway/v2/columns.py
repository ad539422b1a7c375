"""Between tensors and the rows of a model. PURE.

Each feature is an input of shape [n] or [n, 1]; numbers take any numeric datatype, categories
BYTES (or whole numbers). The event's id and the entity are optional inputs. When all features
are numbers, one two-dimensional input named ``rows`` stands for them as well, in model order.
"""

from __future__ import annotations

import math
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
    kinds = {feature.name: feature.kind for feature in schema.features}
    columns: dict[str, Sequence[Any]] = {}
    heights: dict[str, int] = {}
    for place, tensor in enumerate(tensors):
        where, name = f"inputs[{place}]", tensor.name
        made: dict[str, Sequence[Any]]
        if name == ROWS and ROWS not in kinds and ROWS not in beside:
            made = _matrix(tensor, schema, where)
        else:
            _check_column(tensor, where)
            if name in kinds:
                made = {name: (_numbers if kinds[name] == "number" else _texts)(tensor, where)}
            elif name in beside:
                made = {name: _plain(tensor)}
            else:
                known = ", ".join(schema.names)
                raise _wrong(where, f"there is no input '{name[:60]}'", f"the inputs are {known}")
        twice = next((one for one in made if one in columns), None)
        if twice is not None:
            raise _wrong(where, f"the input '{twice}' is there twice", "send it once")
        columns.update(made)
        heights[name] = tensor.shape[0]
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
    """InputError when an output is asked for twice, or that the model does not have."""
    names = output_names(schema.task)
    seen: set[str] = set()
    for place, name in enumerate(wanted):
        if name not in names:
            raise _wrong(
                f"outputs[{place}]",
                f"there is no output '{name[:60]}'",
                f"the outputs are {', '.join(names)}",
            )
        if name in seen:
            raise _wrong(f"outputs[{place}]", f"'{name}' is asked for twice", "ask for it once")
        seen.add(name)


def _matrix(tensor: Tensor, schema: Schema, where: str) -> dict[str, Sequence[Any]]:
    categories = [f.name for f in schema.features if f.kind == "category"]
    if categories:
        raise _wrong(where, f"'{categories[0]}' is a category", "send each feature as an input")
    if len(tensor.shape) != 2 or tensor.shape[1] != len(schema.names):
        raise _wrong(
            f"{where}.shape",
            f"{list(tensor.shape)} is not [rows, {len(schema.names)}]",
            f"send the features in the order {', '.join(schema.names)}",
        )
    matrix = np.asarray(_numbers(tensor, where)).reshape(tensor.shape)
    return dict(zip(schema.names, matrix.T, strict=True))


def _check_column(tensor: Tensor, where: str) -> None:
    if len(tensor.shape) != 1 and tensor.shape[1:] != (1,):
        raise _wrong(
            f"{where}.shape",
            f"{list(tensor.shape)} is not one column",
            "send the shape [n] or [n, 1]",
        )


def _plain(tensor: Tensor) -> Sequence[Any]:
    """Elements as they are, NaN as null: a key may be a whole number or a text."""
    if isinstance(tensor.data, list):
        return tensor.data
    values: list[Any] = tensor.data.tolist()
    if tensor.data.dtype.kind == "f":
        return [None if math.isnan(value) else value for value in values]
    return values


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
