"""Values of single columns: nulls, uniqueness, ranges, categories, by a Pandera schema.

Pandera (https://pandera.readthedocs.io) says on Polars which checks of which columns fail, all
in one lazy pass; the numbers in a finding are then counted for those columns only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from homeostat.domain.evidence import Finding
from homeostat.domain.verdict import Verdict
from homeostat.spec.sources import ColumnCheck

if TYPE_CHECKING:
    import polars as pl

SHOWN = 3
"""How many of the values that are not allowed a finding names."""


def value_findings(frame: pl.DataFrame, checked: Mapping[str, ColumnCheck]) -> list[Finding]:
    """What is wrong with the values in ``frame``, which has rows, and columns of fitting type.

    In a column of numbers NaN counts as null; nulls are judged by their share only: they are
    never duplicates, and neither outside of a range nor of a set of categories.
    """
    nulls = _null_counts(frame, checked)
    findings = list(_too_many_nulls(frame.height, nulls, checked))
    findings += _not_numbers(checked)
    plain = _comparable(frame, checked, nulls)
    for column, kind in _failed(plain, checked):
        findings.append(_describe(plain[column], checked[column], kind))
    return findings


def _null_counts(frame: pl.DataFrame, checked: Mapping[str, ColumnCheck]) -> dict[str, int]:
    import polars as pl

    if not checked:
        return {}
    counts = [
        pl.col(name).null_count() + (pl.col(name).is_nan().sum() if _floats(frame, name) else 0)
        for name in checked
    ]
    return dict(zip(checked, frame.select(counts).row(0), strict=True))


def _floats(frame: pl.DataFrame, column: str) -> bool:
    return frame.schema[column].is_float()


def _too_many_nulls(
    rows: int, nulls: Mapping[str, int], checked: Mapping[str, ColumnCheck]
) -> Iterator[Finding]:
    for column, count in nulls.items():
        share, limit = count / rows, checked[column].max_null_share
        if share > limit:
            reason = (
                f"column '{column}': {share:.1%} of {rows:,} rows are null, at most "
                f"{limit:.1%} are allowed"
            )
            yield Finding("nulls", Verdict.FAIL, reason, column, share, limit)


def _not_numbers(checked: Mapping[str, ColumnCheck]) -> Iterator[Finding]:
    """A range on a column that has no order of numbers is a mistake in the project file."""
    for column, check in checked.items():
        ranged = check.min is not None or check.max is not None
        if ranged and check.type not in ("integer", "float"):
            reason = f"column '{column}': 'min' and 'max' go with numbers, not with {check.type}"
            yield Finding("range", Verdict.ERROR, reason, column)


def _comparable(
    frame: pl.DataFrame, checked: Mapping[str, ColumnCheck], nulls: Mapping[str, int]
) -> pl.DataFrame:
    """The columns that have a value check, with NaN as null."""
    import polars as pl

    columns = []
    for name, check in checked.items():
        if not (check.unique or _pandera_checks(check)):
            continue
        column = pl.col(name)
        if nulls[name] and _floats(frame, name):
            column = column.fill_nan(None)
        columns.append(column)
    return frame.select(columns)


def _pandera_checks(check: ColumnCheck) -> list[Any]:
    import pandera.polars as pa

    made: list[Any] = []
    if check.type in ("integer", "float"):
        if check.min is not None:
            made.append(pa.Check.ge(check.min, name="min"))
        if check.max is not None:
            made.append(pa.Check.le(check.max, name="max"))
    if check.allowed is not None:
        made.append(pa.Check(_among(check.allowed), name="allowed"))
    if check.unique:
        made.append(pa.Check(_unique, name="unique"))
    return made


def _among(allowed: tuple[str, ...]) -> Callable[[Any], pl.LazyFrame]:
    """True for each value whose text is among ``allowed``, and for nulls."""

    def holds(data: Any) -> pl.LazyFrame:
        import polars as pl

        text = pl.col(data.key).cast(pl.String)
        return data.lazyframe.select(text.is_in(list(allowed)).fill_null(value=True))  # type: ignore[no-any-return]

    return holds


def _unique(data: Any) -> pl.LazyFrame:
    """One truth: no value stands more than once. A count, not a mark per row: 10 x faster."""
    import polars as pl

    column = pl.col(data.key)
    return data.lazyframe.select(column.drop_nulls().n_unique() == column.count())  # type: ignore[no-any-return]


def _failed(frame: pl.DataFrame, checked: Mapping[str, ColumnCheck]) -> list[tuple[str, str]]:
    """Column and name of each check that fails, in the order of the columns."""
    import pandera.polars as pa
    from pandera.errors import SchemaErrors

    columns = {
        name: pa.Column(None, _pandera_checks(checked[name]), nullable=True)
        for name in frame.columns
    }
    if not columns:
        return []
    try:
        pa.DataFrameSchema(columns).validate(frame, lazy=True)
    except SchemaErrors as errors:
        failed = {(str(e.schema.name), str(e.check.name)) for e in errors.schema_errors}
        return sorted(failed, key=lambda pair: (frame.columns.index(pair[0]), pair[1]))
    return []


def _describe(values: pl.Series, check: ColumnCheck, kind: str) -> Finding:
    """What a failed check found: how many rows, the worst value, the limit."""
    column, known = values.name, values.drop_nulls()
    if kind in ("min", "max"):
        low = kind == "min"
        limit = check.min if low else check.max
        assert limit is not None
        beyond = int(((known < limit) if low else (known > limit)).sum())
        found = float(known.min() if low else known.max())  # type: ignore[arg-type]
        side, towards = ("below", "down to") if low else ("above", "up to")
        reason = f"column '{column}': {beyond:,} values {side} {limit:g}, {towards} {found:g}"
        return Finding(kind, Verdict.FAIL, reason, column, found, limit)
    if kind == "allowed":
        assert check.allowed is not None
        known = known.cast(str)
        other = known.filter(~known.is_in(list(check.allowed)))
        some = ", ".join(map(repr, other.unique().sort().head(SHOWN).to_list()))
        reason = (
            f"column '{column}': {other.len():,} values not among the {len(check.allowed)} that "
            f"are allowed, such as {some}"
        )
        return Finding(kind, Verdict.FAIL, reason, column, other.len(), 0)
    assert kind == "unique", kind
    twice = known.len() - known.n_unique()
    first = known.filter(known.is_duplicated())[0]
    reason = f"column '{column}': {twice:,} values stand more than once, such as {first!r}"
    return Finding(kind, Verdict.FAIL, reason, column, twice, 0)
