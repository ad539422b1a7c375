from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from homeostat.errors import InputError, ModelLoadError
from homeostat.pipeline.answer import predictions
from homeostat.pipeline.golden import EXPECTED
from homeostat.pipeline.scorer import Scorer, load_scorer
from homeostat.testing.memory import MemoryBlobs

from . import fitted_models as given

MAKERS: dict[str, Callable[[], given.Fitted]] = {
    "lightgbm": lambda: given.fit(given.boosted()),
    "forest": lambda: given.fit(given.forest(), kind="linear"),
    "logistic": lambda: given.fit(given.logistic(), kind="linear"),
    "regression": given.regression,
}
_KEPT: dict[str, tuple[given.Fitted, MemoryBlobs, Path, str]] = {}


def packed(kind: str) -> tuple[given.Fitted, MemoryBlobs, Path, str]:
    if kind not in _KEPT:
        fitted, blobs = MAKERS[kind](), MemoryBlobs()
        result = given.package(fitted, blobs)
        folder = blobs.get_tree(result.package_digest)
        _KEPT[kind] = (fitted, blobs, folder, result.model_digest)
    return _KEPT[kind]


def scorer(kind: str = "lightgbm") -> Scorer:
    return load_scorer(packed(kind)[2], trusted_digest=packed(kind)[3])


def own_copy(source: Path, target: Path) -> Path:
    import shutil

    shutil.copytree(source, target)
    return target


@pytest.mark.parametrize("kind", MAKERS)
def test_a_loaded_version_answers_as_the_model_that_was_packaged(kind: str) -> None:
    fitted = packed(kind)[0]
    loaded = scorer(kind)
    answers = loaded.score(fitted.rows)
    assert answers.dtype == np.float64
    assert answers.shape == (fitted.rows.height,)
    np.testing.assert_allclose(answers, predictions(fitted.model, fitted.rows), rtol=1e-12)
    loaded.self_test()
    assert loaded.digest == packed(kind)[3]


def test_the_compiled_model_answers_within_the_tolerance() -> None:
    fitted, _, folder, trusted = packed("lightgbm")
    loaded = load_scorer(folder, trusted_digest=trusted, engine="onnx")
    loaded.self_test()
    difference = np.abs(loaded.score(fitted.rows) - predictions(fitted.model, fitted.rows))
    assert difference.max() <= 1e-5


def test_order_of_columns_and_extra_columns_do_not_matter() -> None:
    rows = packed("lightgbm")[0].rows
    shuffled = rows.select(reversed(rows.columns)).with_columns(pl.lit("x").alias("other"))
    np.testing.assert_array_equal(scorer().score(shuffled), scorer().score(rows))


def test_a_missing_column_is_named() -> None:
    rows = packed("lightgbm")[0].rows
    with pytest.raises(InputError) as caught:
        scorer().score(rows.drop("mean_area"))
    assert caught.value.subject == "mean_area"


def test_an_unknown_category_is_answered_as_the_model_was_trained_to() -> None:
    fitted = packed("lightgbm")[0]
    strange = fitted.rows.with_columns(pl.lit("enormous").alias("size"))
    np.testing.assert_allclose(scorer().score(strange), predictions(fitted.model, strange))


@pytest.mark.parametrize("dtype", [pl.Categorical, pl.Enum(["small", "medium", "large"])])
def test_categories_of_other_types_count_as_text(dtype: pl.DataType) -> None:
    rows = packed("lightgbm")[0].rows
    cast = rows.with_columns(pl.col("size").cast(dtype))
    np.testing.assert_array_equal(scorer().score(cast), scorer().score(rows))


@pytest.mark.parametrize("dtype", [pl.Float32, pl.Int64, pl.String, pl.Decimal(20, 6)])
def test_numbers_of_other_types_are_cast(dtype: pl.DataType) -> None:
    rows = packed("lightgbm")[0].rows.with_columns(pl.col("mean_area").round(0))
    cast = rows.with_columns(pl.col("mean_area").cast(dtype))
    np.testing.assert_array_equal(scorer().score(cast), scorer().score(rows))


@pytest.mark.parametrize("value", ["a lot", "2024-01-01"])
def test_text_that_is_no_number_is_refused_with_the_field_and_an_example(value: str) -> None:
    rows = packed("lightgbm")[0].rows.with_columns(pl.lit(value).alias("mean_area"))
    with pytest.raises(InputError, match=value) as caught:
        scorer().score(rows)
    assert caught.value.subject == "mean_area"


