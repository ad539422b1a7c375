"""Imports MLflow so that it neither phones home nor writes to the user's terminal."""

from __future__ import annotations

import logging
import os
from types import ModuleType

_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "GIT_PYTHON_REFRESH": "quiet",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


def quiet_mlflow() -> ModuleType:
    """The ``mlflow`` module (3 s to import the first time), silent and without telemetry.

    Variables that the user has set stay, except the two that switch telemetry off.
    """
    for name, value in _ENVIRONMENT.items():
        if name in ("MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK"):
            os.environ[name] = value
        else:
            os.environ.setdefault(name, value)
    import mlflow

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    return mlflow
