"""Which metrics can be foretold before labels are known, by task."""

from __future__ import annotations

FORETOLD: dict[str, dict[str, str]] = {
    "binary": {
        "auc": "roc_auc", "average_precision": "average_precision", "accuracy": "accuracy",
        "precision": "precision", "recall": "recall", "f1": "f1", "log_loss": "log_loss",
        "brier": "brier",
    },
    "regression": {"mae": "mae", "rmse": "rmse"},
}  # fmt: skip
"""Metrics by task and name, and what :mod:`homeostat.stats.estimate` calls them."""
