"""``homeostat status``: how the model is, without waiting for anything heavy."""

from __future__ import annotations

import typer

from homeostat.cli.context import HERE, JsonOption, ProjectOption, StateOption
from homeostat.cli.overview import show


def add(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("status")(status)


def status(
    project: ProjectOption = HERE, state: StateOption = None, as_json: JsonOption = False
) -> None:
    """Show what serves, what is under way, and what needs a person."""
    show(project, state, as_json)
