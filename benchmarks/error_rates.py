"""Do the stated error rates hold? Seeded simulation of every test and detector, and of the usual.

Run: python benchmarks/error_rates.py [--quick | --part 0.3] [--only SUBSTRING] [--seed 1]

Each row gives a method data without a change and counts its false alarms (or, for an interval,
the truths that it misses), with the 95 % interval of the simulation. "holds": that interval's
low end is not above the stated rate. So one row in forty of a rate that is met exactly says NOT
HELD by chance: run it again with --only and another --seed. "not claimed": the data are outside
of what the method assumes. "documented": not above what the method's docstring says of such data.
Undecided data sets, of which a method said that there is too little, count as no alarm; of an
interval, they are left out.
The whole run takes about 20 minutes on 2 idle processors, --quick about one. Also written to
build/error_rates.json and .md (--out). Exit status 1 when a method of ours does not hold its rate.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from time import perf_counter

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parent))

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from truth import run, table
from truth.case import OURS, Measured

BUILD = Path(__file__).resolve().parents[1] / "build"


def measured(
    asked: list[str], given: argparse.Namespace, console: Console
) -> dict[str, list[Measured]]:
    """The rows of each name."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    found: dict[str, list[Measured]] = {}
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as progress:
        bar = progress.add_task("simulating", total=len(asked))
        for name, rows in run.run(asked, seed=given.seed, part=given.part, workers=given.workers):
            found[name] = rows
            progress.update(bar, advance=1, description=name[:60])
    return found


def sections(found: dict[str, list[Measured]]) -> dict[str, list[Measured]]:
    """The rows in the order of the table."""
    ordered = {}
    for section in run.SECTIONS:
        names = [case.name for case in section.cases()] + [section.peer]
        rows = [row for name in names for row in found.get(name, [])]
        if rows:
            ordered[section.title] = rows
    return ordered


def main() -> int:
    """Run, print, write; 1 when a rate of ours is not held."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--part", type=float, default=1.0, help="so much of the full run's trials")
    parser.add_argument("--quick", action="store_const", const=0.0, dest="part", help="few trials")
    parser.add_argument("--only", default="", help="cases and peers with this in their name")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=BUILD, help="folder of the JSON and the table")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    given = parser.parse_args()
    asked = run.names(given.only)
    if not asked:
        parser.error(f"no case has {given.only!r} in its name")
    console, began = Console(width=None if sys.stdout.isatty() else 240), perf_counter()
    ordered = sections(measured(asked, given, console))
    about = {"seed": given.seed, "part": given.part, "seconds": round(perf_counter() - began)}
    table.write(given.out, ordered, about)
    rows = [row for part in ordered.values() for row in part]
    for title, part in ordered.items():
        table.show(console, title, part)
    ours = [row for row in rows if row.whose == OURS]
    broken = [row for row in ours if row.mark == "NOT HELD"]
    held = sum(row.mark == "holds" for row in ours)
    console.print(
        f"{held} of our {len(ours)} rows hold, {len(broken)} do not, in {about['seconds']} s"
    )
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
