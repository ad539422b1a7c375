"""``homeostat check``: is the project file right, does its code load, does its data fit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from homeostat.cli.context import (
    EXIT_NO,
    HERE,
    JsonOption,
    ProjectOption,
    console,
    print_json,
    working,
)

if TYPE_CHECKING:
    from homeostat.cli.check_data import Sample
    from homeostat.spec.load import ProjectFile
    from homeostat.spec.project import Project


SchemaOption = Annotated[
    bool, typer.Option("--schema", help="Print the JSON Schema of homeostat.yaml, for editors.")
]
DataOption = Annotated[
    bool,
    typer.Option(
        "--data",
        help="Also read the first delivery of each source, check it, and compute features.",
    ),
]


def add(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("check")(check)


def check(
    project: ProjectOption = HERE,
    data: DataOption = False,
    schema: SchemaOption = False,
    as_json: JsonOption = False,
) -> int:
    """Check homeostat.yaml: keys, values, conditions, schedules, functions, leaks.

    All mistakes are told at once, each with its line, its key and what is allowed. Exits 3
    when a delivery fails its checks.
    """
    if schema:
        import orjson

        from homeostat.spec.schema import json_schema

        options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS
        typer.echo(orjson.dumps(json_schema(), option=options).decode())
        return 0
    with working("reading homeostat.yaml", silent=as_json) as say:
        from homeostat.spec.load import read_project

        file = read_project(project)
        say("loading the project's code")
        from homeostat.cli.check_code import check_code

        check_code(file, project)
        samples = _samples(file, project, say) if data else ()
    good = all(sample.good for sample in samples)
    if as_json:
        deliveries = [sample.facts() for sample in samples]
        print_json({"model": file.project.model, "ok": good, "deliveries": deliveries})
    else:
        _print(file.project, samples)
    return 0 if good else EXIT_NO


def _samples(file: ProjectFile, folder: Path, say: Callable[[str], None]) -> tuple[Sample, ...]:
    from homeostat.cli.check_data import check_data

    return check_data(file, folder, say)


def _print(declared: Project, samples: tuple[Sample, ...]) -> None:
    out = console()
    out.print(
        f"[green]ok[/]: {declared.model}, {len(declared.sources)} sources, "
        f"{len(declared.features.names)} features, {len(declared.triggers)} triggers"
    )
    for sample in samples:
        rows = sample.frame.height if sample.frame is not None else 0
        out.print(
            f"  [{'green' if sample.good else 'red'}]{sample.verdict.value}[/] {sample.source}: "
            f"{rows:,} rows in the first delivery"
        )
        for finding in sample.findings:
            out.print(f"      {finding}", markup=False)
    if not all(sample.good for sample in samples):
        out.print("next: correct the source or its checks; such a delivery is quarantined")
    elif samples:
        out.print("next: homeostat backtest, homeostat run")
