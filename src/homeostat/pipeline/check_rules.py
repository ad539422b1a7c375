"""Conditions between columns, written as SQL expressions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from homeostat.domain.evidence import Finding
from homeostat.domain.verdict import Verdict
from homeostat.spec.sources import Checks

if TYPE_CHECKING:
    import polars as pl


def rule_findings(frame: pl.DataFrame, checks: Checks) -> Iterator[Finding]:
    """Rules that too many rows break, or that cannot be evaluated.

    A row keeps a rule when it makes the expression true or null. An expression over all rows,
    such as ``max(amount) < 100``, counts as one row. SQL is that of Polars:
    https://docs.pola.rs/api/python/stable/reference/sql/
    """
    for name, text in checks.rules.items():
        held, problem = _evaluated(frame, text)
        if held is None:
            reason = f"rule '{name}' ({text}) cannot be evaluated: {problem}"
            yield Finding("rule", Verdict.ERROR, reason, name)
            continue
        broken = int((~held).sum() or 0)  # null is neither true nor false
        share = broken / held.len()
        if share > checks.max_rule_failures:
            reason = (
                f"rule '{name}' ({text}) does not hold in {broken:,} of {held.len():,} rows, "
                f"at most {checks.max_rule_failures:.1%} are allowed"
            )
            yield Finding("rule", Verdict.FAIL, reason, name, share, checks.max_rule_failures)


def _evaluated(frame: pl.DataFrame, text: str) -> tuple[pl.Series | None, str]:
    """The rule's truth by row, or None and what is wrong with it."""
    import polars as pl

    try:
        held = frame.select(pl.sql_expr(text).alias("held"))["held"]
    except (pl.exceptions.PolarsError, TypeError, ValueError) as error:
        lines = str(error).splitlines()
        return None, lines[0] if lines else type(error).__name__
    if held.dtype == pl.Null:
        held = held.cast(pl.Boolean)
    if held.dtype != pl.Boolean:
        return None, f"it gives {held.dtype}, not true or false"
    return held, ""
