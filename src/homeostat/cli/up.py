"""``homeostat up``: the controller in this process, the gateway's workers beside it."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from homeostat.cli.context import HERE, ProjectOption, StateOption, console
from homeostat.cli.watch import keep_health
from homeostat.errors import HomeostatError, NotReadyError

if TYPE_CHECKING:
    from homeostat.cli.watch import Watch
    from homeostat.wiring import Assembly, Gateway

HostOption = Annotated[str, typer.Option("--host", help="Address to listen on.")]
PortOption = Annotated[int, typer.Option("--port", min=1, max=65535, help="Port to listen on.")]
GrpcOption = Annotated[
    int | None,
    typer.Option("--grpc-port", min=1, max=65535, help="Also serve gRPC on this port."),
]
WorkersOption = Annotated[
    int, typer.Option("--workers", min=1, max=256, help="Processes that share the port.")
]
ControllerOption = Annotated[
    bool,
    typer.Option(
        "--controller/--no-controller", help="Make the loop's passes, or only serve what is routed."
    ),
]


def add(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("up")(up)


def up(
    project: ProjectOption = HERE,
    state: StateOption = None,
    host: HostOption = "127.0.0.1",
    port: PortOption = 8080,
    workers: WorkersOption = 1,
    grpc_port: GrpcOption = None,
    controller: ControllerOption = True,
) -> None:
    """Serve the champion over HTTP and keep the loop going, until stopped.

    The gateway starts with the last good routing, before the controller's first pass, and
    goes on serving it when a pass fails. Without the controller it follows what another one,
    or a person's command, routes.
    """
    from homeostat.cli.watch import Watch, tidy
    from homeostat.cli.watch_load import LoadWatch
    from homeostat.gateway.server import listening
    from homeostat.gateway.workers import Workers
    from homeostat.monitoring import load_file
    from homeostat.wiring import WORKERS, assemble, gateway_in

    signal.signal(signal.SIGTERM, _stop)
    wired = assemble(project, state, workers=True)
    folder = wired.state / "gateway"
    gateway = gateway_in(wired.state)
    orphans = gateway.orphans()
    if not orphans:
        listening(host, port, shared=False).close()  # nobody else may have the port
    commands = _commands(project, wired.state, host, port, workers, grpc_port)
    running = Workers(commands, folder / WORKERS, folder / "metrics")
    watch = Watch(wired, running)
    load = LoadWatch(gateway, folder / load_file.NAME, wired.clock)
    out = console()
    try:
        running.start()
        gateway.stop(orphans)
        watch.start()
        load.start()
        serves = _restore(wired, controller)
        out.print(
            f"[bold]{wired.project.model}[/] on http://{host}:{port}  (docs at /, stop: Ctrl-C)"
        )
        out.print(serves)
        _keep_going(wired, gateway, controller, watch)
    finally:
        watch.stop()
        load.stop()
        running.stop()
        tidy(wired)
        wired.engine.release()


def _stop(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _commands(
    project: Path, state: Path, host: str, port: int, workers: int, grpc_port: int | None
) -> list[list[str]]:
    base = [
        sys.executable, "-m", "homeostat.cli.worker",
        "--project", str(project), "--state", str(state), "--host", host,
    ]  # fmt: skip
    commands = [[*base, "--port", str(port)] for _ in range(workers)]
    if grpc_port is not None:
        commands.append([*base, "--grpc-port", str(grpc_port)])
    return commands


def _restore(wired: Assembly, controller: bool) -> str:
    """Serve what the record says, or what was served last; a line that tells which."""
    from homeostat.loop.deploy.traffic import routing
    from homeostat.spec.settings import settings_of

    recorded = wired.engine.refresh()
    champion = recorded.champion
    if champion is not None:
        wired.serving.route(routing(recorded, settings_of(wired.project).rollout))
        return f"v{champion.number} serves"
    observed = wired.serving.observe()
    if observed is not None and observed.answering:
        return "serving the last good routing"
    if not controller:
        raise NotReadyError(
            "there is no champion to serve",
            subject=wired.project.model,
            next_step="run `homeostat run` first, or leave out --no-controller",
        )
    return "no version yet: the first one serves as soon as it is trained and passes its gates"


def _keep_going(wired: Assembly, gateway: Gateway, controller: bool, watch: Watch) -> None:
    told, pause_s = "", 1.0
    while not watch.stopped.wait(pause_s):
        problem = _refresh_online(wired)
        if not controller:
            told = _told(problem, told)
            continue
        try:
            now = wired.clock.now()
            wired.engine.settle(now, watch=_tell)
            problem, pause_s = wired.engine.mirror_problem or problem, _pause_s(wired)
            gateway.heard(failing=False)
            keep_health(wired, now)
        except HomeostatError as error:
            problem = str(error)
            gateway.heard(failing=True)
        told = _told(problem, told)


def _told(problem: str, before: str) -> str:
    """Say what is wrong, once."""
    if problem and problem != before:
        console().print(f"[yellow]{problem}[/] (the gateway goes on serving)")
    return problem


def _refresh_online(wired: Assembly) -> str:
    """Bring the online store up to date with what was accepted; what is wrong, if anything."""
    from homeostat.features.online_write import materialise
    from homeostat.wiring import online_store

    if not wired.project.features.views:
        return ""
    try:
        recorded = wired.engine.refresh()
        store = online_store(wired.state)
        materialise(wired.project, wired.blobs, recorded, store, wired.clock.now())
    except HomeostatError as error:
        return str(error)
    return ""


def _pause_s(wired: Assembly) -> float:
    """A short wait while a run is under way, else until the next recheck, at most a minute.

    Orders of people are read from the ledger in each pass, so they wait no longer than this.
    """
    from homeostat.domain.run import RunStatus

    runs = wired.engine.recorded.runs.values()
    if any(run.status is RunStatus.RUNNING for run in runs):
        return 1.0
    every = wired.project.every.total_seconds()
    return max(1.0, min(5.0, every))


def _tell(entry: object) -> None:
    name = getattr(entry, "name", "")
    if name in ("Started", "Routed", "Failed"):
        at, body = getattr(entry, "at", None), getattr(entry, "body", {})
        detail = {
            "Started": lambda: f"training {body['request']['id']}: {body['request']['reason']}",
            "Routed": lambda: (
                "routing "
                + ", ".join(
                    f"v{arm['version']} " + ("shadow" if arm["shadow"] else f"{arm['share']:.1%}")
                    for arm in body["routing"]["arms"]
                )
            ),
            "Failed": lambda: f"failed: {body['problem']}",
        }[name]()
        console().print(f"[dim]{at:%H:%M:%S}[/] {detail}")