def test_a_list_or_a_time_is_no_number_and_a_float_is_no_category() -> None:
    rows = packed("lightgbm")[0].rows
    for column in (pl.lit([1.0]).alias("mean_area"), pl.lit(given.AS_OF).alias("mean_area")):
        with pytest.raises(InputError, match="must be a number"):
            scorer().score(rows.with_columns(column))
    with pytest.raises(InputError, match="a category is text"):
        scorer().score(rows.with_columns(pl.lit(1.5).alias("size")))


def test_nulls_and_nans_are_one_and_are_answered_where_the_model_can() -> None:
    rows = packed("lightgbm")[0].rows
    nulls = rows.with_columns(pl.lit(None, dtype=pl.Float64).alias("mean_area"))
    nans = rows.with_columns(pl.lit(float("nan")).alias("mean_area"))
    untyped = rows.with_columns(pl.lit(None).alias("mean_area"), pl.lit(None).alias("size"))
    np.testing.assert_array_equal(scorer().score(nulls), scorer().score(nans))
    assert np.isfinite(scorer().score(untyped)).all()


def test_a_null_that_the_model_cannot_take_names_the_field() -> None:
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import Pipeline

    fitted, blobs = given.regression(), MemoryBlobs()
    steps = [("preprocess", given.preprocess(fitted.rows, "trees")), ("estimator", Ridge())]
    model = Pipeline(steps).fit(fitted.rows, fitted.target)
    bare = given.Fitted(model, fitted.rows, fitted.target, "regression", ())
    folder = blobs.get_tree(given.package(bare, blobs).package_digest)
    with pytest.raises(InputError, match="cannot take a null") as caught:
        load_scorer(folder).score(bare.rows.with_columns(pl.lit(None).alias("bmi")))
    assert caught.value.subject == "bmi"
    with pytest.raises(InputError, match="infinite"):
        load_scorer(folder).score(bare.rows.with_columns(pl.lit(float("inf")).alias("bmi")))


def test_no_rows_give_no_answers() -> None:
    rows = packed("lightgbm")[0].rows
    assert scorer().score(rows.clear()).shape == (0,)


def test_a_single_row_answers_as_in_a_batch() -> None:
    rows = packed("lightgbm")[0].rows
    batch = scorer().score(rows)
    np.testing.assert_array_equal([scorer().score(rows[i])[0] for i in range(5)], batch[:5])


def test_another_digest_than_the_trusted_one_is_refused() -> None:
    with pytest.raises(ModelLoadError, match="the ledger trusts"):
        load_scorer(packed("lightgbm")[2], trusted_digest="0" * 64)


def test_an_altered_model_file_is_refused(tmp_path: Path) -> None:
    _, _, folder, trusted = packed("lightgbm")
    copy = own_copy(folder, tmp_path / "package")
    other = packed("forest")[2] / "mlflow" / "model.skops"
    (copy / "mlflow" / "model.skops").write_bytes(other.read_bytes())
    with pytest.raises(ModelLoadError, match="the ledger trusts"):
        load_scorer(copy, trusted_digest=trusted)
    with pytest.raises(ModelLoadError, match="self-test"):
        load_scorer(copy).self_test()


def test_a_self_test_fails_when_the_recorded_answers_differ(tmp_path: Path) -> None:
    copy = own_copy(packed("lightgbm")[2], tmp_path / "package")
    golden = pl.read_parquet(copy / "golden.parquet")
    golden.with_columns(pl.col(EXPECTED) + 1e-3).write_parquet(copy / "golden.parquet")
    with pytest.raises(ModelLoadError, match=r"differ by up to 0\.001"):
        load_scorer(copy).self_test()
    golden.with_columns(pl.lit(float("nan")).alias(EXPECTED)).write_parquet(copy / "golden.parquet")
    with pytest.raises(ModelLoadError, match="differ by up to nan"):
        load_scorer(copy).self_test()


@pytest.mark.parametrize("name", ["schema.json", "golden.parquet", "mlflow/model.skops"])
@pytest.mark.parametrize("damage", ["gone", "cut"])
def test_a_damaged_package_is_a_typed_error(tmp_path: Path, name: str, damage: str) -> None:
    copy = own_copy(packed("lightgbm")[2], tmp_path / "package")
    if damage == "gone":
        (copy / name).unlink()
    else:
        (copy / name).write_bytes((copy / name).read_bytes()[:40])
    with pytest.raises(ModelLoadError):
        load_scorer(copy).self_test()


def test_loading_and_scoring_need_neither_mlflow_nor_shap() -> None:
    folder = packed("lightgbm")[2]
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from homeostat.pipeline.scorer import load_scorer\n"
        f"load_scorer(Path({str(folder)!r})).self_test()\n"
        "print([name for name in ('mlflow', 'shap') if name in sys.modules])\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == "[]"
