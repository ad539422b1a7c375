"""Conditions over signals, written in CEL, the Common Expression Language of Kubernetes.

Source: https://github.com/google/cel-spec. A signal ``psi.temp_f`` is read as ``psi.temp_f``;
a plain signal by its name. An expression that needs a signal without a value is *unknown*:
neither true nor false, so no rule fires and no alert closes on missing data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from homeostat.domain.evidence import Signal
from homeostat.errors import ProjectFileError


@dataclass(frozen=True, slots=True)
class Truth:
    """What an expression says: True, False, or None for unknown; and the numbers it read."""

    value: bool | None
    reading: str


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled condition. ``names`` are the top-level names it reads."""

    text: str
    names: tuple[str, ...]

    def evaluate(self, signals: Mapping[str, Signal]) -> Truth:
        """Evaluate over ``signals``; unknown when one it needs has no value."""
        values = _nested(signals)
        try:
            result = _program(self.text).execute(values)
        except (KeyError, TypeError, RuntimeError, ValueError, ZeroDivisionError) as error:
            return Truth(None, f"{self.text}: unknown, {_first_line(error)}")
        reading = ", ".join(
            f"{name} = {values[name]:.4g}"
            for name in self.names
            if isinstance(values.get(name), (int, float))
        )
        if not isinstance(result, bool):
            return Truth(None, f"{self.text}: gives {result!r}, not true or false")
        return Truth(result, f"{self.text} ({reading})" if reading else self.text)


def compile_expression(text: str) -> Expression:
    """Check and compile ``text``; ProjectFileError says where its syntax is wrong.

    >>> compile_expression("auc < 0.65 && labels > 1000.0").names
    ('auc', 'labels')
    """
    try:
        program = _program(text)
    except ValueError as error:
        raise ProjectFileError(
            f"the condition cannot be parsed: {error}",
            subject=text,
            next_step="write a CEL condition over signals, e.g. auc < 0.65 && labels > 1000",
        ) from error
    return Expression(text, tuple(sorted(program.variables())))


@lru_cache(maxsize=512)
def _program(text: str) -> Any:
    import cel

    return cel.compile(text)


def _nested(signals: Mapping[str, Signal]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, signal in signals.items():
        family, dot, member = name.partition(".")
        if dot:
            values.setdefault(family, {})[member] = signal.value
        else:
            values[name] = signal.value
    return values


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0].split(". ")[0]
