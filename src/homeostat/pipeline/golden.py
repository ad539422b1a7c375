"""A few rows with the answers that the model gave when it was packaged: its self-test."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from homeostat.errors import ModelLoadError
from homeostat.pipeline.answer import predictions

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

FILE = "golden.parquet"
MAX_ROWS = 50
EXPECTED = "homeostat__prediction"
"""Column of the recorded answers."""
RELATIVE = 1e-6
"""Answers may differ by so much between processors; more is another model."""


def write_golden(folder: Path, model: Any, rows: pl.DataFrame, seed: int) -> None:
    """Write at most 50 of ``rows``, drawn with ``seed``, with the model's answers."""
    import polars as pl

    chosen = rows.sample(min(MAX_ROWS, rows.height), seed=seed, shuffle=True)
    answers = pl.Series(EXPECTED, predictions(model, chosen), dtype=pl.Float64)
    chosen.with_columns(answers).write_parquet(folder / FILE, compression="zstd")


def read_golden(package: Path) -> tuple[pl.DataFrame, np.ndarray]:
    """The rows, and the recorded answers as 1-d float64; raises ModelLoadError."""
    import polars as pl

    path = package / FILE
    try:
        frame = pl.read_parquet(path)
        return frame.drop(EXPECTED), frame.get_column(EXPECTED).to_numpy()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise ModelLoadError(
            f"the golden rows cannot be read ({error})",
            subject=str(path),
            next_step="restore the package from the blob store, or roll back",
        ) from error
