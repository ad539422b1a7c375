"""The table: on the terminal, as Markdown and as JSON."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from truth.case import MISSED, QUARTERLY, Measured, Share

HEADS = ("whose", "method", "data", "stated", "measured (95 %)", "power", "shift", "trials", "")


def number(value: float) -> str:
    """Three digits after the point where it is a share, fewer for counts."""
    return f"{value:.3f}" if value < 10 else f"{value:.1f}"


def share(found: Share | None) -> str:
    """The value and its interval."""
    if found is None:
        return "-"
    return f"{number(found.value)} ({number(found.low)} to {number(found.high)})"


def cells(row: Measured) -> tuple[str, ...]:
    """A row as text."""
    trials = "-" if row.wrong is None else f"{row.wrong.trials:,}"
    if row.wrong is not None and row.wrong.undecided:
        trials += f" (+{row.wrong.undecided:,} undecided)"
    stated = "-" if row.stated is None else f"{row.stated:g}"
    if row.admitted is not None:
        stated += f" (docstring: {row.admitted:g})"
    measured = share(row.wrong)
    if row.error == QUARTERLY:
        measured += " alarms in 90 days"
    elif row.error == MISSED:
        measured += " missed"
    power = "-" if row.power is None else number(row.power.value)
    return row.whose, row.method, row.data, stated, measured, power, row.shift, trials, row.mark


def show(console: Console, title: str, rows: list[Measured]) -> None:
    """One section on the terminal."""
    table = Table(*HEADS, title=title, title_justify="left", padding=(0, 1, 0, 0), box=None)
    for row in rows:
        style = "red" if row.mark.startswith("NOT HELD") else ""
        table.add_row(*cells(row), style=style)
    console.print(table, "")


def markdown(sections: dict[str, list[Measured]], head: str) -> str:
    """All sections."""
    lines = [head, ""]
    for title, rows in sections.items():
        lines += [f"## {title}", "", "| " + " | ".join(HEADS) + " |"]
        lines.append("| " + " | ".join("---" for _ in HEADS) + " |")
        lines += ["| " + " | ".join(cells(row)) + " |" for row in rows]
        lines.append("")
    return "\n".join(lines)


def write(folder: Path, sections: dict[str, list[Measured]], about: dict[str, Any]) -> None:
    """``error_rates.json`` and ``error_rates.md``."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        dataclasses.asdict(row) | {"section": title, "mark": row.mark}
        for title, found in sections.items()
        for row in found
    ]
    (folder / "error_rates.json").write_text(json.dumps(about | {"rows": rows}, indent=1))
    head = "# Measured error rates\n\n" + ", ".join(
        f"{key}: {value}" for key, value in about.items()
    )
    (folder / "error_rates.md").write_text(markdown(sections, head))
