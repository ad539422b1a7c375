"""How much each feature moves the predictions: one number per feature, adding up to 1."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from homeostat.pipeline.answer import dense, predictions

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

MAX_ROWS = 500
"""Rows that are explained; more would cost time and move the means little."""

_TREES = ("sklearn.tree", "sklearn.ensemble", "xgboost", "catboost")


def explain(model: Any, rows: pl.DataFrame, seed: int) -> dict[str, float]:
    """Importance of each feature column of ``rows``: its share of the mean absolute effect.

    Tree models: the mean absolute SHAP value (Lundberg et al., "From local explanations to
    global understanding with explainable AI for trees", 2020), in the units of the model's
    margin. LightGBM computes them itself; for other trees ``shap.TreeExplainer`` does. Any
    other model: the mean absolute change of the prediction when the feature is permuted
    (after Breiman 2001, without labels). On a sample of at most 500 rows drawn with ``seed``.

    ``model`` is a fitted pipeline of ``preprocess`` and ``estimator``. The shares add up to 1,
    in the order of the columns; they are all 0 when no feature moves the prediction, or when
    there are no rows. Correlated features share their effect; nothing here tells a cause.
    """
    names = rows.columns
    sample = rows.sample(min(MAX_ROWS, rows.height), seed=seed, shuffle=True)
    if sample.is_empty():
        return dict.fromkeys(names, 0.0)
    owners = feature_owners(model[0], names)
    effects = _tree_effects(model, sample) if owners is not None else None
    if effects is None or owners is None:
        found = _permutation_effects(model, sample, seed)
    else:
        found = dict.fromkeys(names, 0.0)
        for owner, effect in zip(owners, effects, strict=True):
            found[owner] += float(effect)
    total = sum(found.values())
    return {name: effect / total if total > 0 else 0.0 for name, effect in found.items()}


def feature_owners(preprocess: Any, names: Sequence[str]) -> list[str] | None:
    """Which input feature each output column of a fitted ColumnTransformer comes from.

    None when an output column mixes several inputs, or the transformer is of another kind.
    """
    slices = getattr(preprocess, "output_indices_", None)
    if slices is None:
        return None
    width = max((part.stop for part in slices.values()), default=0)
    owners = [""] * width
    for name, transformer, columns in preprocess.transformers_:
        part = slices.get(name, slice(0, 0))
        if part.stop == part.start:
            continue
        inputs = [names[c] if isinstance(c, int) else str(c) for c in columns]
        counts = _widths(transformer, len(inputs), part.stop - part.start)
        if counts is None:
            return None
        repeated = [one for one, count in zip(inputs, counts, strict=True) for _ in range(count)]
        owners[part] = repeated
    return owners


def _widths(transformer: Any, inputs: int, outputs: int) -> list[int] | None:
    """How many output columns each input column of one transformer has."""
    if inputs == outputs:
        return [1] * inputs
    if inputs == 1:
        return [outputs]
    last = transformer[-1] if hasattr(transformer, "steps") else transformer
    seen = getattr(last, "categories_", None)
    if seen is not None and len(seen) == inputs and sum(len(one) for one in seen) == outputs:
        return [len(one) for one in seen]
    return None


def _tree_effects(model: Any, sample: pl.DataFrame) -> np.ndarray | None:
    """Mean absolute SHAP value per output column; None when the model is not of trees."""
    import numpy as np

    estimator = model[-1]
    booster = getattr(estimator, "booster_", None)
    if booster is not None and type(booster).__module__.startswith("lightgbm"):
        values = np.asarray(
            booster.predict(dense(model[0].transform(sample)), pred_contrib=True, num_threads=1)
        )
        width = booster.num_feature() + 1
        return np.asarray(
            np.abs(values.reshape(sample.height, -1, width)[:, :, :-1]).mean(axis=(0, 1))
        )
    if not type(estimator).__module__.startswith(_TREES):
        return None
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"shap(\..*)?")
        warnings.filterwarnings("ignore", module=r"numba(\..*)?")
        warnings.filterwarnings("ignore", message="X does not have valid feature names")
        import shap

        try:
            values = shap.TreeExplainer(estimator).shap_values(
                dense(model[0].transform(sample)), check_additivity=False
            )
        except shap.utils._exceptions.InvalidModelError:
            return None
    stacked = np.asarray(values)
    if isinstance(values, list):  # one array of rows x columns per class
        stacked = np.moveaxis(stacked, 0, -1)
    other_axes = tuple(axis for axis in range(stacked.ndim) if axis != 1)
    return np.asarray(np.abs(stacked).mean(axis=other_axes))


def _permutation_effects(model: Any, sample: pl.DataFrame, seed: int) -> dict[str, float]:
    """Mean absolute change of the prediction when one column is permuted."""
    import numpy as np

    generator = np.random.default_rng(seed)
    before = predictions(model, sample)
    found = {}
    for name in sample.columns:
        order = generator.permutation(sample.height)
        changed = sample.with_columns(sample[name].gather(order))
        found[name] = float(np.mean(np.abs(predictions(model, changed) - before)))
    return found
