"""What a fitted model answers: one number per row, however its estimator spells it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import polars as pl


def dense(matrix: Any) -> np.ndarray:
    """A transformer's output (frame, array or sparse) as a 2-d float64 array."""
    import numpy as np

    if hasattr(matrix, "toarray"):
        matrix = matrix.toarray()
    return np.asarray(matrix, dtype=np.float64)


def predictions(model: Any, rows: pl.DataFrame) -> np.ndarray:
    """What a fitted pipeline says, 1-d float64: P(positive class), or the value of a regression.

    ``rows`` are the feature columns in model order; no rows give an empty array.
    """
    import numpy as np

    return answers_of(model[-1], dense(model[0].transform(rows))) if rows.height else np.empty(0)


def answers_of(estimator: Any, matrix: np.ndarray) -> np.ndarray:
    """The same of a fitted estimator alone, for an encoded matrix of at least one row."""
    import numpy as np

    if not hasattr(estimator, "predict_proba"):
        return np.asarray(estimator.predict(matrix), dtype=np.float64).reshape(-1)
    answers = np.asarray(estimator.predict_proba(matrix), dtype=np.float64)
    return answers[:, positive_column(estimator)] if answers.shape[1] > 1 else answers[:, 0]


def positive_column(model: Any) -> int:
    """Index of the positive class (the larger of the two labels) in ``predict_proba``."""
    import numpy as np

    return int(np.argmax(np.asarray(model.classes_)))
