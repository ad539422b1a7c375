"""Do the first deliveries pass their checks, and are the columns there that the file names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from homeostat.cli.check_code import Location, at_line, together
from homeostat.domain.delivery import Window
from homeostat.domain.verdict import Verdict
from homeostat.errors import ColumnError, HomeostatError
from homeostat.spec.load import ProjectFile
from homeostat.spec.sense import nearest
from homeostat.wiring import reader_of, system_clock

if TYPE_CHECKING:
    import polars as pl

    from homeostat.ports.source import SourceReader

LOOK_BACK = timedelta(days=30)
"""Where to look for a first delivery when the project declares no start."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The first delivery of one source, with what its checks say."""

    source: str
    verdict: Verdict
    findings: tuple[str, ...]
    frame: pl.DataFrame | None = field(default=None, repr=False)

    @property
    def good(self) -> bool:
        """Whether the loop would accept it."""
        return self.verdict in (Verdict.PASS, Verdict.INCONCLUSIVE)

    def facts(self) -> dict[str, Any]:
        """What ``--json`` prints."""
        return {
            "source": self.source,
            "rows": self.frame.height if self.frame is not None else 0,
            "verdict": self.verdict.value,
            "findings": self.findings,
        }


def check_data(file: ProjectFile, folder: Path, say: Callable[[str], None]) -> tuple[Sample, ...]:
    """One delivery of each source, with the verdict of its checks.

    Raises one error for all columns that the project file names and no delivery has; and, when
    every delivery is good, what is wrong when features are computed for the first events.
    Posted sources have no rows before the gateway runs, and are left out.
    """
    reader = reader_of(file.project, folder)
    samples = []
    for name, source in file.project.sources.items():
        if not source.posted:
            say(f"reading {name}")
            samples.append(_sample(file, reader, name))
    together(list(_missing(file, {s.source: s.frame for s in samples})))
    if all(sample.good for sample in samples):
        say("computing features")
        _features(file, folder, samples)
    return tuple(samples)


def _sample(file: ProjectFile, reader: SourceReader, name: str) -> Sample:
    from homeostat.pipeline.text_times import with_times
    from homeostat.pipeline.validate import check_delivery

    source = file.project.sources[name]
    start = file.project.start or system_clock().now() - LOOK_BACK
    window = Window(start, start + source.every)
    try:
        frame = with_times(source, reader.read(name, window))
    except HomeostatError as error:
        return Sample(name, Verdict.ERROR, (str(error),))
    verdict, findings = check_delivery(source, name, frame, None, window)
    return Sample(name, verdict, tuple(finding.reason for finding in findings), frame)


def _named(file: ProjectFile) -> Iterator[tuple[str, str, Location]]:
    """Source, column, and where the file names it."""
    project = file.project
    events, labels = project.events.source, project.labels.source
    for name, source in project.sources.items():
        yield name, source.known_at, ("sources", name, "known_at")
    yield events, project.events.id, ("events", "id")
    yield events, project.events.time, ("events", "time")
    if project.events.entity is not None:
        yield events, project.events.entity, ("events", "entity")
    if project.split.group is not None:
        yield events, project.split.group, ("split", "group")
    for place, column in enumerate(project.features.row):
        yield events, column, ("features", "row", place)
    yield labels, project.events.id, ("events", "id")
    yield labels, project.labels.column, ("labels", "column")
    for name, view in project.features.views.items():
        place_of = ("features", "views", name)
        for place, column in enumerate(view.key):
            yield events, column, (*place_of, "key", place)
            yield view.source, column, (*place_of, "key", place)
        for place, column in enumerate(view.columns):
            yield view.source, column, (*place_of, "columns", place)
        for feature, declared in view.aggregates.items():
            kind = "mean" if declared.mean else "sum"
            if declared.mean or declared.sum:
                column = declared.mean or declared.sum or ""
                yield view.source, column, (*place_of, "aggregates", feature, kind)


def _missing(file: ProjectFile, frames: dict[str, pl.DataFrame | None]) -> Iterator[HomeostatError]:
    for source, column, location in _named(file):
        frame = frames.get(source)
        if frame is None or not frame.width or column in frame.columns:
            continue
        error = ColumnError(
            f"the first delivery of '{source}' has no column '{column}'; "
            f"{nearest(column, frame.columns)}it has {', '.join(frame.columns)}",
            next_step="correct the name, or the source",
        )
        yield at_line(error, file, location)


def _features(file: ProjectFile, folder: Path, samples: list[Sample]) -> None:
    """Raise what is wrong when the features of the first events are computed."""
    from homeostat.features.build import build_features
    from homeostat.features.frames import TableFrames

    frames = {s.source: s.frame for s in samples if s.frame is not None and s.frame.width}
    events = frames.get(file.project.events.source)
    if events is None or not events.height:
        return
    known_at = {name: source.known_at for name, source in file.project.sources.items()}
    try:
        build_features(file.project, folder, events, TableFrames(frames, known_at))
    except HomeostatError as error:
        raise at_line(error, file, ("features",)) from error
