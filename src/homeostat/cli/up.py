"""``homeostat up``: controller and gateway in one process."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Annotated

import typer

from homeostat.cli.context import HERE, ProjectOption, StateOption, console
from homeostat.errors import HomeostatError, NotReadyError

if TYPE_CHECKING:
    from homeostat.gateway.app import Gateway
    from homeostat.wiring import Assembly

HostOption = Annotated[str, typer.Option("--host", help="Address to listen on.")]
PortOption = Annotated[int, typer.Option("--port", min=1, max=65535, help="Port to listen on.")]
ControllerOption = Annotated[
    bool,
    typer.Option(
        "--controller/--no-controller", help="Make the loop's passes, or only serve the champion."
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
    controller: ControllerOption = True,
) -> None:
    """Serve the champion over HTTP and keep the loop going, until stopped.

    The gateway starts with the last good routing, before the controller's first pass, and
    goes on serving it when a pass fails.
    """
    from homeostat.gateway.app import Gateway
    from homeostat.gateway.server import Server
    from homeostat.wiring import assemble

    wired = assemble(project, state)
    gateway = Gateway(wired.project, wired.host, wired.labels, wired.clock)
    serves = _restore(wired, controller)
    server = Server(gateway.app, host, port)
    server.start()
    out = console()
    out.print(f"[bold]{wired.project.model}[/] on http://{host}:{port}  (docs at /, stop: Ctrl-C)")
    out.print(serves)
    stop = threading.Event()
    try:
        _keep_going(wired, gateway, server, stop, controller)
    finally:
        server.stop()
        wired.log.seal()
        wired.engine.release()


def _restore(wired: Assembly, controller: bool) -> str:
    """Serve what the record says, or what was served last; a line that tells which."""
    from homeostat.loop.deploy.traffic import routing

    recorded = wired.engine.refresh()
    champion = recorded.champion
    if champion is not None:
        wired.host.route(routing(recorded))
        return f"v{champion.number} serves"
    if wired.host.restore():
        return "serving the last good routing"
    if not controller:
        raise NotReadyError(
            "there is no champion to serve",
            subject=wired.project.model,
            next_step="run `homeostat run` first, or leave out --no-controller",
        )
    return "no version yet: the first one serves as soon as it is trained and passes its gates"


def _keep_going(
    wired: Assembly, gateway: Gateway, server: object, stop: threading.Event, controller: bool
) -> None:
    told = ""
    gauge = gateway.metrics.controller.labels(wired.project.model)
    while getattr(server, "alive", False):
        pause_s = 1.0
        if controller:
            try:
                wired.engine.settle(wired.clock.now(), watch=_tell)
                problem, pause_s = wired.engine.mirror_problem, _pause_s(wired)
                gauge.set(1)
            except HomeostatError as error:
                problem = str(error)
                gauge.set(0)
            if problem and problem != told:
                console().print(f"[yellow]{problem}[/] (the gateway goes on serving)")
            told = problem
        if stop.wait(pause_s):
            return


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
