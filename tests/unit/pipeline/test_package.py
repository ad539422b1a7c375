from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from homeostat.domain.codec import digest
from homeostat.errors import ModelLoadError
from homeostat.pipeline.answer import predictions
from homeostat.pipeline.golden import EXPECTED
from homeostat.pipeline.model_file import canonical_skops, forbidden_types, from_bytes, to_bytes
from homeostat.pipeline.package import nullable
from homeostat.pipeline.schema import Schema
from homeostat.spec.code import load_function
from homeostat.testing.memory import MemoryBlobs

from . import fitted_models as given


@pytest.fixture(scope="module")
def packed() -> tuple[given.Fitted, MemoryBlobs, Path]:
    fitted = given.fit(given.boosted())
    blobs = MemoryBlobs()
    result = given.package(fitted, blobs, profile=b"{}")
    return fitted, blobs, blobs.get_tree(result.package_digest)


def test_a_package_has_all_its_parts(packed: tuple[given.Fitted, MemoryBlobs, Path]) -> None:
    _, _, folder = packed
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert found == {
        "card.json",
        "environment.json",
        "golden.parquet",
        "mlflow/MLmodel",
        "mlflow/conda.yaml",
        "mlflow/model.skops",
        "mlflow/python_env.yaml",
        "mlflow/requirements.txt",
        "model.onnx",
        "profile.json",
        "schema.json",
    }


def test_training_and_packaging_again_gives_the_same_digests() -> None:
    blobs = MemoryBlobs()
    first = given.package(given.fit(given.boosted()), blobs)
    second = given.package(given.fit(given.boosted()), blobs)
    other = given.package(given.fit(given.boosted(seed=4, trees=21)), blobs)
    assert first == second
    assert first.model_digest != other.model_digest
    assert first.package_digest != other.package_digest


def test_another_process_writes_the_same_model_bytes() -> None:
    script = (
        "from tests.unit.pipeline import fitted_models as given\n"
        "from homeostat.pipeline.model_file import to_bytes\n"
        "print(to_bytes(given.fit(given.boosted()).model).digest)\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONHASHSEED": "12345"},
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == to_bytes(given.fit(given.boosted()).model).digest


def test_the_model_digest_is_of_the_file_in_the_package(
    packed: tuple[given.Fitted, MemoryBlobs, Path],
) -> None:
    fitted, _, folder = packed
    content = (folder / "mlflow" / "model.skops").read_bytes()
    assert digest(content) == to_bytes(fitted.model).digest
    assert json.loads((folder / "card.json").read_bytes())["model_digest"] == digest(content)


