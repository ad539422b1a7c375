"""``homeostat why``: the chain behind a version, a run or a ledger entry."""

from __future__ import annotations

from typing import Annotated

import typer

from homeostat.cli.context import (
    HERE,
    JsonOption,
    ProjectOption,
    StateOption,
    console,
    entries_of,
    print_json,
    shown,
)
from homeostat.errors import OrderError

NameArgument = Annotated[
    str, typer.Argument(help="champion, v3, run-0002, or e123 for a ledger entry.")
]


def add(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("why")(why)


def why(
    name: NameArgument = "champion",
    project: ProjectOption = HERE,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Explain: signal, policy, run, gate, rollout, outcome, each with its numbers."""
    from homeostat.domain.why import why as explain

    chain = explain(entries_of(project, state), name)
    if chain is None or not chain.links:
        raise OrderError(
            f"there is no '{name}' in the ledger",
            subject=name,
            next_step="`homeostat versions`, `homeostat runs` and `homeostat ledger show` list all",
        )
    if as_json:
        print_json(chain)
        return
    from rich.text import Text
    from rich.tree import Tree

    tree = Tree(Text(f"why {chain.subject}", style="bold"))
    for link in chain.links:
        head = Text(f"{link.station:<8} ", style="cyan")
        head.append(link.title, style="bold")
        head.append(f"  {shown(link.at)}  e{link.entry}", style="dim")
        branch = tree.add(head)
        if link.reason:
            branch.add(Text(link.reason))
        for detail in link.details:
            if detail != link.reason:
                branch.add(Text(detail, style="dim"))
    console().print(tree)
