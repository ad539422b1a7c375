"""``run_backtest``: recorded data through the same loop and engine, on a simulated clock."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from homeostat import __version__
from homeostat.domain.backtest import (
    BacktestResult,
    Commands,
    Curve,
    Gap,
    Progress,
)
from homeostat.domain.codec import canonical
from homeostat.domain.delivery import Window
from homeostat.domain.projection import project as fold
from homeostat.domain.recorded import Recorded
from homeostat.errors import HomeostatError, OrderError
from homeostat.monitoring.signals import DRIFTED
from homeostat.simulation.baselines import WAYS, Baselines, First, Job
from homeostat.simulation.beside import Beside
from homeostat.simulation.chronicle import (
    Chronicle,
    decisions_of,
    read_chronicle,
    served_of,
    tally_of,
    trained_at,
)
from homeostat.simulation.disturbances import judge_disturbances
from homeostat.simulation.fresh_state import MARK, make_fresh
from homeostat.simulation.quality import (
    Scores,
    compared,
    curve_of,
    first_whole_month,
    gap_between,
    scores_of,
)
from homeostat.simulation.replay import Replay, replaying
from homeostat.simulation.reviews import review_changes
from homeostat.simulation.scenario import Scenario, load_scenario
from homeostat.spec.load import load_project
from homeostat.spec.project import Project
from homeostat.stats.metrics import LOSSES

if TYPE_CHECKING:
    import polars as pl

    from homeostat.ports.source import SourceReader

Tell = Callable[[Progress], None]


def run_backtest(
    folder: Path,
    state: Path,
    *,
    scenario: Path | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    compare: Sequence[str] = WAYS,
    overwrite: bool = False,
    progress: Tell = lambda _: None,
) -> BacktestResult:
    """Replay the recorded data of the project in ``folder`` through the loop.

    ``since`` defaults to the project's start, ``until`` to the day after the last recorded
    event. ``scenario`` names a file with disturbances, ``compare`` the baselines. ``state``
    becomes a fresh state folder that every other command can use afterwards; the result is kept
    in it as ``backtest.json``. ``progress`` hears how far it is.

    Raises OrderError for a state folder in use, ProjectError, DataError and StateError.
    """
    project = load_project(folder)
    declared = load_scenario(scenario, project) if scenario is not None else Scenario()
    _check(project, compare)
    begin = since or project.start
    if begin is None:
        raise OrderError(
            "it is not known where the recorded data begin",
            subject="homeostat.yaml: start",
            next_step="declare 'start' in the project file, or give --from",
        )
    if until is not None and until <= begin:
        raise OrderError(
            f"the back-test would end ({until:%Y-%m-%d}) before it begins ({begin:%Y-%m-%d})",
            subject="--to",
            next_step="give an end after the beginning",
        )
    make_fresh(state, overwrite=overwrite)
    doing = _Doing(progress)
    with replaying(folder, state, declared, begin, until, doing.step) as replay:
        run = _Backtest(replay, declared, tuple(compare), doing)
        result = run.execute()
    _keep(state, result)
    return result


def _check(project: Project, compare: Sequence[str]) -> None:
    unknown = sorted(set(compare) - set(WAYS))
    if unknown:
        raise OrderError(
            f"there is no baseline '{unknown[0]}'",
            subject="--compare",
            next_step=f"choose among {', '.join(WAYS)}",
        )
    posted = sorted(name for name, source in project.sources.items() if source.posted)
    if posted:
        raise OrderError(
            f"the rows of '{posted[0]}' are posted to the gateway: nothing is recorded to replay",
            subject=f"homeostat.yaml: sources.{posted[0]}",
            next_step="give the source a 'load' or 'path' with recorded rows for the back-test",
        )


def _keep(state: Path, result: BacktestResult) -> None:
    """The result beside the state it came from, all or nothing."""
    unfinished = state / f".{MARK}"
    unfinished.write_bytes(canonical(result) + b"\n")
    unfinished.replace(state / MARK)


class _Doing:
    """Tells a person how far it is; knows what the engine is at."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self.last: Progress | None = None
        self.baseline_share = 0.0

    def show(self, progress: Progress) -> None:
        """Tell ``progress``."""
        self.last = replace(progress, baseline_share=self.baseline_share)
        self._tell(self.last)

    def step(self, name: str, share: float) -> None:
        """A step of a training run begins or ends."""
        if self.last is not None:
            self.show(replace(self.last, doing=name if share < 1 else ""))

    def stage(self, stage: str, share: float, doing: str = "") -> None:
        """What comes after the replay."""
        if self.last is not None:
            self.show(replace(self.last, stage=stage, share=share, doing=doing))


