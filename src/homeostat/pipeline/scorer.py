"""Loads a package and answers: the object that the gateway, and every comparison, scores with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from homeostat.errors import InputError, ModelLoadError
from homeostat.pipeline import onnx
from homeostat.pipeline.answer import answers_of, positive_column
from homeostat.pipeline.encoder import Encode, encoder_of
from homeostat.pipeline.golden import RELATIVE, read_golden
from homeostat.pipeline.model_file import PICKLE, SKOPS, from_bytes
from homeostat.pipeline.row_encoder import EncodeRow, row_encoder_of
from homeostat.pipeline.schema import Schema, read_schema

if TYPE_CHECKING:
    import numpy as np
    import polars as pl


class Scorer:
    """A loaded version. ``digest`` is of the very bytes that were loaded.

    ``model`` is the fitted pipeline, ``schema`` what rows it takes. Scoring changes nothing, so
    several threads may share one scorer.
    """

    def __init__(
        self,
        model: Any,
        schema: Schema,
        digest: str,
        package: Path,
        encode: Encode,
        runtime: onnx.Runtime | None,
        encode_row: EncodeRow | None = None,
    ) -> None:
        self.model = model
        self.schema = schema
        self.digest = digest
        self.package = package
        self.encode_row = encode_row
        """The preprocessing of one row without a frame; None when there is no such form."""
        self._encode = encode
        self._runtime = runtime
        self._booster = _plain_booster(model)
        self._column = positive_column(model) if hasattr(model, "predict_proba") else 0

    @property
    def engine(self) -> str:
        """``onnx`` or ``native``: what computes the answers."""
        return "native" if self._runtime is None else "onnx"

    def score(self, frame: pl.DataFrame) -> np.ndarray:
        """One float64 per row: P(positive class), or the value of a regression.

        ``frame`` holds the features by name, in any order; other columns are left out. No rows
        give an empty array. Raises InputError naming the field that does not fit.
        """
        import numpy as np

        rows = self.schema.conform(frame)
        if not rows.height:
            return np.empty(0)
        try:
            return self._answer(self._encode(rows))
        except ValueError as error:  # what scikit-learn raises for a value it cannot take
            raise self._untakeable(error) from error

    def score_matrix(self, matrix: np.ndarray) -> np.ndarray:
        """Answer encoded rows, float64 of shape (rows, columns): one float64 per row.

        For rows that were conformed and encoded by :attr:`encode_row`. Raises InputError.
        """
        try:
            return self._answer(matrix)
        except ValueError as error:
            raise self._untakeable(error) from error

    def _untakeable(self, error: ValueError) -> InputError:
        return InputError(
            f"the model cannot take these rows ({error})",
            subject=", ".join(self.schema.names),
            next_step="look for infinite or far too large numbers",
        )

    def _answer(self, matrix: np.ndarray) -> np.ndarray:
        import numpy as np

        if self._runtime is not None:
            answers = self._runtime.answer(matrix)
            answer = answers[:, self._column if answers.shape[1] > 1 else 0]
            if np.isfinite(answer).all():
                return answer
            # A number beyond float32 became infinite on the way in: the native model takes it.
        if self._booster is not None:
            threads = 1 if len(matrix) <= onnx.FEW_ROWS else 0
            return np.asarray(self._booster.predict(matrix, num_threads=threads))
        return answers_of(self.model[-1], matrix)

    def self_test(self) -> None:
        """Answer the golden rows; ModelLoadError when the answers are not the recorded ones."""
        import numpy as np

        rows, expected = read_golden(self.package)
        try:
            answers = self.score(rows)
        except InputError as error:
            raise self._broken(f"it refuses its own golden rows: {error.problem}") from error
        limit = RELATIVE if self._runtime is None else onnx.TOLERANCE
        scale = np.maximum(np.abs(expected), 1.0 if self.schema.task == "binary" else 1e-9)
        worst = float(np.max(np.abs(answers - expected) / scale, initial=0.0))
        if not worst <= limit:  # also when it is NaN
            raise self._broken(
                f"its answers to the golden rows differ by up to {worst:.3g}, limit {limit:g}"
            )

    def _broken(self, problem: str) -> ModelLoadError:
        return ModelLoadError(
            f"the model failed its self-test: {problem}",
            subject=str(self.package),
            next_step="compare the installed versions with mlflow/requirements.txt, or roll back",
        )


def load_scorer(
    package: Path,
    *,
    trusted_digest: str | None = None,
    engine: Literal["native", "onnx", "auto"] = "native",
) -> Scorer:
    """Load the version in a package folder, without MLflow.

    ``trusted_digest`` is the model digest that the ledger records: a model file with other
    bytes is refused before anything in it is used, and a pickle is refused without it.
    ``engine="onnx"`` answers with the compiled model, which must be in the package; ``auto``
    with the compiled model when there is one. Raises ModelLoadError. The caller decides when to
    run :meth:`Scorer.self_test`.
    """
    from homeostat.domain.codec import digest

    schema = read_schema(package)
    path = next((p for n in (SKOPS, PICKLE) if (p := package / "mlflow" / n).is_file()), None)
    if path is None:
        raise ModelLoadError(
            "there is no model in the package",
            subject=str(package / "mlflow"),
            next_step="restore the package from the blob store, or roll back",
        )
    content = path.read_bytes()
    model = from_bytes(content, path.name, trusted_digest)
    compiled = engine == "onnx" or (engine == "auto" and (package / onnx.FILE).is_file())
    runtime = _runtime(package / onnx.FILE) if compiled else None
    probe = schema.conform(read_golden(package)[0])
    encode = encoder_of(model[0], probe)
    row = row_encoder_of(model[0], encode, probe)
    return Scorer(model, schema, digest(content), package, encode, runtime, row)


def _runtime(path: Path) -> onnx.Runtime:
    try:
        return onnx.Runtime(path.read_bytes())
    except Exception as error:  # onnxruntime has error classes of its own
        raise ModelLoadError(
            f"the compiled model cannot be loaded ({type(error).__name__}: {error})",
            subject=str(path),
            next_step="use engine='native'; the card says why a model was not compiled",
        ) from error


def _plain_booster(model: Any) -> Any | None:
    """LightGBM's own booster where it gives the answer itself: no wrapper in the hot path."""
    estimator = model[-1]
    if not type(estimator).__module__.startswith("lightgbm"):
        return None
    objective = estimator.objective_
    if callable(objective):
        return None
    if hasattr(estimator, "predict_proba"):
        plain = objective == "binary" and positive_column(model) == 1
        return estimator.booster_ if plain else None
    return estimator.booster_
