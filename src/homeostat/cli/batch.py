"""``homeostat batch``: score a whole table with the champion, or with any version."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from homeostat.cli.context import (
    HERE,
    JsonOption,
    ProjectOption,
    StateOption,
    console,
    print_json,
)
from homeostat.cli.named import version_named
from homeostat.errors import OrderError

if TYPE_CHECKING:
    from homeostat.batch.job import Finished, Job
    from homeostat.batch.read import Table
    from homeostat.domain.version import Version
    from homeostat.wiring import Assembly

InputArgument = Annotated[
    str, typer.Argument(help="Parquet or CSV file, folder, pattern; or a .duckdb/.sqlite file.")
]
OutputArgument = Annotated[Path, typer.Argument(help="A .parquet or .csv file to write.")]
VersionOption = Annotated[str, typer.Option("--version", help="Who scores: champion, v3 or 3.")]
SqlOption = Annotated[str | None, typer.Option("--sql", help="The query, for a SQL file.")]
KeepOption = Annotated[
    str, typer.Option("--keep", help="Columns to carry over, with commas, or all.")
]
RejectsOption = Annotated[
    Path | None, typer.Option("--rejects", help="Rows set aside; default: OUTPUT.rejects.parquet.")
]
ChunkOption = Annotated[
    int, typer.Option("--chunk-rows", min=1000, help="Rows in memory at once, per stage.")
]
ResumeOption = Annotated[
    bool, typer.Option("--resume/--no-resume", help="Go on where a killed job was, or anew.")
]


def add(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("batch")(batch)


def batch(
    input: InputArgument,
    output: OutputArgument,
    version: VersionOption = "champion",
    sql: SqlOption = None,
    keep: KeepOption = "",
    rejects: RejectsOption = None,
    chunk_rows: ChunkOption = 131_072,
    resume: ResumeOption = True,
    project: ProjectOption = HERE,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Score a table: the event's id and what --keep names, prediction, version and flags.

    Rows that cannot be scored are set aside with their reason. A killed job goes on where it
    was when it is run again, and gives the same bytes. Lineage goes into OUTPUT.lineage.json
    and into the ledger.
    """
    from homeostat.batch.job import Job, run_job
    from homeostat.batch.read import rows_in, table_of
    from homeostat.wiring import assemble

    if output.suffix not in (".parquet", ".csv"):
        raise OrderError(
            f"'{output.suffix}' is no kind of file that is written",
            subject=str(output),
            next_step="name it .parquet or .csv",
        )
    wired = assemble(project, state, workers=False)
    table = table_of(input, sql)
    chosen = version_named(wired.engine.refresh(), version)
    job = Job(
        table=table,
        output=output,
        rejects=rejects or output.with_name(f"{output.name}.rejects.parquet"),
        scorer=_scorer(wired, chosen),
        version=chosen.number,
        serving=wired.project.serving,
        kept=_kept(wired, table, keep),
        chunk_rows=chunk_rows,
    )
    began = perf_counter()
    with _bar(rows_in(table), as_json) as told:
        done = run_job(job, resume=resume, progress=told)
    facts = _recorded(wired, job, done, input)
    spent_s = perf_counter() - began
    if as_json:
        print_json({**facts, "seconds": round(spent_s, 3)})
        return
    rate = (done.rows + done.rejected - done.resumed_rows) / spent_s
    out = console()
    out.print(f"[green]{done.rows:,} rows[/] by v{chosen.number} into {output} ({rate:,.0f}/s)")
    if done.resumed_rows:
        out.print(f"{done.resumed_rows:,} rows were scored before, by a job that was killed")
    if done.rejected:
        out.print(f"[yellow]{done.rejected:,} rows set aside[/], with reasons, in {job.rejects}")


def _scorer(wired: Assembly, version: Version) -> Any:
    from homeostat.pipeline.scorer import load_scorer

    package = wired.blobs.get_tree(version.candidate.package_digest)
    scorer = load_scorer(
        package, trusted_digest=version.digest, engine=wired.project.serving.engine
    )
    scorer.self_test()
    return scorer


def _kept(wired: Assembly, table: Table, keep: str) -> tuple[str, ...]:
    """The event's id when the table has it, then what was asked for."""
    from homeostat.batch.read import columns_in

    columns = columns_in(table)
    identity = wired.project.events.id
    own = [identity] if identity in columns else []
    asked = columns if keep == "all" else [name.strip() for name in keep.split(",") if name.strip()]
    taken = {"prediction", "label", "version", "flags"} & set(asked)
    if taken:
        raise OrderError(
            f"'{min(taken)}' is the name of an answer",
            subject="--keep",
            next_step="rename the column in the table, or leave it out",
        )
    return tuple(dict.fromkeys([*own, *asked]))


def _recorded(wired: Assembly, job: Job, done: Finished, given: str) -> dict[str, Any]:
    """Write the lineage beside the output, and a fact into the ledger."""
    from homeostat.batch.lineage import lineage_file, run_event
    from homeostat.domain.entry import Kind, draft
    from homeostat.domain.event import Scored

    run_id, now = str(uuid.uuid4()), wired.clock.now()
    event = run_event(job, done, run_id, wired.project.model, now)
    lineage_file(job.output).write_text(json.dumps(event, indent=1))
    fact = Scored(
        run_id, job.version, job.scorer.digest, given, str(job.output), done.output_digest,
        done.rows, done.rejected,
    )  # fmt: skip
    (entry,) = wired.ledger.append([draft(now, Kind.FACT, fact)])
    return {
        "batch": run_id,
        "entry": entry.seq,
        "version": job.version,
        "rows": done.rows,
        "rejected": done.rejected,
        "resumed_rows": done.resumed_rows,
        "output": str(job.output),
        "digest": done.output_digest,
    }


@contextmanager
def _bar(total: int | None, silent: bool) -> Iterator[Any]:
    """A progress bar with rows and rows per second; silent with ``--json``."""
    if silent:
        yield lambda _: None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.completed:,.0f} rows"),
        BarColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    began = perf_counter()
    with Progress(*columns, console=console(), transient=True) as bar:
        task = bar.add_task("rows", total=total, rate="")

        def told(rows: int) -> None:
            rate = f"{rows / max(1e-9, perf_counter() - began):,.0f}/s"
            bar.update(task, completed=rows, rate=rate)

        yield told