def test_mlflow_loads_the_package_and_answers_the_same(
    packed: tuple[given.Fitted, MemoryBlobs, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow.pyfunc

    fitted, _, folder = packed
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "true")
    model = mlflow.pyfunc.load_model(str(folder / "mlflow"))
    assert model.metadata.get_input_schema().input_names() == fitted.rows.columns
    answers = model.predict(fitted.rows.drop_nulls().to_pandas())
    expected = predictions(fitted.model, fitted.rows.drop_nulls())
    np.testing.assert_allclose(np.asarray(answers)[:, 1], expected)


def test_requirements_are_pinned_and_nothing_is_inferred(
    packed: tuple[given.Fitted, MemoryBlobs, Path],
) -> None:
    lines = (packed[2] / "mlflow" / "requirements.txt").read_text().split()
    named = {line.split("==")[0] for line in lines}
    assert {"lightgbm", "scikit-learn", "skops", "numpy"} <= named
    assert all("==" in line for line in lines)


def test_the_golden_rows_carry_the_answers(packed: tuple[given.Fitted, MemoryBlobs, Path]) -> None:
    fitted, _, folder = packed
    golden = pl.read_parquet(folder / "golden.parquet")
    assert 0 < golden.height <= 50
    rows = golden.drop(EXPECTED)
    assert rows.schema == fitted.rows.schema
    np.testing.assert_allclose(golden[EXPECTED], predictions(fitted.model, rows))


def test_the_schema_says_kinds_ranges_and_categories(
    packed: tuple[given.Fitted, MemoryBlobs, Path],
) -> None:
    fitted, _, folder = packed
    schema = msgspec.json.decode((folder / "schema.json").read_bytes(), type=Schema)
    assert schema.names == tuple(fitted.rows.columns)
    by_name = {feature.name: feature for feature in schema.features}
    assert set(by_name["size"].categories) == {"small", "medium", "large"}
    assert by_name["size"].null_share == pytest.approx(1 / 569)
    radius = by_name["mean_radius"]
    assert (radius.kind, radius.low) == ("number", fitted.rows["mean_radius"].min())


def test_the_card_holds_the_facts(packed: tuple[given.Fitted, MemoryBlobs, Path]) -> None:
    card = json.loads((packed[2] / "card.json").read_bytes())
    assert card["facts"] == {"run": "run-1", "rows": 569}
    assert card["estimator"] == "lightgbm.sklearn.LGBMClassifier"
    assert card["onnx"].startswith("equal")


def test_without_onnx_the_note_says_so() -> None:
    result = given.package(given.fit(given.boosted()), MemoryBlobs(), compile_to_onnx=False)
    assert not result.onnx
    assert "onnx: false" in result.onnx_note


def test_nulls_are_allowed_where_the_model_answers_them() -> None:
    trees = given.fit(given.boosted())
    assert nullable(trees.model, trees.rows) == tuple(trees.rows.columns)
    rows = given.cancer()[0].drop_nulls()
    parts = given.preprocess(rows, "trees")
    model = Pipeline([("preprocess", parts), ("estimator", LogisticRegression(max_iter=2_000))])
    model.fit(rows, np.arange(rows.height) % 2)
    assert nullable(model, rows) == ("size",)


OWN = """
from sklearn.linear_model import LogisticRegression

FACTOR = {factor}


def scaled(matrix):
    return matrix * FACTOR


class Base(LogisticRegression):
    def predict_proba(self, matrix):
        return super().predict_proba(scaled(matrix))


class Own(Base):
    pass


def make():
    return Own(max_iter=500)
"""


def own(folder: Path, factor: float = 2.0) -> Any:
    """An estimator of a class that stands beside the project file."""
    folder.mkdir(exist_ok=True)
    (folder / "own.py").write_text(OWN.format(factor=factor))
    return load_function(folder, "own:make")()


def test_an_estimator_class_of_the_project_is_pickled_and_only_read_with_its_digest(
    tmp_path: Path,
) -> None:
    fitted = given.fit(own(tmp_path), kind="linear")
    written = to_bytes(fitted.model)
    assert written.format == "cloudpickle"
    with pytest.raises(ModelLoadError, match="digest is known"):
        from_bytes(written.content, written.file_name, None)
    with pytest.raises(ModelLoadError, match="the ledger trusts 000000"):
        from_bytes(written.content, written.file_name, "0" * 64)
    model = from_bytes(written.content, written.file_name, written.digest)
    np.testing.assert_array_equal(
        predictions(model, fitted.rows), predictions(fitted.model, fitted.rows)
    )


def test_a_package_of_a_pickled_model_is_whole_and_answers_in_a_process_without_the_project(
    tmp_path: Path,
) -> None:
    blobs = MemoryBlobs()
    result = given.package(given.fit(own(tmp_path / "project"), kind="linear"), blobs)
    folder = blobs.get_tree(result.package_digest)
    assert digest((folder / "mlflow" / "model.pkl").read_bytes()) == result.model_digest
    script = (
        "from pathlib import Path\n"
        "from homeostat.pipeline.scorer import load_scorer\n"
        f"load_scorer(Path({str(folder)!r}), trusted_digest={result.model_digest!r}).self_test()\n"
    )
    shutil.rmtree(tmp_path / "project")
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_project_class_gives_the_same_bytes_in_every_process(tmp_path: Path) -> None:
    here = to_bytes(given.fit(own(tmp_path), kind="linear").model).digest
    assert to_bytes(given.fit(own(tmp_path), kind="linear").model).digest == here
    script = (
        "from pathlib import Path\n"
        "from tests.unit.pipeline.test_package import own, given, to_bytes\n"
        f"print(to_bytes(given.fit(own(Path({str(tmp_path)!r})), kind='linear').model).digest)\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", script],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == here


def test_two_versions_of_a_project_class_live_in_one_process(tmp_path: Path) -> None:
    rows = given.cancer()[0]
    written, answers = [], []
    for factor in (1.0, -1.0):
        fitted = given.fit(own(tmp_path, factor), kind="linear")
        written.append(to_bytes(fitted.model))
        answers.append(predictions(fitted.model, rows))
    for one, expected in zip(written, answers, strict=True):
        model = from_bytes(one.content, one.file_name, one.digest)
        np.testing.assert_array_equal(predictions(model, rows), expected)


def test_types_of_the_standard_library_are_no_part_of_a_model() -> None:
    assert forbidden_types(("builtins.eval", "os.system", "__main__.Own", "lightgbm.X")) == (
        "builtins.eval",
        "os.system",
        "__main__.Own",
    )
    assert forbidden_types(("collections.OrderedDict",)) == ()


def test_a_skops_file_of_unknown_types_needs_the_recorded_digest() -> None:
    fitted = given.fit(given.boosted())
    written = to_bytes(fitted.model)
    altered = _with_module(written.content, "lightgbm.sklearn", "hypothesis.sklearn")
    with pytest.raises(ModelLoadError, match="asks to build hypothesis"):
        from_bytes(altered, written.file_name, None)
    evil = _with_module(written.content, "lightgbm.sklearn", "subprocess")
    with pytest.raises(ModelLoadError, match="asks to build subprocess"):
        from_bytes(evil, written.file_name, digest(evil))


def _with_module(content: bytes, old: str, new: str) -> bytes:
    import io
    import zipfile

    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["schema.json"] = members["schema.json"].replace(old.encode(), new.encode())
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, held in members.items():
            archive.writestr(name, held)
    return target.getvalue()


def test_canonical_bytes_are_a_fixed_point() -> None:
    written = to_bytes(given.fit(given.boosted()).model)
    assert canonical_skops(written.content) == written.content


def test_a_damaged_model_file_is_a_typed_error() -> None:
    with pytest.raises(ModelLoadError, match="cannot be read"):
        from_bytes(b"not a zip", "model.skops", None)