class _Backtest:
    """The parts of one back-test in their order: replay, baselines, judgement."""

    def __init__(
        self, replay: Replay, scenario: Scenario, compare: tuple[str, ...], doing: _Doing
    ) -> None:
        self._replay = replay
        self._scenario = scenario
        self._compare = compare
        self._doing = doing
        self._beside: Beside | None = None
        self._notes: list[str] = []

    def execute(self) -> BacktestResult:
        """Run it all."""
        try:
            if self._compare:
                self._beside = Beside.start(self._job(), self._replay.wired.state)
            for now in self._replay.ticks():
                self._hear_baselines()
                self._doing.show(self._replay.progress(now))
            baselines = self._baselines()
        finally:
            if self._beside is not None:
                self._beside.close()
        return self._judged(baselines)

    # -- baselines ----------------------------------------------------------------------

    def _job(self) -> Job:
        wired = self._replay.wired
        return Job(
            folder=wired.folder,
            data_since=min(wired.project.start or self._replay.since, self._replay.since),
            until=self._replay.until,
            ways=self._compare,
            threads=1,
        )

    def _hear_baselines(self) -> None:
        """How far they are; and tell them the first champion as soon as there is one."""
        if self._beside is None:
            return
        if self._replay.recorded.tenures and not self._beside.going:
            self._beside.go_on(self._first(self._replay.recorded))
        self._beside.poll()
        self._doing.baseline_share = self._beside.share

    def _first(self, recorded: Recorded) -> First:
        version = recorded.version(recorded.tenures[0].version)
        return First(
            served_from=recorded.tenures[0].since,
            package=self._replay.wired.blobs.get_tree(version.candidate.package_digest),
            model_digest=version.digest,
            parameters=version.candidate.parameters,
            seed=version.candidate.seed,
        )

    def _baselines(self) -> Baselines | None:
        """Wait for the answer; without one the report says why, and is made all the same."""
        if self._beside is None or not self._beside.going:
            return None
        while not self._beside.poll(wait_s=0.2):
            self._doing.baseline_share = self._beside.share
            self._doing.stage("baselines", self._beside.share, "baselines")
        try:
            return self._beside.result()
        except HomeostatError as error:
            self._notes.append(f"The baselines could not be computed: {error}")
            return None

    # -- judgement ----------------------------------------------------------------------

    def _judged(self, baselines: Baselines | None) -> BacktestResult:
        replay, wired = self._replay, self._replay.wired
        self._doing.stage("judge", 0.0, "judging")
        chronicle = read_chronicle(wired.ledger.read())
        recorded = fold(wired.ledger.read())
        truth = labels_until(wired.project, replay.reader.inner, replay.since, replay.until)
        curves, gaps, labelled, since = self._quality(recorded, chronicle, truth, baselines)
        reviews = review_changes(
            recorded,
            chronicle,
            wired.blobs,
            wired.log,
            truth,
            wired.project.metrics.primary,
            replay.until,
            lambda share: self._doing.stage("judge", 0.2 + 0.8 * share, "judging promotions"),
        )
        project = wired.project
        return BacktestResult(
            model=project.model,
            owner=project.owner,
            description=project.description.strip(),
            task=project.task,
            metric=project.metrics.primary,
            less_is_better=project.metrics.primary in LOSSES,
            since=replay.since,
            until=replay.until,
            compared_from=since,
            first_served_at=recorded.tenures[0].since if recorded.tenures else None,
            tally=tally_of(
                chronicle,
                recorded,
                events=replay.traffic.asked,
                predictions=replay.traffic.answered.total,
                labelled=labelled,
            ),
            curves=curves,
            gaps=gaps,
            decisions=decisions_of(chronicle, recorded),
            served=served_of(recorded),
            reviews=reviews,
            disturbed=judge_disturbances(
                self._scenario, replay.reader.damage, chronicle, replay.traffic.answered
            ),
            drift=replay.samples.drift(),
            commands=commands_for(wired.folder, wired.state, recorded),
            ledger_head=recorded.head,
            champion=recorded.champion.number if recorded.champion else None,
            homeostat=__version__,
            psi_limit=DRIFTED,
            notes=tuple(self._notes),
        )

    def _quality(
        self,
        recorded: Recorded,
        chronicle: Chronicle,
        truth: pl.DataFrame,
        baselines: Baselines | None,
    ) -> tuple[tuple[Curve, ...], tuple[Gap, ...], int, datetime | None]:
        """Curves and gaps, the number of rows behind them, and from when on they are compared."""
        if not recorded.tenures:
            return (), (), 0, None
        served = (recorded.tenures[0].since, self._replay.until)
        since = self._scenario.compare_from or first_whole_month(served)
        scores = self._scores(served, truth, baselines)
        metric = self._replay.wired.project.metrics.primary
        trained = {"loop": trained_at(chronicle), **(baselines.trained_at if baselines else {})}
        curves = tuple(
            curve_of(way, scores, metric, served, since, trained[way]) for way in scores.predictions
        )
        months = compared(curves[0].monthly, since)
        gaps = tuple(
            gap_between(scores, way, metric, months) for way in scores.predictions if way != "loop"
        )
        return curves, gaps, int(scores.truth.size), since

    def _scores(
        self, served: tuple[datetime, datetime], truth: pl.DataFrame, baselines: Baselines | None
    ) -> Scores:
        """Rows that the loop answered, with their truth, and the baselines' answers to them."""
        import polars as pl

        log = self._replay.wired.log.read(*served, ("event", "at", "arm", "prediction"))
        answered = log.filter(pl.col("arm") != "shadow").unique("event", keep="last")
        rows = answered.select("event", "at", loop="prediction").join(truth, on="event")
        ways = ["loop"]
        if baselines is not None:
            rows = rows.join(baselines.rows, on="event")
            ways += [way for way in WAYS if way in baselines.rows.columns]
        return scores_of(rows.sort("at", "event"), ways)


