"""``promote``, ``rollback``, ``deploy``, ``pause``: what people ask for, kept in the ledger.

An order is written down at once; the controller carries it out in its next pass. When no
controller runs, the command makes that pass itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.context import (
    HERE,
    JsonOption,
    ProjectOption,
    StateOption,
    WhyOption,
    console,
    ledger_of,
    person,
    print_json,
    recorded_of,
)
from homeostat.cli.named import number_of
from homeostat.errors import LeaseHeldError, OrderError, UnknownVersionError

VersionArgument = Annotated[str, typer.Argument(help="A version: v3 or 3.")]
BackToArgument = Annotated[
    str | None, typer.Argument(help="A version; default: the one that served before.")
]


def add(app: typer.Typer) -> None:
    """Add the commands to ``app``."""
    for command in (promote, rollback, deploy, undeploy, pause, resume):
        app.command(command.__name__)(command)


def promote(
    version: VersionArgument,
    why: WhyOption = "",
    project: ProjectOption = HERE,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a version the champion now, whatever the loop thinks of it."""
    _order("promote", number_of(version), why, project, state, as_json)


def rollback(
    version: BackToArgument = None,
    why: WhyOption = "",
    project: ProjectOption = HERE,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Go back to the version that served before, or to the one named."""
    number = number_of(version) if version is not None else None
    _order("rollback", number, why, project, state, as_json)


def deploy(
    version: VersionArgument,
    why: WhyOption = "",
    project: ProjectOption = HERE,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Load a version dark beside the champion: it answers only requests that name it."""
    _order("deploy", number_of(version), why, project, state, as_json)


def undeploy(
    version: VersionArgument,
    why: WhyOption = "",
    project: ProjectOption = HERE,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a version that was deployed dark away again."""
    _order("undeploy", number_of(version), why, project, state, as_json)


def pause(
    why: WhyOption = "",
    project: ProjectOption = HERE,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Stop training, rollouts and rollbacks; data still flows in and the model still serves."""
    _order("pause", None, why, project, state, as_json)


def resume(
    why: WhyOption = "",
    project: ProjectOption = HERE,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """End a pause."""
    _order("resume", None, why, project, state, as_json)


def _order(
    kind: str, version: int | None, why: str, project: Path, state: Path | None, as_json: bool
) -> None:
    from homeostat.domain.entry import Kind, draft
    from homeostat.domain.event import Order
    from homeostat.wiring import system_clock

    now = system_clock().now()
    recorded, _ = recorded_of(project, state)
    if version is not None and not 1 <= version <= len(recorded.versions):
        raise UnknownVersionError(
            f"there is no version {version}",
            subject=f"v{version}",
            next_step="`homeostat versions` lists them",
        )
    order = Order(kind, person(), why, version)
    (entry,) = ledger_of(project, state).append([draft(now, Kind.ORDER, order)])
    carried_out = _settle(project, state)
    after, ledger = recorded_of(project, state)
    obeyed = [
        e for e in ledger.read(entry.seq) if e.name == "Obey" and e.body["order"] == entry.seq
    ]
    refused = next((e.body["reason"] for e in obeyed if e.body["refused"]), None)
    if refused is not None:
        raise OrderError(
            f"the order was refused: {refused}",
            subject=kind,
            next_step="`homeostat status` shows what is so",
        )
    champion = after.champion.number if after.champion else None
    if as_json:
        print_json({"order": kind, "entry": entry.seq, "done": bool(obeyed), "champion": champion})
        return
    done = "done" if obeyed else "written down; the controller carries it out in its next pass"
    out = console()
    out.print(f"{kind}: {done} (e{entry.seq}); " + (f"v{champion} serves" if champion else ""))
    if not carried_out and not obeyed:
        out.print("another controller is in charge: `homeostat status` shows when it is done")


def _settle(project: Path, state: Path | None) -> bool:
    """Make the pass that carries the order out; False when another controller is in charge."""
    from homeostat.cli.passes import orders_pass

    try:
        orders_pass(project, state)
    except LeaseHeldError:
        return False
    return True
