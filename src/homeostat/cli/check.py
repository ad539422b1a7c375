"""``homeostat check``: is the project file right, does its code load, does its data fit."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from homeostat.cli.context import HERE, JsonOption, ProjectOption, console, print_json

if TYPE_CHECKING:
    from homeostat.spec.project import Project

SchemaOption = Annotated[
    bool, typer.Option("--schema", help="Print the JSON Schema of homeostat.yaml, for editors.")
]
DataOption = Annotated[
    bool, typer.Option("--data", help="Also read the first delivery of each source and check it.")
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
    """Check homeostat.yaml: keys, values, functions, conditions, schedules, leaks.

    Errors name file, line, key and what is allowed. Exits 3 when a delivery fails its checks.
    """
    if schema:
        import orjson

        from homeostat.spec.schema import json_schema

        options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS
        typer.echo(orjson.dumps(json_schema(), option=options).decode())
        return 0
    from homeostat.spec.load import load_project

    declared = load_project(project)
    _code(declared, project)
    deliveries = _deliveries(declared, project) if data else []
    failed = [d for d in deliveries if d["verdict"] not in ("pass", "inconclusive")]
    if as_json:
        print_json({"model": declared.model, "ok": not failed, "deliveries": deliveries})
    else:
        _print(declared, deliveries)
    return 3 if failed else 0


def _code(declared: Project, folder: Path) -> None:
    """Raise what is wrong with functions, conditions, schedules and features."""
    from homeostat.errors import ProjectFileError
    from homeostat.features.leaks import check_declaration
    from homeostat.spec.code import load_function
    from homeostat.spec.settings import settings_of

    named = [s.load for s in declared.sources.values() if s.load]
    named += [declared.features.derive] if declared.features.derive else []
    for reference in (*named, declared.training.estimator):
        load_function(folder, reference)
    settings_of(declared)
    check_declaration(declared)
    fitting = {
        "binary": {"auc", "average_precision", "accuracy", "log_loss", "brier"},
        "regression": {"mae", "rmse", "r2"},
    }[declared.task]
    wrong = sorted(set(declared.metrics.names) - fitting)
    if wrong:
        raise ProjectFileError(
            f"{', '.join(wrong)} cannot be measured for task {declared.task}",
            subject="homeostat.yaml: metrics",
            next_step=f"use {', '.join(sorted(fitting))}",
        )


def _deliveries(declared: Project, folder: Path) -> list[dict[str, Any]]:
    """What the checks say of the first delivery of each source."""
    from homeostat.domain.delivery import Window
    from homeostat.pipeline.validate import check_delivery
    from homeostat.wiring import reader_of, system_clock

    reader = reader_of(declared, folder)
    start = declared.start or system_clock().now() - timedelta(days=30)
    found = []
    for name, source in declared.sources.items():
        if source.posted:
            continue
        window = Window(start, start + source.every)
        frame = reader.read(name, window)
        verdict, findings = check_delivery(source, name, frame, None, window)
        found.append(
            {
                "source": name,
                "rows": frame.height,
                "verdict": verdict.value,
                "findings": [finding.reason for finding in findings],
            }
        )
    return found


def _print(declared: Project, deliveries: list[dict[str, Any]]) -> None:
    out = console()
    out.print(
        f"[green]ok[/]: {declared.model}, {len(declared.sources)} sources, "
        f"{len(declared.features.names)} features, {len(declared.triggers)} triggers"
    )
    for delivery in deliveries:
        good = delivery["verdict"] in ("pass", "inconclusive")
        colour = "green" if good else "red"
        out.print(
            f"  [{colour}]{delivery['verdict']}[/] {delivery['source']}: "
            f"{delivery['rows']:,} rows in the first delivery"
        )
        for finding in delivery["findings"]:
            out.print(f"      {finding}")
