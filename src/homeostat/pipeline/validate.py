"""Step *validate*: columns, types, times, values, rules and drift of one delivery.

Everything wrong becomes a :class:`Finding` that names the column, what was found and what is
allowed. Nothing about bad data raises.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from homeostat.domain.delivery import Window
from homeostat.domain.evidence import Finding
from homeostat.domain.verdict import Verdict, worst
from homeostat.errors import ColumnError
from homeostat.features.columns import as_instants, microseconds
from homeostat.pipeline.check_rules import rule_findings
from homeostat.pipeline.check_values import value_findings
from homeostat.pipeline.drift_check import drift_findings
from homeostat.pipeline.text_times import with_times
from homeostat.spec.sources import ColumnCheck, Source

if TYPE_CHECKING:
    import polars as pl

_WHOLE = ("Int8", "Int16", "Int32", "Int64", "Int128", "UInt8", "UInt16", "UInt32", "UInt64")
_ACCEPTED = {
    "string": ("String", "Categorical", "Enum"),
    "integer": _WHOLE,
    "float": ("Float32", "Float64", "Decimal", *_WHOLE),
    "boolean": ("Boolean",),
    "timestamp": ("Datetime", "Date"),
}


def check_delivery(
    source: Source,
    name: str,
    frame: pl.DataFrame,
    reference: pl.DataFrame | None,
    window: Window | None = None,
) -> tuple[Verdict, tuple[Finding, ...]]:
    """The verdict on ``frame`` and every finding that is not a pass.

    ``reference`` holds accepted rows, for the distribution and for telling a renamed column;
    ``window`` is where the ``known_at`` times must lie. A frame without rows passes if
    ``min_rows`` is 0. A column that is all null fits every type; text that holds nothing but
    ISO times counts as times. Columns that no check names may come and go.
    """
    frame = with_times(source, frame)
    checks = source.checks
    findings = [*_rows(name, frame, checks.min_rows), *_columns(source, frame, reference)]
    if frame.height:
        findings += _types(frame, checks.columns)
        findings += _known_at(source, frame, window)
        fitting = {
            column: check
            for column, check in checks.columns.items()
            if column in frame.columns and fits(frame.schema[column], check)
        }
        findings += value_findings(frame, fitting)
        findings += rule_findings(frame, checks)
        if checks.drift is not None:
            findings += drift_findings(frame, reference, checks.drift)
    stopping = tuple(finding for finding in findings if finding.verdict is not Verdict.PASS)
    return worst([Verdict.PASS, *(finding.verdict for finding in stopping)]), stopping


def fits(kind: pl.DataType, check: ColumnCheck) -> bool:
    """Whether a column of type ``kind`` can be what ``check`` declares."""
    name = kind.base_type().__name__
    return name in _ACCEPTED[check.type] or name == "Null"


def _rows(name: str, frame: pl.DataFrame, least: int) -> Iterator[Finding]:
    if frame.height < least:
        reason = f"{frame.height:,} rows, at least {least:,} are asked"
        yield Finding("rows", Verdict.FAIL, reason, name, frame.height, least)


def _columns(
    source: Source, frame: pl.DataFrame, reference: pl.DataFrame | None
) -> Iterator[Finding]:
    """One finding for each missing column, with the new column that may be it."""
    if not frame.width and not frame.height:
        return
    expected = {source.known_at, *source.checks.columns}
    before = set(reference.columns) if reference is not None else set()
    new = [column for column in frame.columns if column not in expected | before]
    for column in sorted(expected - set(frame.columns)):
        near = difflib.get_close_matches(column, new, n=1, cutoff=0.5)
        near = near or (new if len(new) == 1 else [])
        hint = f"; there is an unknown column '{near[0]}': renamed?" if near else ""
        yield Finding("column", Verdict.FAIL, f"column '{column}' is missing{hint}", column)


def _types(frame: pl.DataFrame, checked: dict[str, ColumnCheck]) -> Iterator[Finding]:
    for column, kind in frame.schema.items():
        check = checked.get(column)
        if check is not None and not fits(kind, check):
            reason = f"column '{column}' has type {kind}, {check.type} is asked"
            if check.type == "timestamp" and kind.base_type().__name__ == "String":
                reason += f"; {_not_times(frame[column])}"
            yield Finding("type", Verdict.FAIL, reason, column)
        elif check is None and kind.base_type().__name__ in ("Object", "Unknown"):
            reason = f"column '{column}' holds Python objects, which cannot be stored"
            yield Finding("type", Verdict.FAIL, reason, column)


def _not_times(texts: pl.Series) -> str:
    from homeostat.pipeline.text_times import instants_in

    bad = texts.filter(instants_in(texts).is_null() & texts.is_not_null())
    return f"{bad.len():,} values are not ISO 8601, such as {bad[0]!r}"


def _known_at(source: Source, frame: pl.DataFrame, window: Window | None) -> Iterator[Finding]:
    column = source.known_at
    if column not in frame.columns:
        return
    try:
        times = as_instants(frame, column, "")
    except ColumnError:
        if column not in source.checks.columns:  # or the type check has said so
            reason = f"column '{column}' has type {frame.schema[column]}, not a time"
            yield Finding("known_at", Verdict.FAIL, reason, column)
        return
    missing = times.null_count()
    if missing:
        reason = f"{missing:,} rows have no '{column}': it is not known when they became known"
        yield Finding("known_at", Verdict.FAIL, reason, column, missing, 0)
    if window is None:
        return
    instants = times.to_physical()
    outside = (instants < microseconds(window.since)) | (instants >= microseconds(window.until))
    count = int(outside.sum() or 0)
    if count:
        reason = (
            f"{count:,} rows have '{column}' outside of the window that was asked for, such as "
            f"{times.filter(outside)[0].isoformat()}"
        )
        yield Finding("known_at", Verdict.FAIL, reason, column, count, 0)
