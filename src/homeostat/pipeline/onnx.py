"""The estimator compiled to ONNX, kept only when it answers as the native model does."""

from __future__ import annotations

import os
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from homeostat.pipeline.answer import dense, positive_column, predictions

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

FILE = "model.onnx"
TOLERANCE = 1e-5
"""Largest difference on any evaluation row: absolute for probabilities, relative for values."""
INPUT = "matrix"
FEW_ROWS = 4096
"""Up to so many rows one thread answers: steady, while others wait for a busy processor."""
SLICE = 2048
"""Rows of one of several slices that are answered side by side."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """``content`` is the ONNX model of the estimator stage, None when it is not kept.

    Its input is the encoded matrix (float32, rows x columns, what ``preprocess`` gives), its one
    output the probabilities (rows x classes) or values (rows x 1). ``note`` says the measured
    difference, or why there is no compiled model.
    """

    content: bytes | None
    note: str


def compile_onnx(model: Any, rows: pl.DataFrame) -> Compiled:
    """Compile the estimator of a fitted pipeline and compare both on ``rows``.

    LightGBM goes through onnxmltools, scikit-learn through skl2onnx. What cannot be converted
    is no error: the native model serves, and the note says why.
    """
    import numpy as np

    if not rows.height:
        return Compiled(None, "not compiled: there are no evaluation rows to prove it equal on")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # converters warn about versions and deprecations
            matrix = dense(model[0].transform(rows))
            content = _converted(model[-1], matrix.shape[1])
            answered = Runtime(content).answer(matrix)
    except Exception as error:  # converters raise errors of every kind; none stops a run
        reason = (str(error).strip().splitlines() or [""])[0][:200]
        return Compiled(None, f"not compiled: {type(error).__name__}: {reason}")
    expected = predictions(model, rows)
    answer = answered[:, positive_column(model) if answered.shape[1] > 1 else 0]
    difference = np.abs(answer - expected)
    binary = hasattr(model, "predict_proba")
    if not binary:
        difference = difference / np.maximum(np.abs(expected), np.std(expected) + 1e-12)
    kind = "absolute" if binary else "relative"
    worst = float(np.max(difference))
    measured = f"largest {kind} difference {worst:.2g} on {rows.height} evaluation rows"
    if not worst <= TOLERANCE:  # also when it is NaN
        return Compiled(None, f"not used: {measured}, more than {TOLERANCE:g}")
    return Compiled(content, f"equal: {measured}")


class Runtime:
    """ONNX Runtime: few rows on one thread, many in slices on all processors.

    Slices side by side are faster than its own threads, which wait for each other. Raises what
    onnxruntime raises.
    """

    def __init__(self, content: bytes) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        self._session = onnxruntime.InferenceSession(
            content, options, providers=["CPUExecutionProvider"]
        )
        self._input = self._session.get_inputs()[0].name
        self._output = [self._session.get_outputs()[0].name]

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(os.cpu_count() or 1, "onnx")

    def answer(self, matrix: np.ndarray) -> np.ndarray:
        """Answers for an encoded matrix: rows x outputs, float64."""
        import numpy as np

        if len(matrix) <= FEW_ROWS:
            return self._slice(matrix)
        slices = [matrix[first : first + SLICE] for first in range(0, len(matrix), SLICE)]
        return np.concatenate(list(self._pool.map(self._slice, slices)))

    def _slice(self, matrix: np.ndarray) -> np.ndarray:
        import numpy as np

        with np.errstate(over="ignore"):  # beyond float32 is infinite, which the caller sees
            narrow = matrix.astype(np.float32)
        (answers,) = self._session.run(self._output, {self._input: narrow})
        return np.asarray(answers, dtype=np.float64).reshape(len(matrix), -1)


def _converted(estimator: Any, width: int) -> bytes:
    """ONNX bytes of one estimator, with the probabilities or values as the only output."""
    if type(estimator).__module__.startswith("lightgbm"):
        import onnxmltools
        from onnxmltools.convert.common.data_types import FloatTensorType

        # The booster knows no class labels: a boolean label would stop the converter.
        graph = onnxmltools.convert_lightgbm(
            estimator.booster_,
            initial_types=[(INPUT, FloatTensorType([None, width]))],
            zipmap=False,
        )
    else:
        import skl2onnx
        from skl2onnx.common.data_types import FloatTensorType

        classifier = hasattr(estimator, "predict_proba")
        graph = skl2onnx.convert_sklearn(
            estimator,
            initial_types=[(INPUT, FloatTensorType([None, width]))],
            options={id(estimator): {"zipmap": False}} if classifier else None,
        )
    outputs = graph.graph.output
    while len(outputs) > 1:  # the label comes first, the probabilities last
        del outputs[0]
    return _canonical(graph)


def _canonical(graph: Any) -> bytes:
    """Bytes that depend on the model only: no random name, and no order left to chance."""
    graph.graph.name = "estimator"
    graph.opset_import.sort(key=lambda opset: opset.domain)
    graph.graph.initializer.sort(key=lambda initial: initial.name)
    for node in graph.graph.node:
        node.attribute.sort(key=lambda attribute: attribute.name)
    content: bytes = graph.SerializeToString(deterministic=True)
    return content
