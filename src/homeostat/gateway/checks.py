"""What a version accepts, compiled once per version. PURE.

A record is read in one loop over the features: types, categories, ranges and nulls, by the
project's declared policies. The slow path with its messages is taken only for a record that
does not fit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from homeostat.errors import InputError
from homeostat.pipeline.schema import Feature, Schema
from homeostat.spec.serving import Serving

Values = list[float | str | None]
"""The features of one row in model order: number, category or null."""

_ANY: frozenset[str] = frozenset()


class Checks:
    """Reads records for one schema under one policy. Holds no state that changes."""

    def __init__(self, schema: Schema, serving: Serving) -> None:
        self.schema = schema
        self.names = schema.names
        self._serving = serving
        self._fields = [_field(feature, serving) for feature in schema.features]
        self._count = len(self._fields)
        self._missing_flagged = serving.missing == "flag"

    def read(self, record: Mapping[str, Any], others: int, flags: list[str]) -> Values:
        """The values of one row, in model order; flags are appended to ``flags``.

        ``others`` is the number of keys of ``record`` that are no features and known to be
        right (the event's id, the entity). Raises InputError naming the field.
        """
        values: Values = []
        take = values.append
        for name, low, high, known, plain in self._fields:
            value = record.get(name, _ABSENT)
            kind = type(value)
            if plain:
                if kind is float or kind is int:
                    if low <= value <= high:
                        take(value)
                        continue
                    value = self._number(name, value, low, high, flags)
                else:
                    value = self._converted(name, value, low, high, flags)
            elif kind is not str or (known is not _ANY and value not in known):
                value = self._category(name, value, known, flags)
            take(value)
        if len(record) != self._count + others:
            raise self._unknown(record)
        return values

    # -- the slow path ------------------------------------------------------------------

    def _converted(
        self, name: str, value: Any, low: float, high: float, flags: list[str]
    ) -> float | None:
        if value is None:
            self._null(name, flags)
            return None
        if value is True or value is False:
            number = float(value)
        elif isinstance(value, str):
            try:
                number = float(value)
            except ValueError:
                raise _wrong(name, value, "it must be a number") from None
        elif value is _ABSENT:
            raise self._absent(name)
        else:
            raise _wrong(name, value, "it must be a number")
        return self._number(name, number, low, high, flags)

    def _number(
        self, name: str, value: float, low: float, high: float, flags: list[str]
    ) -> float | None:
        if math.isnan(value):  # NaN stands for null, as everywhere
            self._null(name, flags)
            return None
        if value in (math.inf, -math.inf):
            raise _wrong(name, value, "it must be finite")
        if low <= value <= high or self._serving.out_of_range == "ignore":
            return value
        if self._serving.out_of_range == "reject":
            raise InputError(
                f"{value!r} is outside of the range {low:g} to {high:g} seen in training",
                subject=name,
                next_step="correct the value, or declare serving.out_of_range: flag",
            )
        flags.append(f"range:{name}")
        return value

    def _category(
        self, name: str, value: Any, known: frozenset[str], flags: list[str]
    ) -> str | None:
        if value is None or (isinstance(value, float) and math.isnan(value)):
            self._null(name, flags)
            return None
        if value is _ABSENT:
            raise self._absent(name)
        if isinstance(value, bool):
            text = str(value).lower()
        elif isinstance(value, str | int):
            text = str(value)
        else:
            raise _wrong(name, value, "a category is text, a whole number or a boolean")
        if known is _ANY or text in known:
            return text
        if self._serving.unknown_category == "reject":
            raise InputError(
                f"the category {text[:60]!r} was not seen in training",
                subject=name,
                next_step="correct the value, or declare serving.unknown_category: flag",
            )
        flags.append(f"unknown:{name}")
        return text

    def _null(self, name: str, flags: list[str]) -> None:
        allowed = self.schema.features[self.names.index(name)].null_allowed
        if self._serving.missing == "reject" or not allowed:
            raise InputError(
                "it is null" + ("" if allowed else "; this model cannot take a null here"),
                subject=name,
                next_step="send a value"
                + (", or declare serving.missing: impute" if allowed else ""),
            )
        if self._missing_flagged:
            flags.append(f"missing:{name}")

    def _absent(self, name: str) -> InputError:
        return InputError(
            f"'{name}' is missing",
            subject=name,
            next_step="send it, with null where it is not known",
        )

    def _unknown(self, record: Mapping[str, Any]) -> InputError:
        names = set(self.names)
        extra = [name for name in record if name not in names]
        return InputError(
            f"there is no feature '{extra[-1] if extra else ''}'",
            subject=extra[-1] if extra else "record",
            next_step=f"the features are {', '.join(self.names)}",
        )


_ABSENT = object()


def _field(feature: Feature, serving: Serving) -> tuple[str, float, float, frozenset[str], bool]:
    """Name, range, known categories, and whether it is a number."""
    if feature.kind == "category":
        return feature.name, 0.0, 0.0, frozenset(feature.categories) or _ANY, False
    if serving.out_of_range == "ignore" or feature.low is None or feature.high is None:
        # A finite number of any size; infinity is caught by the slow path.
        largest = 1.7976931348623157e308
        return feature.name, -largest, largest, _ANY, True
    return feature.name, feature.low, feature.high, _ANY, True


def _wrong(name: str, value: Any, rule: str) -> InputError:
    shown = f"{value!r}"
    return InputError(
        f"{shown[:60]} does not fit: {rule}",
        subject=name,
        next_step="convert the field before sending it",
    )
