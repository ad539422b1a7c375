"""Where the ``homeostat`` command begins: ``status`` at once, everything else through Typer.

Typer builds a pydantic adapter for every option of every command before it runs one, which
takes 0.15 s; prompts and scripts ask for the status often, and it must answer in 0.3 s.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from homeostat.errors import HomeostatError


def main() -> None:
    """Run the command line."""
    asked = _plain_status(sys.argv[1:])
    if asked is None:
        from homeostat.cli.main import main as run

        run()
        return
    from homeostat.cli.output import print_error
    from homeostat.cli.overview import show

    try:
        show(asked.project, asked.state, asked.json)
    except HomeostatError as error:
        if os.environ.get("HOMEOSTAT_DEBUG"):
            raise
        print_error(error)
        sys.exit(1)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _plain_status(arguments: list[str]) -> argparse.Namespace | None:
    """The options of a ``status`` call without surprises; None leaves it to Typer."""
    if arguments[:1] != ["status"]:
        return None
    parser = argparse.ArgumentParser(add_help=False, exit_on_error=False, allow_abbrev=False)
    parser.add_argument("--project", "-p", type=Path, default=Path())
    parser.add_argument("--state", type=Path)
    parser.add_argument("--json", action="store_true")
    try:
        asked, others = parser.parse_known_args(arguments[1:])
    except argparse.ArgumentError:
        return None
    return None if others else asked
