"""The only place that chooses adapters.

:func:`open_ledger` is light (standard library and msgspec), so that ``homeostat status`` answers
at once. :func:`assemble` builds everything that training, serving and deciding need.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from homeostat.errors import OrderError
from homeostat.ports.serving import Serving

if TYPE_CHECKING:
    from homeostat.domain.run import RunRequest
    from homeostat.engine.act import RequestFaults
    from homeostat.engine.reconcile import Engine
    from homeostat.features.online import OnlineFeatures
    from homeostat.gateway.app import Gateway as Application
    from homeostat.gateway.host import Host
    from homeostat.gateway.metrics import Metrics
    from homeostat.gateway.model import Model
    from homeostat.gateway.standing import Standing
    from homeostat.monitoring.evidence import LogEvidence
    from homeostat.monitoring.label_log import LabelLog
    from homeostat.monitoring.load import WorkerLoad
    from homeostat.monitoring.prediction_log import PredictionLog
    from homeostat.monitoring.redaction import Redaction
    from homeostat.ports.blobs import Blobs
    from homeostat.ports.clock import Clock
    from homeostat.ports.ledger import Ledger
    from homeostat.ports.online_store import OnlineStore
    from homeostat.ports.runner import Runner
    from homeostat.ports.source import SourceReader
    from homeostat.ports.step_cache import StepCache
    from homeostat.ports.tracker import Tracker
    from homeostat.spec.project import Project

STATE = ".homeostat"
"""Name of the state folder inside a project folder."""
WORKERS = "workers"
"""Folder with the sockets of the gateway's workers."""


@dataclass(frozen=True, slots=True)
class Assembly:
    """One model, wired: what the command line, the controller and the back-test work with."""

    project: Project
    folder: Path
    state: Path
    clock: Clock
    blobs: Blobs
    ledger: Ledger
    cache: StepCache
    log: PredictionLog
    labels: LabelLog
    host: Host
    serving: Serving
    evidence: LogEvidence
    runner: Runner
    tracker: Tracker
    reader: SourceReader
    engine: Engine


def state_folder(folder: Path, state: Path | None) -> Path:
    """Where the state of the project in ``folder`` is, unless ``state`` says otherwise."""
    return state if state is not None else folder / STATE


def open_ledger(state: Path, model: str | None = None) -> Ledger:
    """The ledger in ``state``, of ``model`` or of the only model there.

    Raises OrderError when there is no state yet, StateError when it cannot be used.
    """
    from homeostat.adapters.local.sqlite_ledger import SqliteLedger, models_in

    database = state / "state.db"
    if not database.exists():
        raise OrderError(
            "there is no state yet",
            subject=str(state),
            next_step="run `homeostat run` or `homeostat up` in the project folder first",
        )
    if model is None:
        models = models_in(database)
        if len(models) != 1:
            raise OrderError(
                f"the state holds {len(models)} models: {', '.join(models) or 'none'}",
                subject=str(database),
                next_step="run the command in the folder of the project that you mean",
            )
        model = models[0]
    return SqliteLedger(database, model)


def system_clock() -> Clock:
    """The clock of this machine."""
    from homeostat.adapters.local.system_clock import SystemClock

    return SystemClock()


def reader_of(project: Project, folder: Path) -> SourceReader:
    """Reads the project's sources, without any state."""
    from homeostat.adapters.local.source_reader import ProjectSourceReader

    return ProjectSourceReader(project, folder)


