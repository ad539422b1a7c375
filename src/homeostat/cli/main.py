"""The command line: ``homeostat``. Each command group has a file of its own.

Nothing heavy is imported here: ``--help`` and ``status`` must answer at once.
"""

from __future__ import annotations

import os
import sys

import typer

from homeostat.cli import (
    backtest,
    batch,
    check,
    init,
    ledger,
    monitor,
    orders,
    registry,
    replay,
    reproduce,
    run,
    served,
    status,
    up,
    why,
)
from homeostat.cli.output import print_error
from homeostat.errors import HomeostatError

EXIT_ERROR = 1
EXIT_USAGE = 2

USAGE_ERROR: type[Exception] = next(
    kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException"
)
"""The root of errors about the command line itself; newer Typer has a Click of its own."""

app = typer.Typer(
    name="homeostat",
    help="Keeps machine-learning models healthy in production, on its own.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
init.add(app)
check.add(app)
run.add(app)
up.add(app)
status.add(app)
registry.add(app)
why.add(app)
served.add(app)
orders.add(app)
backtest.add(app)
batch.add(app)
reproduce.add(app)
monitor.add(app)
replay.add(app)
ledger.add(app)


@app.callback()
def root() -> None:
    """Keeps machine-learning models healthy in production, on its own."""


def main() -> None:
    """Run the command line; exit 0, or 1 with a typed error, 2 for wrong usage, 3 for a no."""
    try:
        code = app(standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except HomeostatError as error:
        if os.environ.get("HOMEOSTAT_DEBUG"):
            raise
        print_error(error)
        sys.exit(EXIT_ERROR)
    except USAGE_ERROR as error:
        getattr(error, "show", print)()
        sys.exit(EXIT_USAGE)
    except (typer.Abort, KeyboardInterrupt):
        print("stopped", file=sys.stderr)  # noqa: T201
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
