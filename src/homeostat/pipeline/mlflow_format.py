"""Writes a model folder that MLflow, and whatever reads MLflow's format, can load."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from homeostat.pipeline.card import requirements
from homeostat.pipeline.model_file import ModelBytes
from homeostat.pipeline.quiet_mlflow import quiet_mlflow
from homeostat.pipeline.schema import Schema


def write_mlflow(
    folder: Path, model: Any, written: ModelBytes, schema: Schema, as_of: datetime
) -> None:
    """Write ``model`` to ``folder`` with its signature and pinned requirements.

    MLflow puts the time and a random id into the file ``MLmodel``. Here they are ``as_of`` and
    the head of the model digest, so that the same model gives the same folder. Its own copy of
    the model is replaced by ``written``, whose digest is recorded. Nothing is inferred, so no
    subprocess is started.
    """
    quiet_mlflow()
    import mlflow.sklearn
    from mlflow.models import Model

    described = Model(
        model_uuid=written.digest[:32],
        utc_time_created=as_of.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f"),
    )
    mlflow.sklearn.save_model(
        model,
        str(folder),
        mlflow_model=described,
        serialization_format=written.format,
        skops_trusted_types=list(written.types) or None,
        signature=_signature(schema),
        pip_requirements=requirements(model, written.format),
        pyfunc_predict_fn="predict_proba" if hasattr(model, "predict_proba") else "predict",
    )
    (folder / written.file_name).write_bytes(written.content)
    described.model_size_bytes = len(written.content)
    described.save(str(folder / "MLmodel"))


def _signature(schema: Schema) -> Any:
    import numpy as np
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, TensorSpec
    from mlflow.types import Schema as Columns

    inputs: list[Any] = [
        ColSpec("double" if feature.kind == "number" else "string", feature.name)
        for feature in schema.features
    ]
    shape = (-1, 2) if schema.task == "binary" else (-1,)
    return ModelSignature(
        inputs=Columns(inputs), outputs=Columns([TensorSpec(np.dtype("float64"), shape)])
    )
