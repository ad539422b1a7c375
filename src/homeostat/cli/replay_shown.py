"""What ``homeostat replay`` prints."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

    from homeostat.pipeline.replay_scores import Compared, Replayed


def told(row: Mapping[str, Any], found: Replayed, engine: str) -> str:
    """One prediction, logged and again, as a paragraph with markup."""
    from rich.markup import escape

    colour = "green" if found.equal else "red"
    verdict = "equal" if found.equal else f"not equal: {escape(found.reason)}"
    again = "-" if found.again is None else repr(found.again)
    lines = [
        f"[bold]{escape(row['id'])}[/] at {row['at']:%Y-%m-%d %H:%M:%S.%f}, "
        f"v{row['version']} ({row['arm']}, {engine})",
        f"logged    {found.logged!r}",
        f"again     {again}",
        f"[{colour}]{verdict}[/]",
    ]
    if found.difference:
        lines.insert(3, f"differs   by {found.difference:+.3g}")
    if row["fetched"]:
        lines.insert(1, f"fetched   {escape(row['fetched'])}")
    return "\n".join(lines)


def table(summary: Sequence[Compared]) -> Table:
    """A line per version that had answered."""
    from rich.table import Table

    shown = Table(box=None, pad_edge=False)
    heads = ("answered by", "rows", "mean then", "mean now", "mean diff", "largest", "corr",
             "changed")  # fmt: skip
    for place, head in enumerate(heads):
        shown.add_column(head, justify="left" if not place else "right")
    for one in summary:
        shown.add_row(
            f"v{one.version}",
            f"{one.rows:,}",
            _number(one.mean_logged),
            _number(one.mean_again),
            _number(one.mean_difference),
            _number(one.largest_difference),
            _number(one.correlation),
            "-" if one.changed is None else f"{one.changed:.2%}",
        )
    return shown


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


@contextmanager
def progress_bar(*, silent: bool) -> Iterator[Callable[[float], None]]:
    """A progress bar on standard error; yields what to tell the share done."""
    if silent:
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("replaying", total=1.0)
        yield lambda share: bar.update(task, completed=share)
