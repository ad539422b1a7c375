"""The end of a back-test in the terminal: the numbers, each disturbance, and what to do next."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from homeostat.console import story, words
from homeostat.console.judged_plot import judged_sentence
from homeostat.domain.backtest import BacktestResult, Handling

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

COLOURS = {
    Handling.HANDLED: "green",
    Handling.PARTLY: "yellow",
    Handling.MISSED: "red",
    Handling.ABSENT: "dim",
}


def print_summary(result: BacktestResult, console: Console, report: Path | None = None) -> None:
    """Print the summary of ``result``; ``report`` is where the page was written."""
    from rich.padding import Padding

    console.print()
    console.print(f"[bold]{story.headline(result)}[/]")
    console.print(f"[dim]{story.deck(result)}[/]")
    console.print()
    if result.curves:
        if result.compared_from:
            console.print(f"  [dim]Whole months from {words.day(result.compared_from)}[/]")
        console.print(Padding(_quality(result), (0, 0, 0, 2)))
    for line in _counted(result):
        console.print(f"  {line}")
    if result.disturbed:
        console.print()
        console.print(Padding(_disturbed(result), (0, 0, 0, 2)))
    for note in result.notes:
        console.print(f"  [yellow]{note}[/]")
    console.print()
    if report is not None:
        console.print(f"  [bold]Report[/]   {report}", soft_wrap=True)
    for title, command in (
        ("Serve", result.commands.serve),
        ("Why", result.commands.why),
        ("Verify", result.commands.verify),
        ("Again", result.commands.reproduce),
    ):
        if result.champion is not None or title == "Verify":
            console.print(f"  [bold]{title:<8}[/] {command}", soft_wrap=True)
    console.print()


def _quality(result: BacktestResult) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    metric = words.metric_name(result.metric)
    table = Table(box=SIMPLE_HEAD, padding=(0, 2, 0, 0))
    table.add_column("")
    for title in (f"mean {metric}", "Homeostat", "95 %", "trainings"):
        table.add_column(title, justify="right", no_wrap=True)
    for curve in result.curves:
        gap = result.gap(curve.name)
        better, ends = "", ""
        if gap is not None and gap.difference is not None:
            better = words.signed(gap.difference, 4)
            ends = f"[dim]{words.interval(gap.low, gap.high, 4)}[/]"
        name = f"[bold]{curve.title}[/]" if curve.name == "loop" else curve.title
        table.add_row(name, words.value(curve.mean, 4), better, ends, f"{curve.trainings:,}")
    return table


def _counted(result: BacktestResult) -> list[str]:
    tally = result.tally
    first = words.moment(result.first_served_at) if result.first_served_at else "never"
    return [
        f"{words.count(tally.events, 'event')}, {words.count(tally.predictions, 'prediction')} "
        f"answered (first version: {first}), {tally.labelled:,} with a label",
        f"{words.count(tally.trainings, 'training')}: {tally.registered:,} registered, "
        f"{tally.refused:,} refused, {tally.failed_runs:,} failed",
        judged_sentence(result) + f" {words.count(tally.rollbacks, 'rollback')}.",
        f"{words.count(tally.deliveries, 'delivery', 'deliveries')}, {tally.quarantined:,} "
        f"quarantined; {words.count(tally.alerts, 'alert')}; "
        f"{words.count(tally.entries, 'ledger entry', 'ledger entries')}",
    ]


def _disturbed(result: BacktestResult) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, padding=(0, 2, 0, 0))
    table.add_column("Injected", no_wrap=True)
    table.add_column("Noticed")
    table.add_column("What came of it")
    table.add_column("Ledger")
    for each in result.disturbed:
        entries = ", ".join(str(entry) for entry in each.entries[:4])
        more = " …" if len(each.entries) > 4 else ""
        colour = COLOURS[each.handling]
        table.add_row(
            f"{each.name}\n[dim]{words.day(each.since, year=False)}[/]",
            "-" if each.noticed_at is None else f"after {words.span(each.noticed_at - each.since)}",
            f"[{colour}]{each.handling}[/]: {each.verdict}\n[dim]{each.injected}[/]",
            f"[dim]{entries}{more}[/]",
        )
    return table
