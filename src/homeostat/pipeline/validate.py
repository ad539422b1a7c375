"""Check a delivery: columns, types, nulls, ranges, categories, rules, drift.

Value checks are a Pandera schema on Polars, run lazily so that all failures are found at once.
Everything wrong becomes a :class:`Finding` that names the column, what was found and what is
allowed; nothing about bad data raises.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from homeostat.domain.delivery import Window
from homeostat.domain.evidence import Finding
from homeostat.domain.verdict import Verdict, worst
from homeostat.pipeline.drift_check import drift_findings
from homeostat.spec.sources import Checks, ColumnCheck, Source

if TYPE_CHECKING:
    import polars as pl

_ACCEPTED = {
    "string": ("String", "Categorical", "Enum"),
    "integer": ("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64"),
    "float": ("Float32", "Float64", "Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16",
              "UInt32", "UInt64"),
    "boolean": ("Boolean",),
    "timestamp": ("Datetime", "Date"),
}  # fmt: skip


def check_delivery(
    source: Source,
    name: str,
    frame: pl.DataFrame,
    reference: pl.DataFrame | None,
    window: Window | None = None,
) -> tuple[Verdict, tuple[Finding, ...]]:
    """The verdict on ``frame`` and every finding that is not a pass.

    ``reference`` holds accepted rows for the distribution check; ``window`` is where the
    ``known_at`` times must lie. An empty frame passes only if ``min_rows`` is 0.
    """
    checks = source.checks
    findings = list(_shape(source, name, frame))
    present = {column: c for column, c in checks.columns.items() if column in frame.columns}
    typed = {column: c for column, c in present.items() if _type_fits(frame, column, c)}
    if frame.height:
        findings += _values(frame, typed)
        findings += _known_at(source, frame, window)
        findings += _rules(frame, checks)
        if checks.drift is not None:
            findings += drift_findings(frame, reference, checks.drift)
    stopping = tuple(finding for finding in findings if finding.verdict is not Verdict.PASS)
    return worst([Verdict.PASS, *(finding.verdict for finding in stopping)]), stopping


def _shape(source: Source, name: str, frame: pl.DataFrame) -> Iterator[Finding]:
    checks = source.checks
    if frame.height < checks.min_rows:
        yield Finding(
            "rows",
            Verdict.FAIL,
            f"{frame.height:,} rows, at least {checks.min_rows:,} are asked",
            name,
            frame.height,
            checks.min_rows,
        )
    if not frame.width:
        return
    expected = {source.known_at, *checks.columns}
    unknown = [column for column in frame.columns if column not in expected]
    for column in sorted(expected - set(frame.columns)):
        near = difflib.get_close_matches(column, unknown, n=1, cutoff=0.5) or unknown[:1]
        hint = f"; there is an unknown column '{near[0]}': renamed?" if near else ""
        yield Finding("column", Verdict.FAIL, f"column '{column}' is missing{hint}", column)
    for column, check in checks.columns.items():
        if column in frame.columns and not _type_fits(frame, column, check):
            yield Finding(
                "type",
                Verdict.FAIL,
                f"column '{column}' has type {frame.schema[column]}, {check.type} is asked",
                column,
            )


def _type_fits(frame: pl.DataFrame, column: str, check: ColumnCheck) -> bool:
    kind = frame.schema[column].base_type().__name__
    return kind in _ACCEPTED[check.type] or kind == "Null"


def _known_at(source: Source, frame: pl.DataFrame, window: Window | None) -> Iterator[Finding]:
    column = source.known_at
    if column not in frame.columns:
        return
    times = frame[column]
    if times.dtype.base_type().__name__ not in _ACCEPTED["timestamp"]:
        yield Finding(
            "known_at",
            Verdict.FAIL,
            f"column '{column}' has type {times.dtype}, not a time",
            column,
        )
        return
    missing = times.null_count()
    if missing:
        reason = f"{missing:,} rows have no '{column}': it is not known when they became known"
        yield Finding("known_at", Verdict.FAIL, reason, column, missing, 0)
    if window is not None:
        late = (
            times.dt.replace_time_zone("UTC") if not getattr(times.dtype, "time_zone", 1) else times
        )
        outside = int(((late < window.since) | (late >= window.until)).sum())
        if outside:
            reason = f"{outside:,} rows have '{column}' outside of the window that was asked for"
            yield Finding("known_at", Verdict.FAIL, reason, column, outside, 0)


def _values(frame: pl.DataFrame, checked: dict[str, ColumnCheck]) -> list[Finding]:
    """Nulls, uniqueness, ranges and categories, by a Pandera schema."""
    import pandera.polars as pa
    from pandera.errors import SchemaErrors

    findings = list(_nulls(frame, checked))
    columns = {name: pa.Column(None, _pandera(check), nullable=True, unique=check.unique,
                               required=False)
               for name, check in checked.items()
               if check.unique or _pandera(check)}  # fmt: skip
    if not columns:
        return findings
    try:
        pa.DataFrameSchema(columns).validate(frame, lazy=True)
    except SchemaErrors as errors:
        failed = {(e.schema.name, _check_name(e.check)) for e in errors.schema_errors}
        findings += [
            _describe(frame[column], checked[column], kind) for column, kind in sorted(failed)
        ]
    return findings


def _pandera(check: ColumnCheck) -> list[Any]:
    import pandera.polars as pa

    made: list[Any] = []
    if check.min is not None:
        made.append(pa.Check.ge(check.min, name="min"))
    if check.max is not None:
        made.append(pa.Check.le(check.max, name="max"))
    if check.allowed is not None:
        made.append(pa.Check.isin(list(check.allowed), name="allowed"))
    return made


def _check_name(check: Any) -> str:
    return check if isinstance(check, str) else str(check.name)


def _describe(values: pl.Series, check: ColumnCheck, kind: str) -> Finding:
    """What a failed check found: how many rows, the worst value, the limit."""
    column = values.name
    if kind == "min" and check.min is not None:
        found = float(values.min())  # type: ignore[arg-type]
        below = int((values < check.min).sum())
        reason = f"column '{column}': {below:,} values below {check.min:g}, down to {found:g}"
        return Finding("min", Verdict.FAIL, reason, column, found, check.min)
    if kind == "max" and check.max is not None:
        found = float(values.max())  # type: ignore[arg-type]
        above = int((values > check.max).sum())
        reason = f"column '{column}': {above:,} values above {check.max:g}, up to {found:g}"
        return Finding("max", Verdict.FAIL, reason, column, found, check.max)
    if kind == "allowed" and check.allowed is not None:
        other = values.drop_nulls().filter(~values.drop_nulls().is_in(list(check.allowed)))
        some = ", ".join(map(repr, other.unique().sort().head(3).to_list()))
        reason = (
            f"column '{column}': {other.len():,} values not among the "
            f"{len(check.allowed)} that are allowed, such as {some}"
        )
        return Finding("allowed", Verdict.FAIL, reason, column, other.len(), 0)
    if check.unique:
        twice = values.len() - values.n_unique()
        some = repr(values.filter(values.is_duplicated()).head(1).to_list()[0])
        reason = f"column '{column}': {twice:,} values stand more than once, such as {some}"
        return Finding("unique", Verdict.FAIL, reason, column, twice, 0)
    return Finding(kind, Verdict.ERROR, f"column '{column}': check '{kind}' failed", column)


def _nulls(frame: pl.DataFrame, checked: dict[str, ColumnCheck]) -> Iterator[Finding]:
    """Share of nulls; in a column of floats NaN counts as null."""
    for column, check in checked.items():
        values = frame[column]
        missing = values.null_count()
        if values.dtype.is_float():
            missing += int(values.is_nan().sum() or 0)
        share = missing / frame.height
        if share > check.max_null_share:
            reason = (
                f"column '{column}': {share:.1%} of {frame.height:,} rows are null, at most "
                f"{check.max_null_share:.1%} are allowed"
            )
            yield Finding("nulls", Verdict.FAIL, reason, column, share, check.max_null_share)


def _rules(frame: pl.DataFrame, checks: Checks) -> Iterator[Finding]:
    """Conditions between columns: each row must make them true or null."""
    import polars as pl

    for name, text in checks.rules.items():
        try:
            held = frame.select(pl.sql_expr(text).alias("held"))["held"]
        except (pl.exceptions.PolarsError, TypeError) as error:
            first = str(error).splitlines()[0] if str(error) else type(error).__name__
            yield Finding(
                "rule", Verdict.ERROR, f"rule '{name}' ({text}) cannot be evaluated: {first}", name
            )
            continue
        broken = int((held == False).sum())  # noqa: E712  null is not false
        share = broken / frame.height
        if share > checks.max_rule_failures:
            reason = (
                f"rule '{name}' ({text}) does not hold in {broken:,} of {frame.height:,} rows, "
                f"at most {checks.max_rule_failures:.1%} are allowed"
            )
            yield Finding("rule", Verdict.FAIL, reason, name, share, checks.max_rule_failures)
