"""A candidate's folder: model in MLflow format, schema, golden rows, ONNX, profile, card."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from homeostat.domain.codec import canonical
from homeostat.pipeline import card, golden, onnx, schema
from homeostat.pipeline.answer import predictions
from homeostat.pipeline.mlflow_format import write_mlflow
from homeostat.pipeline.model_file import to_bytes
from homeostat.pipeline.schema import schema_of
from homeostat.ports.blobs import Blobs

if TYPE_CHECKING:
    import polars as pl

PROFILE = "profile.json"


@dataclass(frozen=True, slots=True)
class PackageResult:
    """Digests of a package.

    ``model_digest`` is of the model's own bytes; ``package_digest`` names the folder in the
    blob store.
    """

    package_digest: str
    model_digest: str
    profile_digest: str | None
    onnx: bool
    onnx_note: str


def package_model(
    model: Any,
    *,
    task: Literal["binary", "regression"],
    rows: pl.DataFrame,
    categorical: Collection[str],
    evaluation: pl.DataFrame,
    facts: Mapping[str, Any],
    blobs: Blobs,
    as_of: datetime,
    seed: int,
    compile_to_onnx: bool = True,
    profile: bytes | None = None,
) -> PackageResult:
    """Write the package of a fitted pipeline and store it; the same input gives the same digests.

    ``rows`` are the training rows, ``evaluation`` the rows on which ONNX is proven; both hold the
    feature columns only, in model order. ``facts`` (JSON values) go into the card; ``as_of``
    stands in the MLflow file for the time of creation; ``profile`` is the reference profile.
    """
    written = to_bytes(model)
    shape = schema_of(rows, categorical, task, nullable(model, rows))
    compiled = (
        onnx.compile_onnx(model, evaluation)
        if compile_to_onnx
        else onnx.Compiled(None, "not compiled: the project file says 'onnx: false'")
    )
    with tempfile.TemporaryDirectory(prefix="homeostat-package-") as temporary:
        folder = Path(temporary)
        write_mlflow(folder / "mlflow", model, written, shape, as_of)
        (folder / schema.FILE).write_bytes(shape.to_json())
        golden.write_golden(folder, model, evaluation if evaluation.height else rows, seed)
        (folder / card.FILE).write_bytes(card.card_of(model, written, shape, compiled.note, facts))
        (folder / card.ENVIRONMENT).write_bytes(canonical(card.environment()))
        if compiled.content is not None:
            (folder / onnx.FILE).write_bytes(compiled.content)
        if profile is not None:
            (folder / PROFILE).write_bytes(profile)
        package_digest = blobs.put_tree(folder)
    return PackageResult(
        package_digest,
        written.digest,
        None if profile is None else blobs.put(profile),
        compiled.content is not None,
        compiled.note,
    )


def nullable(model: Any, rows: pl.DataFrame) -> tuple[str, ...]:
    """The features in which ``model`` takes a null, found out by trying it."""
    import polars as pl

    sample = rows.head(5)

    def answers(names: list[str]) -> bool:
        import numpy as np

        nulls = [pl.lit(None, dtype=rows.schema[name]).alias(name) for name in names]
        try:
            return bool(np.isfinite(predictions(model, sample.with_columns(nulls))).all())
        except (ValueError, TypeError):  # what estimators raise for a value they cannot take
            return False

    if answers(rows.columns):
        return tuple(rows.columns)
    return tuple(name for name in rows.columns if answers([name]))