def labels_until(
    project: Project, reader: SourceReader, since: datetime, until: datetime
) -> pl.DataFrame:
    """What was known to be true by ``until``: ``event`` and ``truth``, the latest label of each."""
    import polars as pl

    rows = reader.read(project.labels.source, Window(since, until))
    if not rows.height:
        return pl.DataFrame(schema={"event": pl.String, "truth": pl.Float64})
    return (
        rows.select(
            pl.col(project.events.id).cast(pl.String).alias("event"),
            pl.col(project.labels.column).cast(pl.Float64).alias("truth"),
        )
        .drop_nulls()
        .unique("event", keep="last", maintain_order=True)
    )


def commands_for(folder: Path, state: Path, recorded: Recorded) -> Commands:
    """What to type next, with the folders as they were given."""
    where = f"--project {shlex.quote(str(folder))} --state {shlex.quote(str(state))}"
    tenures = recorded.tenures
    middle = tenures[len(tenures) // 2].since + timedelta(days=1) if tenures else None
    at = f"{middle:%Y-%m-%d}" if middle else "2024-01-01"
    return Commands(
        serve=f"homeostat up --no-controller {where}",
        why=f"homeostat why champion {where}",
        served=f"homeostat served --at {at} {where}",
        verify=f"homeostat ledger verify {where}",
        reproduce=f"homeostat reproduce champion {where}",
        status=f"homeostat status {where}",
    )
