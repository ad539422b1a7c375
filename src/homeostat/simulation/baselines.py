"""Two other ways to run the same model: never retrain, and retrain blindly every week.

Both begin with the loop's first champion at the instant at which it began to serve, and read
the undisturbed sources, so that what a scenario breaks counts against the loop alone. Features
are computed once for all labelled rows, each as known at its prediction time, by the project's
own code; training is the pipeline's own step, with the parameters of the first champion.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from homeostat.domain.delivery import Window
from homeostat.features.columns import as_instants
from homeostat.features.frames import TableFrames
from homeostat.pipeline.answer import predictions
from homeostat.pipeline.features import labelled_features
from homeostat.pipeline.labels import TARGET
from homeostat.pipeline.preprocess import inputs
from homeostat.pipeline.scorer import load_scorer
from homeostat.pipeline.snapshot import known_at_columns
from homeostat.pipeline.train import train
from homeostat.ports.source import SourceReader
from homeostat.spec.project import Project

if TYPE_CHECKING:
    import polars as pl

WEEK = timedelta(weeks=1)
NEVER, WEEKLY = "never", "weekly"
WAYS = (NEVER, WEEKLY)
KNOWN_AT = "__label_known_at"


@dataclass(frozen=True, slots=True)
class Job:
    """What the baselines need to know from the start.

    ``data_since`` is where the sources begin. ``ways`` are those asked for; ``threads`` limits
    training, None as the project says.
    """

    folder: Path
    data_since: datetime
    until: datetime
    ways: tuple[str, ...]
    threads: int | None = None


@dataclass(frozen=True, slots=True)
class First:
    """The loop's first champion: where its package is, and from when on it served."""

    served_from: datetime
    package: Path
    model_digest: str
    parameters: dict[str, Any]
    seed: int


@dataclass(frozen=True, slots=True)
class Baselines:
    """Answers of each way: ``event`` and a column by way; and when each of them trained."""

    rows: pl.DataFrame
    trained_at: dict[str, tuple[datetime, ...]]


def run_baselines(
    job: Job, project: Project, rows: pl.DataFrame, first: First, tell: Callable[[float], None]
) -> Baselines:
    """Answer every labelled row from the first champion's beginning on, in each of the ways.

    ``rows`` come from :func:`all_rows`; ``tell`` hears the share done. Raises ModelLoadError
    and what training raises.
    """
    import polars as pl

    later = rows.filter(pl.col(project.events.time) >= first.served_from)
    scorer = load_scorer(first.package, trusted_digest=first.model_digest)
    never = scorer.score(later)
    found = {"event": later[project.events.id].cast(pl.String)}
    trained: dict[str, tuple[datetime, ...]] = {}
    if NEVER in job.ways:
        found[NEVER] = pl.Series(never)
        trained[NEVER] = (first.served_from,)
    if WEEKLY in job.ways:
        found[WEEKLY], trained[WEEKLY] = _weekly(job, project, rows, later, first, never, tell)
    return Baselines(pl.DataFrame(found), trained)


def all_rows(job: Job, project: Project, reader: SourceReader) -> pl.DataFrame:
    """Features and targets of all labelled events, and when each label became known.

    ``reader`` must be undisturbed. Raises what reading and building features raise.
    """
    window = Window(job.data_since, job.until)
    tables = {name: reader.read(name, window) for name in project.sources}
    frames = TableFrames(tables, known_at_columns(project))
    whole = project.model_copy(
        update={"training": project.training.model_copy(update={"history": None})}
    )
    rows = labelled_features(whole, job.folder, frames, job.until)
    labels, identity = tables[project.labels.source], project.events.id
    known_at = project.sources[project.labels.source].known_at
    known = labels.select(identity, as_instants(labels, known_at, "labels").alias(KNOWN_AT)).unique(
        identity, keep="last", maintain_order=True
    )
    return rows.join(known, on=identity, how="left", maintain_order="left")


def _weekly(
    job: Job,
    project: Project,
    rows: pl.DataFrame,
    later: pl.DataFrame,
    first: First,
    answered: Any,
    tell: Callable[[float], None],
) -> tuple[pl.Series, tuple[datetime, ...]]:
    """A new model at the end of each week, on every label known by then, without a gate.

    The first week keeps what the first champion ``answered``.
    """
    import polars as pl

    time, since = later[project.events.time], first.served_from
    answers = pl.Series(answered).to_numpy().copy()
    parameters = _threaded(job, project, first)
    at, trained = since + WEEK, [since]
    while at < job.until:
        tell((at - since) / (job.until - since))
        known = rows.filter(pl.col(KNOWN_AT) < at)
        target = known[TARGET].to_numpy()
        model = train(project, job.folder, known, target, parameters, first.seed)
        week = ((time >= at) & (time < at + WEEK)).to_numpy()
        answers[week] = predictions(model, inputs(project, later.filter(pl.Series(week))))
        trained.append(at)
        at += WEEK
    return pl.Series(answers), tuple(trained)


def _threaded(job: Job, project: Project, first: First) -> dict[str, Any]:
    """The parameters, with the number of threads that the project sets lowered to ``threads``."""
    given = {**project.training.parameters, **first.parameters}
    limit: dict[str, Any] = {
        name: job.threads
        for name in ("num_threads", "n_jobs")
        if job.threads is not None and name in given
    }
    return {**first.parameters, **limit}
