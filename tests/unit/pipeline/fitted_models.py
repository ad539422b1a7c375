"""Real models on scikit-learn's bundled data, small enough to fit in milliseconds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import numpy as np
import polars as pl
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from homeostat.pipeline.package import PackageResult, package_model
from homeostat.testing.memory import MemoryBlobs

AS_OF = datetime(2024, 5, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Fitted:
    """A fitted pipeline and the rows that it was fitted on."""

    model: Pipeline
    rows: pl.DataFrame
    target: np.ndarray
    task: Any
    categorical: tuple[str, ...]


@cache
def cancer() -> tuple[pl.DataFrame, np.ndarray]:
    """Six numbers, with some nulls, and one category, with a null; 569 rows."""
    data = load_breast_cancer()
    names = [str(name).replace(" ", "_") for name in data.feature_names[:6]]
    rows = pl.DataFrame(data.data[:, :6], schema=names, orient="row")
    radius = pl.col("mean_radius")
    size = pl.when(radius < 12).then(pl.lit("small")).when(radius < 16).then(pl.lit("medium"))
    rows = rows.with_columns(
        size.otherwise(pl.lit("large")).alias("size"),
        pl.when(pl.int_range(rows.height) % 50 != 0).then("mean_texture").alias("mean_texture"),
    )
    rows = rows.with_columns(pl.when(pl.int_range(rows.height) != 7).then("size").alias("size"))
    return rows, data.target.astype(np.int64)


def preprocess(rows: pl.DataFrame, kind: str) -> ColumnTransformer:
    """``trees``: ordinal codes and plain numbers; ``linear``: one-hot, imputed and scaled."""
    numbers = [name for name in rows.columns if name != "size"]
    parts: list[Any] = []
    if kind == "trees":
        if "size" in rows.columns:
            ordinal = OrdinalEncoder(
                handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-1
            )
            parts.append(("category", ordinal, ["size"]))
        parts.append(("number", "passthrough", numbers))
    else:
        if "size" in rows.columns:
            one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
            parts.append(("category", one_hot, ["size"]))
        scaled = Pipeline([("impute", SimpleImputer()), ("scale", StandardScaler())])
        parts.append(("number", scaled, numbers))
    return ColumnTransformer(parts, verbose_feature_names_out=False)


def fit(estimator: Any, *, kind: str = "trees", seed_rows: int | None = None) -> Fitted:
    """Fit ``estimator`` on the cancer rows."""
    rows, target = cancer()
    rows, target = rows[:seed_rows], target[:seed_rows]
    model = Pipeline([("preprocess", preprocess(rows, kind)), ("estimator", estimator)])
    return Fitted(model.fit(rows, target), rows, target, "binary", ("size",))


def boosted(trees: int = 20, seed: int = 3) -> LGBMClassifier:
    """A small LightGBM, deterministic."""
    return LGBMClassifier(
        n_estimators=trees,
        min_child_samples=5,
        random_state=seed,
        n_jobs=1,
        deterministic=True,
        force_row_wise=True,
        verbose=-1,
    )


def forest() -> RandomForestClassifier:
    """A small forest."""
    return RandomForestClassifier(n_estimators=10, max_depth=5, random_state=3)


def logistic() -> LogisticRegression:
    """A linear classifier."""
    return LogisticRegression(max_iter=500)


def regression(estimator: Any | None = None) -> Fitted:
    """A regression on the diabetes rows."""
    data = load_diabetes()
    rows = pl.DataFrame(data.data, schema=list(data.feature_names), orient="row")
    target = data.target.astype(np.float64)
    chosen = estimator or LGBMRegressor(n_estimators=20, random_state=3, n_jobs=1, verbose=-1)
    kind = "linear" if isinstance(chosen, Ridge) else "trees"
    model = Pipeline([("preprocess", preprocess(rows, kind)), ("estimator", chosen)])
    return Fitted(model.fit(rows, target), rows, target, "regression", ())


def package(fitted: Fitted, blobs: MemoryBlobs, **changes: Any) -> PackageResult:
    """Package ``fitted`` with plain facts."""
    given: dict[str, Any] = {
        "task": fitted.task,
        "rows": fitted.rows,
        "categorical": fitted.categorical,
        "evaluation": fitted.rows.tail(100),
        "facts": {"run": "run-1", "rows": fitted.rows.height},
        "blobs": blobs,
        "as_of": AS_OF,
        "seed": 7,
    }
    return package_model(fitted.model, **(given | changes))
