"""A source in CSV or Parquet files: the rows of one window, with errors that name file and line."""

from __future__ import annotations

import csv
import glob
import re
from pathlib import Path

import polars as pl

from homeostat.adapters.local.iso_times import parse_instants, with_times
from homeostat.domain.delivery import Window
from homeostat.errors import ColumnError, SourceError
from homeostat.features.columns import as_instants

_CSV = {".csv": ",", ".tsv": "\t"}
_PARQUET = (".parquet", ".pq")
_TWICE = re.compile(r"(.+)_duplicated_\d+")
_Stamp = tuple[int, int, int]


class SourceFiles:
    """The files that ``pattern`` (relative to ``folder``, or absolute) matches, in name order.

    Rows whose ``known_at`` is null are not known yet and in no window. Times are ISO 8601, UTC
    unless they say otherwise. Parsed files are kept until they change on the disk.
    """

    def __init__(self, folder: Path, pattern: str, known_at: str) -> None:
        self._folder = folder
        self._pattern = pattern
        self._known_at = known_at
        self._parsed: dict[Path, tuple[_Stamp, pl.DataFrame]] = {}

    def read(self, window: Window) -> pl.DataFrame:
        """The rows with ``known_at`` in the window, sorted by it.

        Columns are those of the files that have such rows. Raises SourceError for a file that
        is missing, empty or unreadable, ColumnError for one without times in ``known_at``.
        """
        files = self._files()
        self._parsed = {file: kept for file, kept in self._parsed.items() if file in files}
        parts = {file: _between(self._frame(file), self._known_at, window) for file in files}
        filled = {file: part for file, part in parts.items() if part.height}
        if not filled:
            return parts[files[0]]
        _fit_together(filled)
        whole = pl.concat(filled.values(), how="diagonal_relaxed")
        return whole.sort(self._known_at, maintain_order=True)

    def _files(self) -> list[Path]:
        pattern = self._folder / self._pattern
        names = glob.glob(self._pattern, root_dir=self._folder, recursive=True)  # noqa: PTH207
        found = sorted(self._folder / name for name in names)
        files = [path for path in found if path.is_file()]
        if not files:
            problem = "it is a folder" if found else "there is no such file"
            raise SourceError(
                problem,
                subject=str(pattern),
                next_step="put the file there, or correct 'path' in homeostat.yaml",
            )
        return files

    def _frame(self, file: Path) -> pl.DataFrame:
        try:
            stat = file.stat()
        except OSError as error:
            raise SourceError(
                f"it went away while it was read: {error.strerror}",
                subject=str(file),
                next_step="deliver the file again",
            ) from error
        stamp = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
        kept = self._parsed.get(file)
        if kept is not None and kept[0] == stamp:
            return kept[1]
        frame = _known(_read(file), self._known_at, file)
        self._parsed[file] = (stamp, frame)
        return frame


def _fit_together(parts: dict[Path, pl.DataFrame]) -> None:
    """A column has one type in all files; numbers may be whole in one and broken in another."""
    first: dict[str, tuple[Path, pl.DataType]] = {}
    for file, part in parts.items():
        for name, kind in part.schema.items():
            if kind == pl.Null:
                continue
            other, known = first.setdefault(name, (file, kind))
            if kind != known and not (kind.is_numeric() and known.is_numeric()):
                raise ColumnError(
                    f"column '{name}' holds {kind}, and {known} in {other.name}",
                    subject=str(file),
                    next_step="write a column in the same way in all files",
                )


def _between(frame: pl.DataFrame, known_at: str, window: Window) -> pl.DataFrame:
    known = frame[known_at]
    first = known.search_sorted(window.since, side="left")
    return frame.slice(first, known.search_sorted(window.until, side="left") - first)


def _read(file: Path) -> pl.DataFrame:
    suffix = file.suffix.lower()
    separator = _CSV.get(suffix)
    if separator is None and suffix not in _PARQUET:
        raise SourceError(
            f"'{suffix}' is neither CSV nor Parquet",
            subject=str(file),
            next_step=f"give a file that ends in {', '.join((*_CSV, *_PARQUET))}, or use 'load'",
        )
    try:
        if separator is None:
            return pl.read_parquet(file, glob=False)
        frame = pl.read_csv(file, separator=separator, infer_schema_length=None, glob=False)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise _unreadable(file, separator, error) from error
    for name in frame.columns:
        twice = _TWICE.fullmatch(name)
        if twice and twice[1] in frame.columns:
            raise ColumnError(
                f"column '{twice[1]}' stands twice in the header",
                subject=f"{file}:1",
                next_step="give each column a name of its own",
            )
    return with_times(frame)


def _unreadable(file: Path, separator: str | None, error: BaseException) -> SourceError:
    if isinstance(error, pl.exceptions.NoDataError) or not file.stat().st_size:
        problem, subject = "the file is empty", str(file)
    else:
        first = str(error).strip().partition("\n")[0]
        line, found = _bad_line(file, separator) if separator is not None else (0, "")
        problem = found or f"it cannot be read: {first}"
        subject = f"{file}:{line}" if line else str(file)
    return SourceError(problem, subject=subject, next_step="deliver the file again, whole")


def _bad_line(file: Path, separator: str) -> tuple[int, str]:
    """The first line that is not UTF-8 or has another number of fields than the header."""
    line = 0
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            rows = csv.reader(text, delimiter=separator, strict=True)
            width = len(next(rows, ()))
            for row in rows:
                line = rows.line_num
                if row and len(row) > width:
                    return line, f"{len(row)} fields, the header has {width}"
    except UnicodeDecodeError:
        return _line_not_utf8(file), "the text is not UTF-8"
    except (OSError, csv.Error) as error:
        return line + 1, f"it cannot be read: {error}"
    return 0, ""


def _line_not_utf8(file: Path) -> int:
    with file.open("rb") as raw:
        for number, line in enumerate(raw, start=1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return number
    return 0


def _known(frame: pl.DataFrame, known_at: str, file: Path) -> pl.DataFrame:
    """``frame`` with instants in ``known_at``, sorted by it, without what is not known yet."""
    if known_at in frame.columns and frame[known_at].dtype == pl.String:
        instants = parse_instants(frame[known_at])
        bad = (instants.is_null() & frame[known_at].is_not_null()).arg_max()
        if instants.null_count() > frame[known_at].null_count() and bad is not None:
            raise ColumnError(
                f"'{frame[known_at][bad]}' in column '{known_at}' is not a time",
                subject=f"{file}{_place(file, bad, frame.height)}",
                next_step="write ISO 8601, e.g. 2024-03-01T12:00:00Z",
            )
        frame = frame.with_columns(instants)
    instants = as_instants(frame, known_at, str(file))
    return (
        frame.with_columns(instants)
        .filter(pl.col(known_at).is_not_null())
        .sort(known_at, maintain_order=True)
    )


def _place(file: Path, row: int, rows: int) -> str:
    """``:line`` of a data row when each row is one line, else the row's number."""
    if file.suffix.lower() in _CSV:
        content = file.read_bytes()
        lines = content.count(b"\n") + (not content.endswith(b"\n"))
        if lines == rows + 1:
            return f":{row + 2}"
    return f", row {row + 1}"
