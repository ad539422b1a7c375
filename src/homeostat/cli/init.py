"""``homeostat init``: a small project that works, to change into your own."""

from __future__ import annotations

import re
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.context import JsonOption, console, print_json
from homeostat.errors import OrderError, ProjectFileError


class Example(StrEnum):
    """Which data set of scikit-learn to start from."""

    BREAST_CANCER = "breast-cancer"
    DIABETES = "diabetes"


FolderArgument = Annotated[Path, typer.Argument(help="Folder to make; its name names the model.")]
ExampleOption = Annotated[Example, typer.Option("--example", help="Data to start from.")]


def add(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("init")(init)


def init(
    folder: FolderArgument,
    example: ExampleOption = Example.BREAST_CANCER,
    as_json: JsonOption = False,
) -> None:
    """Write a small working project: homeostat.yaml, data.py, README.md.

    Nothing that is there already is overwritten.
    """
    model = re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-")[:60]
    if not model:
        raise ProjectFileError(
            "the folder's name gives no name for the model",
            subject=str(folder),
            next_step="use letters and digits, e.g. `homeostat init tumours`",
        )
    written = write_project(folder, example, model)
    if as_json:
        print_json({"folder": str(folder), "model": model, "files": written})
        return
    out = console()
    out.print(f"[green]{model}[/] in {folder}: {', '.join(written)}")
    out.print("next:")
    for command, comment in (
        (f"cd {folder}", ""),
        ("homeostat check --data", "is it right"),
        ("homeostat backtest", "replay its data through the loop"),
        ("homeostat run", "train and judge a version now"),
        ("homeostat up", "serve it and keep it healthy"),
    ):
        out.print(f"  {command:<26}[dim]{comment}[/]")


def write_project(folder: Path, example: Example, model: str) -> list[str]:
    """Write the example's files into ``folder``; their names. OrderError if one is there."""
    source = files("homeostat.cli") / "templates" / example.value
    contents = {
        part.name.replace("dot-", "."): part.read_text(encoding="utf-8").replace("{{model}}", model)
        for part in source.iterdir()
        if part.is_file()
    }
    there = sorted(name for name in contents if (folder / name).exists())
    if there:
        raise OrderError(
            f"{', '.join(there)} would be overwritten",
            subject=str(folder),
            next_step="give another folder, or move these files away",
        )
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in contents.items():
        (folder / name).write_text(text, encoding="utf-8")
    return sorted(contents)
