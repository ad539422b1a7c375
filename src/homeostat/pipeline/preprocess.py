"""Step *preprocess*: features to numbers, fitted on the training part only.

The fitted transformer is the first half of the model and goes with it wherever it serves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeostat.spec.project import Project

if TYPE_CHECKING:
    import polars as pl


def fit_preprocess(project: Project, rows: pl.DataFrame, *, takes_nan: bool) -> Any:
    """The :func:`preprocessor` fitted on ``rows``, which hold at least the features."""
    return preprocessor(project, takes_nan).fit(inputs(project, rows))


def preprocessor(project: Project, takes_nan: bool) -> Any:
    """An unfitted ``ColumnTransformer`` for the project's features, Polars or pandas frames.

    Categories become ordinal codes; one never seen in training, or null, becomes -1. Numbers
    pass through with NaN for null when the estimator ``takes_nan``; else they are filled with
    the training median (0 for a feature that was always null) and scaled.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OrdinalEncoder, StandardScaler

    names = project.features.names
    categorical = [name for name in names if name in project.features.categorical]
    numeric = [name for name in names if name not in project.features.categorical]
    encoder = OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-1
    )
    number: Any = "passthrough"
    if not takes_nan:
        number = Pipeline([
            ("impute", SimpleImputer(strategy="median", keep_empty_features=True)),
            ("scale", StandardScaler()),
        ])  # fmt: skip
    parts = [("categories", encoder, categorical)] if categorical else []
    parts += [("numbers", number, numeric)] if numeric else []
    return ColumnTransformer(parts, remainder="drop", verbose_feature_names_out=False)


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
