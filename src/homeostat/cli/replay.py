"""``homeostat replay``: logged predictions computed again, and compared."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from homeostat.cli.context import (
    EXIT_NO,
    HERE,
    JsonOption,
    ProjectOption,
    StateOption,
    console,
    parse_time,
    print_json,
)
from homeostat.cli.named import version_named
from homeostat.cli.replay_shown import progress_bar, table, told
from homeostat.errors import OrderError

if TYPE_CHECKING:
    import polars as pl

    from homeostat.domain.version import Version
    from homeostat.pipeline.scorer import Scorer
    from homeostat.wiring import Assembly

IdOption = Annotated[str | None, typer.Option("--id", help="The id of a logged prediction.")]
WindowOption = Annotated[
    str | None, typer.Option("--window", help="24h (until now), or START..END, ISO 8601.")
]
VersionOption = Annotated[
    str | None, typer.Option("--version", help="Who answers again: champion, v3 or 3.")
]
OutOption = Annotated[
    Path | None, typer.Option("--out", help="Write each row with both answers: a Parquet file.")
]
PART = timedelta(hours=6)
"""So much of a window is in memory at once."""


def add(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("replay")(replay)


def replay(
    id: IdOption = None,
    window: WindowOption = None,
    version: VersionOption = None,
    out: OutOption = None,
    project: ProjectOption = HERE,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> int:
    """Compute logged predictions again, from the inputs in the prediction log.

    With --id: one prediction, by the version that answered it; exits 3 when the answer is
    another one now, or cannot be computed. With --window and --version: all that was answered
    in that time, by any version, beside the logged answers.
    """
    from homeostat.wiring import assemble

    if (id is None) == (window is None) or (id is not None and (version or out)):
        raise OrderError(
            "say either --id, or --window and --version",
            subject="replay",
            next_step="e.g. `homeostat replay --window 24h --version v3`",
        )
    wired = assemble(project, state, workers=False)
    if id is not None:
        return _one(wired, id, as_json=as_json)
    assert window is not None
    _window(wired, span_of(window, wired.clock.now()), version or "champion", out, as_json=as_json)
    return 0


def span_of(text: str, now: datetime) -> tuple[datetime, datetime]:
    """A window as [start, end): a duration until ``now``, or two times. OrderError."""
    from homeostat.spec.base import parse_duration

    if ".." in text:
        start, _, end = text.partition("..")
        span = parse_time(start), parse_time(end) if end else now
    else:
        try:
            span = now - parse_duration(text), now
        except ValueError as error:
            raise OrderError(f"'{text}' is no window", subject="--window", next_step=str(error)
                             + ", or START..END") from error  # fmt: skip
    if span[0] >= span[1]:
        raise OrderError(
            "the window ends before it starts", subject="--window", next_step="write START..END"
        )
    return span


# -- one prediction ---------------------------------------------------------------------


def _one(wired: Assembly, wanted: str, *, as_json: bool) -> int:
    from homeostat.monitoring.redaction import hidden
    from homeostat.pipeline.replay_scores import replay_one

    row = _row(wired, wanted)
    version = version_named(wired.engine.refresh(), str(row["version"]))
    redacted = hidden(row["inputs"] or {}, wired.project.serving.log.personal)
    scorer = _scorer(wired, version, wired.project.serving.engine)
    found = replay_one(row, scorer, redacted)
    if found.difference and scorer.engine != "native":  # the log does not say which answered
        native = _scorer(wired, version, "native")
        again = replay_one(row, native, redacted)
        if again.difference is not None and abs(again.difference) < abs(found.difference):
            scorer, found = native, again
    if as_json:
        facts = {name: row[name] for name in ("id", "event", "at", "version", "digest", "arm")}
        print_json({
            **facts, "logged": found.logged, "again": found.again, "equal": found.equal,
            "difference": found.difference, "reason": found.reason, "redacted": redacted,
            "engine": scorer.engine, "inputs": row["inputs"],
        })  # fmt: skip
    else:
        console().print(told(row, found, scorer.engine), soft_wrap=True)
    return 0 if found.equal else EXIT_NO


def _row(wired: Assembly, wanted: str) -> dict[str, Any]:
    """The logged row; the answered one before those in shadow. OrderError when there is none."""
    import polars as pl

    from homeostat.monitoring.prediction_index import PredictionIndex

    found = PredictionIndex(wired.log).by_id([wanted], wired.clock.now()).get(wanted)
    if found is None:
        raise OrderError(
            "the prediction log does not have it",
            subject=wanted,
            next_step="look at the id, and at `serving.log.keep` in the project file",
        )
    rows = wired.log.read(found.at, found.at + timedelta(microseconds=1))
    rows = rows.filter(pl.col("id") == wanted).sort(pl.col("arm") == "shadow", maintain_order=True)
    return rows.row(0, named=True)


# -- a window ---------------------------------------------------------------------------


def _window(
    wired: Assembly,
    span: tuple[datetime, datetime],
    name: str,
    out: Path | None,
    *,
    as_json: bool,
) -> None:
    from homeostat.pipeline.replay_scores import compared

    version = version_named(wired.engine.refresh(), name)
    scorer = _scorer(wired, version, wired.project.serving.engine)
    with progress_bar(silent=as_json) as tell:
        rows, redacted = _replayed(wired, scorer, span, tell)
    if out is not None:
        _write(rows, out)
    summary = compared(rows, binary=scorer.schema.task == "binary")
    if as_json:
        print_json({
            "version": version.number, "since": span[0], "until": span[1],
            "rows": rows.height, "redacted": redacted, "by_version": summary,
        })  # fmt: skip
        return
    console().print(
        f"[bold]v{version.number}[/] on {rows.height:,} answered rows, "
        f"{span[0]:%Y-%m-%d %H:%M} to {span[1]:%Y-%m-%d %H:%M}"
    )
    if redacted:
        console().print(
            f"[yellow]{redacted:,} rows are left out: an input that it takes was redacted[/]"
        )
    if summary:
        console().print(table(summary))
    if out is not None:
        console().print(f"rows      {out}", soft_wrap=True)


def _replayed(
    wired: Assembly,
    scorer: Scorer,
    span: tuple[datetime, datetime],
    tell: Callable[[float], None],
) -> tuple[pl.DataFrame, int]:
    """All answered rows with both answers, a part of the window at a time; and those redacted."""
    import polars as pl

    from homeostat.monitoring.redaction import hidden_rows
    from homeostat.pipeline.replay_scores import replay_window

    since, until = span
    columns = ("id", "event", "at", "version", "arm", "prediction", "inputs")
    parts: list[pl.DataFrame] = []
    redacted = 0
    begin = since
    while begin < until:
        end = min(begin + PART, until)
        rows = wired.log.read(begin, end, columns).filter(pl.col("arm") != "shadow")
        lost = hidden_rows(rows["inputs"], wired.project.serving.log.personal, scorer.schema.names)
        redacted += int(lost.sum())
        parts.append(replay_window(rows.filter(~lost), scorer))
        begin = end
        tell((begin - since) / (until - since))
    return pl.concat(parts), redacted


def _write(rows: pl.DataFrame, out: Path) -> None:
    unfinished = out.with_name(f".{out.name}.unfinished")
    try:
        rows.write_parquet(unfinished, compression="zstd")
        unfinished.replace(out)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise OrderError(
            f"it cannot be written: {error}", subject=str(out), next_step="name another file"
        ) from error


# -- versions ---------------------------------------------------------------------------


def _scorer(wired: Assembly, version: Version, engine: Literal["auto", "native"]) -> Scorer:
    from homeostat.pipeline.scorer import load_scorer

    package = wired.blobs.get_tree(version.candidate.package_digest)
    return load_scorer(package, trusted_digest=version.digest, engine=engine)
