"""``homeostat reproduce``: train a version again from its record, and compare."""

from __future__ import annotations

from typing import Annotated

import typer

from homeostat.cli.context import (
    EXIT_NO,
    HERE,
    JsonOption,
    ProjectOption,
    StateOption,
    console,
    print_json,
)
from homeostat.cli.named import version_named

VersionArgument = Annotated[str, typer.Argument(help="champion, v3 or 3.")]


def add(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("reproduce")(reproduce)


def reproduce(
    version: VersionArgument = "champion",
    project: ProjectOption = HERE,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> int:
    """Say at which level the two are equal: bytes, predictions, metrics, or none.

    Trains from the recorded snapshot, parameters and seed with an empty step cache. Exits 0
    for bytes or predictions, 3 otherwise.
    """
    from homeostat.pipeline.reproduce import reproduce as again
    from homeostat.wiring import assemble

    wired = assemble(project, state)
    recorded = wired.engine.refresh()
    wanted = version_named(recorded, version)
    request = recorded.runs[wanted.candidate.run_id].request
    out = console()
    status = None if as_json else out.status(f"training version {wanted.number} again")
    if status is not None:
        status.start()

    def progress(step: str, share: float) -> None:
        if status is not None:
            status.update(f"training version {wanted.number} again: {step} ({share:.0%})")

    try:
        found = again(
            wanted, request, wired.project, wired.folder, wired.blobs, wired.clock, progress
        )
    finally:
        if status is not None:
            status.stop()
    equal = found.level in ("bytes", "predictions")
    if as_json:
        print_json(found)
    else:
        colour = "green" if equal else "yellow"
        out.print(f"version {wanted.number}: equal in [{colour}]{found.level}[/]")
        for difference in found.differences:
            out.print(f"  {difference}")
    return 0 if equal else EXIT_NO