def assemble(
    folder: Path,
    state: Path | None = None,
    *,
    clock: Clock | None = None,
    executor: str | None = None,
    wrap_reader: Callable[[SourceReader], SourceReader] | None = None,
    request_faults: RequestFaults | None = None,
    progress: Callable[[str, float], None] | None = None,
    synchronous: Literal["FULL", "NORMAL"] = "FULL",
    workers: bool | None = None,
) -> Assembly:
    """Wire the project in ``folder`` to its state.

    ``clock`` is the system's by default; the back-test gives its own. ``executor`` overrides
    the project's. ``wrap_reader`` and ``request_faults`` let a scenario disturb what is read
    and trained. ``progress`` is told about the steps of inline runs: (step, share done).
    ``synchronous``: FULL survives a loss of power with every acknowledged entry; NORMAL, for a
    back-test that can be run again, survives a killed process only.
    ``workers``: whether the worker processes of a gateway serve, or a host in this process; by
    default the workers when any of them lives and the clock is the system's.
    Raises ProjectError and StateError.
    """
    from homeostat.adapters.local.file_blobs import FileBlobs
    from homeostat.adapters.local.source_reader import ProjectSourceReader
    from homeostat.adapters.local.sqlite_ledger import SqliteLedger
    from homeostat.adapters.local.sqlite_step_cache import SqliteStepCache
    from homeostat.adapters.local.system_clock import SystemClock
    from homeostat.domain.event import Declared
    from homeostat.engine.act import Actor
    from homeostat.engine.mirror import Mirror
    from homeostat.engine.reconcile import Engine
    from homeostat.features.own_metrics import own_metrics
    from homeostat.gateway.host import Host
    from homeostat.monitoring import load_file
    from homeostat.monitoring.evidence import LogEvidence
    from homeostat.monitoring.label_log import LabelLog
    from homeostat.monitoring.prediction_log import PredictionLog
    from homeostat.pipeline.references import loss_reader
    from homeostat.spec.load import load_project, spec_digest
    from homeostat.spec.settings import settings_of

    project = load_project(folder)
    settings = settings_of(project)
    where = state_folder(folder, state)
    where.mkdir(parents=True, exist_ok=True)
    wall = SystemClock()
    clock = clock or wall
    blobs = FileBlobs(where / "blobs", synchronous=synchronous)
    cache = SqliteStepCache(where / "state.db")
    ledger = SqliteLedger(where / "state.db", project.model, synchronous=synchronous)
    log = PredictionLog(where / "log" / "predictions")
    labels = LabelLog(where / "log" / "labels")
    reader: SourceReader = ProjectSourceReader(project, folder, labels)
    if wrap_reader is not None:
        reader = wrap_reader(reader)
    host = Host(project, blobs, log, clock, where / "gateway")
    serving = _serving(host, where, False if clock is not wall and workers is None else workers)
    load = where / "gateway" / load_file.NAME
    evidence = LogEvidence(project, blobs, log, own_metrics(project, folder), loss_reader, load)
    runner = _runner(project, folder, where, blobs, cache, clock, executor, progress)
    tracker = _tracker(project, where)
    engine = Engine(
        policy=settings,
        declared=Declared(project.model, project.owner, spec_digest(project)),
        ledger=ledger,
        actor=Actor(
            project,
            folder,
            blobs,
            reader,
            runner,
            serving,
            request_faults or (lambda _: ()),
            clock,
        ),
        evidence=evidence,
        runner=runner,
        serving=serving,
        mirror=Mirror(tracker, blobs),
        holder=f"{socket.gethostname()}:{os.getpid()}",
        lease_clock=wall,
    )
    return Assembly(
        project, folder, where, clock, blobs, ledger, cache, log, labels, host, serving, evidence,
        runner, tracker, reader, engine,
    )  # fmt: skip


class Gateway(Serving, Protocol):
    """The workers of a gateway, as whoever runs them sees them."""

    def alive(self) -> bool:
        """Whether a worker answers."""
        ...

    def controlled(self) -> bool:
        """Whether a controller that works was heard lately."""
        ...

    def heard(self, *, failing: bool) -> None:
        """Tell all workers that the controller lives, and whether its last pass failed."""
        ...

    def loads(self) -> dict[str, WorkerLoad | None]:
        """What each worker that lives counts, by its name; None when it does not answer."""
        ...

    def orphans(self) -> list[str]:
        """Workers that live on after whoever started them."""
        ...

    def stop(self, names: list[str]) -> None:
        """Let the named workers finish and end."""
        ...


def gateway_in(state: Path) -> Gateway:
    """The worker processes that serve from ``state``, whoever started them."""
    from homeostat.adapters.local.workers_serving import WorkersServing

    return WorkersServing(state / "gateway" / WORKERS)


