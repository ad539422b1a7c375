"""A progress bar for a back-test: the simulated date, who serves, what has happened so far."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from homeostat.domain.backtest import Progress

STAGES = {
    "replay": "replaying",
    "baselines": "baselines",
    "judge": "judging",
}


@contextmanager
def shown_progress(*, silent: bool = False) -> Iterator[Callable[[Progress], None]]:
    """Draw progress on standard error while the back-test runs; gives what to tell it with.

    ``silent`` draws nothing, for output that programs read.
    """
    if silent:
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True, highlight=False)
    columns = (
        SpinnerColumn(style="cyan"),
        TextColumn("{task.fields[when]}"),
        BarColumn(bar_width=28, complete_style="cyan", finished_style="green"),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("[dim]{task.fields[counts]}"),
        TimeElapsedColumn(),
    )
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task("backtest", total=1.0, when="preparing", counts="")

        def tell(progress: Progress) -> None:
            bar.update(
                task,
                completed=progress.baseline_share
                if progress.stage == "baselines"
                else progress.share,
                when=when(progress),
                counts=counts(progress),
            )

        yield tell


def when(progress: Progress) -> str:
    """The simulated day, or what comes after it."""
    if progress.stage != "replay":
        return STAGES.get(progress.stage, progress.stage)
    return f"{progress.at:%d %b %Y}"


def counts(progress: Progress) -> str:
    """What has happened so far, in a few words."""
    champion = f"v{progress.champion}" if progress.champion else "no version yet"
    parts = [champion, f"{progress.predictions:,} answers", f"{progress.trainings} trainings"]
    for number, word in (
        (progress.refusals, "refused"),
        (progress.rollbacks, "rolled back"),
        (progress.quarantined, "quarantined"),
    ):
        if number:
            parts.append(f"{number} {word}")
    if progress.doing:
        parts.append(f"[cyan]{progress.doing}[/]")
    return " · ".join(parts)
