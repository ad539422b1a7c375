"""The sources of a project: a function beside the project file, files, or rows that were posted."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import polars as pl

from homeostat.adapters.local.iso_times import parse_instants
from homeostat.adapters.local.source_files import SourceFiles
from homeostat.domain.delivery import Window
from homeostat.errors import ColumnError, HomeostatError, SourceError
from homeostat.features.columns import as_instants
from homeostat.spec.code import load_function
from homeostat.spec.project import Project
from homeostat.spec.sources import Source


class Posted(Protocol):
    """A log of labels that were posted to the gateway."""

    def read(self, since: datetime, until: datetime) -> pl.DataFrame:
        """Labels received in ``[since, until)``: columns ``id``, ``label``, ``received_at``."""
        ...


class ProjectSourceReader:
    """Reads the sources that ``project`` declares; see ports.source for the contract.

    A function is called as ``f(since, until, **options)`` and may return a Polars, pandas or
    Arrow frame. What it returns is passed on as it is, with ``known_at`` as instants in UTC
    where that can be done without guessing: rows outside of the window and missing columns are
    for the checks to find, and the delivery is kept for people to look at. Files are filtered
    by ``known_at``. Posted labels get the column names that the project declares. ``folder``
    is the project folder; ``posted`` holds the posted labels.
    """

    def __init__(self, project: Project, folder: Path, posted: Posted | None = None) -> None:
        self._project = project
        self._folder = folder
        self._posted = posted
        self._files = {
            name: SourceFiles(folder, source.path, source.known_at)
            for name, source in project.sources.items()
            if source.path is not None
        }

    def read(self, source: str, window: Window, attempt: int = 1) -> pl.DataFrame:
        """The rows of the window.

        Raises SourceError, ColumnError for times that cannot be read, ProjectCodeError for a
        function that is not there. ``attempt`` does not matter here: a source that has become
        good again is good.
        """
        del attempt
        declared = self._project.sources.get(source)
        if declared is None:
            raise SourceError(
                "the project declares no such source",
                subject=source,
                next_step=f"declared are {', '.join(sorted(self._project.sources))}",
            )
        if declared.path is not None:
            return self._files[source].read(window)
        if declared.load is not None:
            frame = self._load(source, declared.load, declared.options, window)
        else:
            frame = self._read_posted(source, declared, window)
        return _instants(frame, source, declared)

    def _load(
        self, source: str, reference: str, options: dict[str, Any], window: Window
    ) -> pl.DataFrame:
        function = load_function(self._folder, reference)
        try:
            found = function(window.since, window.until, **options)
        except HomeostatError:
            raise
        except (Exception, SystemExit) as error:
            raise SourceError(
                f"{reference} raised {type(error).__name__}: {error}",
                subject=f"source '{source}'{_line_of(error, self._folder)}",
                next_step="correct the function, or wait until what it reads answers again",
            ) from error
        return _as_polars(found, source, reference)

    def _read_posted(self, source: str, declared: Source, window: Window) -> pl.DataFrame:
        if self._posted is None:
            raise SourceError(
                "its rows are those posted to the gateway, and there is no gateway here",
                subject=f"source '{source}'",
                next_step="run `homeostat up`, which takes them",
            )
        project = self._project
        names = {
            "id": project.events.id,
            "label": project.labels.column,
            "received_at": declared.known_at,
        }
        return self._posted.read(window.since, window.until).rename(names)


def _as_polars(found: Any, source: str, reference: str) -> pl.DataFrame:
    """What a source's function returned, as a Polars frame."""
    try:
        if isinstance(found, pl.LazyFrame):
            found = found.collect()
        elif type(found).__module__.partition(".")[0] == "pandas":
            found = pl.from_pandas(found)
        elif type(found).__module__.partition(".")[0] == "pyarrow":
            found = pl.from_arrow(found)
    except (TypeError, ValueError, pl.exceptions.PolarsError, ImportError) as error:
        raise SourceError(
            f"what {reference} returned cannot be read: {error}",
            subject=f"source '{source}'",
            next_step="give each column one type",
        ) from error
    if not isinstance(found, pl.DataFrame):
        raise SourceError(
            f"{reference} returned {type(found).__name__}, not a frame",
            subject=f"source '{source}'",
            next_step="return a Polars or pandas frame, with no rows when there are none",
        )
    return found


def _instants(frame: pl.DataFrame, source: str, declared: Source) -> pl.DataFrame:
    """``known_at`` as instants in UTC, where the column is there and holds times."""
    name = declared.known_at
    if name not in frame.columns:
        return frame
    kind = frame[name].dtype
    if kind == pl.String:
        instants = parse_instants(frame[name])
        if instants.null_count() > frame[name].null_count():
            bad = frame[name].filter(instants.is_null() & frame[name].is_not_null())[0]
            raise ColumnError(
                f"'{bad}' in column '{name}' is not a time",
                subject=f"source '{source}'",
                next_step="return timestamps, or ISO 8601, e.g. 2024-03-01T12:00:00Z",
            )
        return frame.with_columns(instants)
    if kind.is_temporal() and kind not in (pl.Time, pl.Duration):
        return frame.with_columns(as_instants(frame, name, f"source '{source}'"))
    return frame


def _line_of(error: BaseException, folder: Path) -> str:
    """`` at file:line``: the innermost line of the project in the traceback."""
    found, trace = "", error.__traceback__
    while trace is not None:
        file = Path(trace.tb_frame.f_code.co_filename)
        if file.is_relative_to(folder.resolve()):
            found = f" at {file}:{trace.tb_lineno}"
        trace = trace.tb_next
    return found
