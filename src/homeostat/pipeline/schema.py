"""What rows a model takes: feature names, kinds, ranges and categories seen in training."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from homeostat.domain.codec import canonical
from homeostat.errors import InputError, ModelLoadError

if TYPE_CHECKING:
    import polars as pl

FILE = "schema.json"
MAX_CATEGORIES = 1_000
"""A feature with more categories keeps the most frequent ones in the schema."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One input.

    ``categories``: those seen in training, most frequent first; ``low`` and ``high``: the range
    seen in training, which is a description and no limit. ``null_allowed``: the model was tried
    with a null here and answered.
    """

    name: str
    kind: Literal["number", "category"]
    null_allowed: bool = True
    null_share: float = 0.0
    categories: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Schema:
    """All inputs in model order, and the task: ``binary`` or ``regression``."""

    task: Literal["binary", "regression"]
    features: tuple[Feature, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Feature names in model order."""
        return tuple(feature.name for feature in self.features)

    def to_json(self) -> bytes:
        """Canonical JSON, as stored in ``schema.json``."""
        return canonical(self)

    def conform(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The features of ``frame`` in model order, numbers as Float64, categories as String.

        Other columns are left out. NaN counts as null. A category not seen in training stays
        as it is: the model's own encoding knows what to do. Raises InputError naming the field:
        column missing, a value that is no number, a null where the model cannot take one.
        """
        import polars as pl

        missing = [name for name in self.names if name not in frame.columns]
        if missing:
            raise InputError(
                f"the column is missing; the model takes {', '.join(self.names)}",
                subject=", ".join(missing),
                next_step="send all features; null stands for an unknown value where allowed",
            )
        chosen = frame.select(self.names)
        kinds = ["category" if dtype == pl.String else dtype for dtype in chosen.dtypes]
        wanted = [one.kind if one.kind == "category" else pl.Float64 for one in self.features]
        if kinds == wanted:
            rows = chosen.with_columns(pl.col(pl.Float64).fill_nan(None))
        else:
            rows = pl.DataFrame(
                [_as_kind(chosen.get_column(one.name), one) for one in self.features]
            )
        for feature in self.features:
            if not feature.null_allowed and (nulls := rows.get_column(feature.name).null_count()):
                raise InputError(
                    f"{nulls} of {rows.height} values are null; this model cannot take a null here",
                    subject=feature.name,
                    next_step="send a value, or train with an estimator that handles nulls",
                )
        return rows


def _as_kind(column: pl.Series, feature: Feature) -> pl.Series:
    import polars as pl

    dtype = column.dtype
    if feature.kind == "category":
        if dtype == pl.String:
            return column
        if dtype.is_integer() or dtype in (pl.Boolean, pl.Null, pl.Categorical, pl.Enum):
            return column.cast(pl.String)
        raise _wrong(feature, column, "a category is text, a whole number or a boolean")
    if dtype == pl.Float64:
        return column.fill_nan(None)
    if dtype.is_numeric() or dtype in (pl.Boolean, pl.Null):
        number = column.cast(pl.Float64)
        return number.fill_nan(None) if dtype.is_float() else number
    if dtype == pl.String:
        number = column.cast(pl.Float64, strict=False)
        if number.null_count() == column.null_count():
            return number.fill_nan(None)
        column = column.filter(number.is_null() & column.is_not_null())
    raise _wrong(feature, column, "it must be a number")


def _wrong(feature: Feature, column: pl.Series, rule: str) -> InputError:
    example = column.drop_nulls().head(1).to_list()
    shown = f", for example {str(example[0])[:60]!r}" if example else ""
    return InputError(
        f"values have type {column.dtype}{shown}; {rule}",
        subject=feature.name,
        next_step="convert the field before sending it",
    )


def schema_of(
    rows: pl.DataFrame,
    categorical: Collection[str],
    task: Literal["binary", "regression"],
    null_allowed: Collection[str],
) -> Schema:
    """Describe training ``rows``, whose columns are the features in model order."""
    import polars as pl

    features = []
    for name in rows.columns:
        column = rows.get_column(name)
        share = column.null_count() / rows.height if rows.height else 0.0
        if name in categorical:
            seen = (
                column.drop_nulls()
                .cast(pl.String)
                .value_counts(name="n")
                .sort("n", name, descending=[True, False])
                .get_column(name)
                .head(MAX_CATEGORIES)
                .to_list()
            )
            features.append(
                Feature(name, "category", name in null_allowed, share, categories=tuple(seen))
            )
            continue
        known = column.cast(pl.Float64).fill_nan(None).drop_nulls()
        low, high = known.min(), known.max()
        features.append(
            Feature(
                name,
                "number",
                name in null_allowed,
                share,
                low=None if low is None else float(low),  # type: ignore[arg-type]
                high=None if high is None else float(high),  # type: ignore[arg-type]
            )
        )
    return Schema(task, tuple(features))


def read_schema(package: Path) -> Schema:
    """The schema of a package folder; raises ModelLoadError when it is gone or damaged."""
    path = package / FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=Schema)
    except (OSError, msgspec.DecodeError) as error:
        raise ModelLoadError(
            f"the model's schema cannot be read ({error})",
            subject=str(path),
            next_step="restore the package from the blob store, or roll back",
        ) from error
