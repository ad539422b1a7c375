"""A quiet connection to MLflow, whose failures are ours."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from homeostat.errors import StateError
from homeostat.pipeline.quiet_mlflow import quiet_mlflow

_PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "20"}
"""MLflow's own patience (7 retries, 2 minutes) would hold up the loop, which tries again anyway."""


def connect(uri: str) -> Any:
    """An ``MlflowClient`` of the server or database at ``uri``; raises StateError.

    The first connection to a new SQLite file takes seconds: MLflow creates its tables by
    running all its migrations.
    """
    for name, value in _PATIENCE.items():
        os.environ.setdefault(name, value)
    with talking_to(uri):
        quiet_mlflow()
        from mlflow import MlflowClient

        return MlflowClient(tracking_uri=uri, registry_uri=uri)


@contextmanager
def talking_to(uri: str) -> Iterator[None]:
    """Turn whatever MLflow raises inside the block into a StateError that names ``uri``."""
    try:
        yield
    except StateError:
        raise
    except Exception as error:  # MLflow, requests, SQLAlchemy and alembic have a tree each
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
        raise StateError(
            f"MLflow did not do it: {reason}",
            subject=_without_secret(uri),
            next_step=(
                "check that the server runs and the URL under 'tracking.mlflow' is right; "
                "the loop goes on without it and tries again at the next pass"
            ),
        ) from error


def is_absent(error: Exception) -> bool:
    """Whether an MLflow error says that the thing asked for does not exist."""
    return getattr(error, "error_code", "") == "RESOURCE_DOES_NOT_EXIST"


def _without_secret(uri: str) -> str:
    scheme, mark, rest = uri.partition("://")
    return f"{scheme}{mark}{rest.rpartition('@')[2]}"
