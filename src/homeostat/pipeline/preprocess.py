"""Step *preprocess*: features to numbers, fitted on the training part only.

The fitted transformer is the first half of the model and goes with it wherever it serves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeostat.spec.project import Project

if TYPE_CHECKING:
    import polars as pl


def fit_preprocess(project: Project, rows: pl.DataFrame, *, takes_nan: bool) -> Any:
    """A ``ColumnTransformer`` fitted on ``rows``, which hold at least the features.

    It takes Polars and pandas frames alike. Categories become ordinal codes in the order of the
    alphabet; null, and a category never seen in training, become -1. Numbers pass through with
    NaN for null when the estimator ``takes_nan``; else they are filled with the training median
    (0 for a feature that was always null) and scaled.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    given = inputs(project, rows)
    categorical = [name for name in given.columns if name in project.features.categorical]
    numeric = [name for name in given.columns if name not in project.features.categorical]
    number: Any = "passthrough"
    if not takes_nan:
        number = Pipeline([
            ("impute", SimpleImputer(strategy="median", keep_empty_features=True)),
            ("scale", StandardScaler()),
        ])  # fmt: skip
    parts: list[Any] = []
    if categorical:
        parts.append(("categories", _encoder(given.select(categorical)), categorical))
    if numeric:
        parts.append(("numbers", number, numeric))
    made = ColumnTransformer(parts, remainder="drop", verbose_feature_names_out=False)
    return made.fit(given)


def _encoder(rows: pl.DataFrame) -> Any:
    """An encoder that knows the categories and no null.

    Left to itself it gives None, as Polars has it, a code of its own, but not NaN, as pandas
    has it: the same row would be predicted in two ways.
    """
    import numpy as np
    from sklearn.preprocessing import OrdinalEncoder

    known = [column.drop_nulls().unique().sort().to_list() for column in rows.get_columns()]
    return OrdinalEncoder(
        categories=[np.array(seen or [""], dtype=object) for seen in known],
        handle_unknown="use_encoded_value",
        unknown_value=-1,
    )


def takes_nan(estimator: Any) -> bool:
    """Whether an estimator accepts NaN in its input, by its scikit-learn tags; unknown is no."""
    from sklearn.utils import get_tags

    try:
        return bool(get_tags(estimator).input_tags.allow_nan)
    except (AttributeError, TypeError):
        return False


def inputs(project: Project, rows: pl.DataFrame) -> pl.DataFrame:
    """The feature columns of ``rows``, in model order."""
    return rows.select(project.features.names)