@dataclass(frozen=True, slots=True)
class Worker:
    """What one worker of the gateway answers with; ``app`` is the ASGI application."""

    project: Project
    state: Path
    model: Model
    log: PredictionLog
    metrics: Metrics
    standing: Standing
    app: Application


def open_worker(folder: Path, state: Path | None = None, clock: Clock | None = None) -> Worker:
    """Wire one worker: it reads blobs and its last good routing, and never the ledger.

    Raises ProjectError.
    """
    from homeostat.adapters.local.file_blobs import FileBlobs
    from homeostat.gateway.app import Gateway as App
    from homeostat.gateway.arms import Arms
    from homeostat.gateway.label_route import LabelRoute
    from homeostat.gateway.metrics import Metrics
    from homeostat.gateway.model import Model
    from homeostat.gateway.routes import Routes
    from homeostat.gateway.standing import Standing
    from homeostat.monitoring.label_log import LabelLog
    from homeostat.monitoring.log_lag import log_lag
    from homeostat.monitoring.prediction_log import PredictionLog
    from homeostat.spec.load import load_project

    project = load_project(folder)
    where = state_folder(folder, state)
    clock = clock or system_clock()
    declared, predictions = project.serving, where / "log" / "predictions"
    log = PredictionLog(predictions, declared.log.fsync)
    arms = Arms(
        project.model, FileBlobs(where / "blobs"), where / "gateway", declared, declared.engine
    )
    model = Model(
        project, arms, log, clock, _online(project, folder, where), _redaction(project, where)
    )
    metrics, standing = Metrics(project.model), Standing()
    labels = LabelLog(where / "log" / "labels")
    routes = Routes(
        model,
        LabelRoute(
            labels, log, clock, binary=project.task == "binary", shown=model.rows.entity_logged
        ),
        metrics,
        standing,
        lambda: log_lag(predictions, clock.now().timestamp()),
    )
    return Worker(project, where, model, log, metrics, standing, App(model, metrics, routes))


def _serving(host: Host, state: Path, workers: bool | None) -> Serving:
    """The workers of a gateway, when they are wanted or (None) live; else a host in here."""
    from homeostat.adapters.local.host_serving import HostServing

    gateway = gateway_in(state)
    if workers or (workers is None and gateway.alive()):
        return gateway
    return HostServing(host)


def _redaction(project: Project, state: Path) -> Redaction | None:
    """What hides personal fields; None when there are none."""
    from homeostat.monitoring.redaction import Redaction, redaction_key

    personal = project.serving.log.personal
    if not personal:
        return None
    key = redaction_key(state / "log" / "redaction.key")
    return Redaction(personal, key, entity=project.events.entity)


def online_store(state: Path) -> OnlineStore:
    """The rows that features of views are computed from while serving."""
    from homeostat.adapters.local.sqlite_online_store import SqliteOnlineStore

    return SqliteOnlineStore(state / "online.db")


def _online(project: Project, folder: Path, state: Path) -> OnlineFeatures | None:
    """What fills in features that a request leaves out; None when no view is declared."""
    from homeostat.features.online import OnlineFeatures

    if not project.features.views:
        return None
    return OnlineFeatures(project, folder, online_store(state))


def _runner(
    project: Project,
    folder: Path,
    state: Path,
    blobs: Blobs,
    cache: StepCache,
    clock: Clock,
    executor: str | None,
    progress: Callable[[str, float], None] | None,
) -> Runner:
    if (executor or project.training.executor) == "process":
        from homeostat.adapters.local.process_runner import ProcessRunner

        return ProcessRunner(folder, state)
    from homeostat.adapters.local.inline_runner import InlineRunner
    from homeostat.pipeline.run import run_pipeline

    def execute(request: RunRequest) -> Any:
        told = progress or (lambda _step, _share: None)
        return run_pipeline(request, project, folder, blobs, cache, clock, told)

    return InlineRunner(execute)


def _tracker(project: Project, state: Path) -> Tracker:
    from homeostat.adapters.mlflow.tracker import MlflowTracker, NullTracker

    uri = project.tracking.mlflow
    if uri is None:
        return NullTracker()
    if uri == "local":
        return MlflowTracker.local(state / "mlflow", project.model)
    return MlflowTracker(uri, project.model)
