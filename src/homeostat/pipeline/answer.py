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
    """What a fitted model says, 1-d float64: P(positive class) of a classifier, else the value."""
    import numpy as np

    if not rows.height:
        return np.empty(0)
    if hasattr(model, "predict_proba"):
        answers = np.asarray(model.predict_proba(rows), dtype=np.float64)
        return answers[:, positive_column(model)] if answers.shape[1] > 1 else answers[:, 0]
    return np.asarray(model.predict(rows), dtype=np.float64).reshape(-1)


def positive_column(model: Any) -> int:
    """Index of the positive class (the larger of the two labels) in ``predict_proba``."""
    import numpy as np

    return int(np.argmax(np.asarray(model.classes_)))
