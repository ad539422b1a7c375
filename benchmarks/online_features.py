"""Features by key while serving, in process: 50 values of one entity, beside the limit of 0.1 ms.

Run: python benchmarks/online_features.py
"""

from __future__ import annotations

import random
import statistics
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import orjson

from homeostat.adapters.local.sqlite_online_store import SqliteOnlineStore
from homeostat.features.columns import microseconds
from homeostat.features.online import OnlineFeatures
from homeostat.features.online_write import key_text
from homeostat.ports.online_store import OnlineRow
from homeostat.spec.project import Project

KEYS = 10_000
LOOKUPS = 20_000
NOW = datetime(2024, 1, 1, tzinfo=UTC)
LIMIT_MS = 0.1


def project(views: int, columns: int) -> Project:
    """A model with ``views`` views of ``columns`` columns each."""
    declared = {
        f"v{view}": {
            "source": "rows",
            "key": ["k"],
            "ttl": "7d",
            "columns": [f"c{n}" for n in range(columns)],
        }
        for view in range(views)
    }
    return Project.model_validate({
        "homeostat": 1, "model": "online", "owner": "benchmarks", "task": "binary",
        "events": {"source": "events", "id": "id", "time": "at"},
        "labels": {"source": "events", "column": "y"},
        "sources": {
            "events": {"path": "e.csv", "known_at": "at"},
            "rows": {"path": "r.csv", "known_at": "at"},
        },
        "features": {"row": ["size"], "views": declared},
        "metrics": {"primary": "auc"},
    })  # fmt: skip


def rows(views: int, columns: int):
    """Three rows of each key and view."""
    drawn = random.Random(1)
    for view in range(views):
        for key in range(KEYS):
            for age in range(3):
                at = microseconds(NOW - timedelta(hours=age + 1))
                values = [drawn.random() for _ in range(columns)]
                number = f"{key}-{age}"
                yield (
                    f"v{view}",
                    OnlineRow(key_text([f"k{key}"]), at, number, orjson.dumps([values, values])),
                )


def measured(views: int, columns: int) -> tuple[float, float]:
    """p50 and p99 of one lookup, in milliseconds."""
    with TemporaryDirectory() as folder:
        store = SqliteOnlineStore(Path(folder) / "online.db")
        store.write("rows", "1", rows(views, columns))
        online = OnlineFeatures(project(views, columns), Path(folder), store)
        drawn = random.Random(2)
        spent = []
        for _ in range(LOOKUPS):
            asked = {"id": ["e"], "size": [1.0], "k": [f"k{drawn.randrange(KEYS)}"]}
            began = perf_counter()
            online.fill(asked, 1, NOW)
            spent.append((perf_counter() - began) * 1000)
    cuts = statistics.quantiles(spent, n=100)
    return cuts[49], cuts[98]


def main() -> None:
    """Print the table."""
    print(f"{LOOKUPS:,} lookups among {KEYS:,} keys, three rows each\n")
    print(f"{'50 values as':<24}{'p50 ms':>10}{'p99 ms':>10}{'limit ms':>10}   ")
    for views, columns in ((1, 50), (5, 10)):
        p50, p99 = measured(views, columns)
        name = f"{views} view{'s' if views > 1 else ''} x {columns}"
        met = "met" if p99 <= LIMIT_MS else "not met"
        print(f"{name:<24}{p50:>10.4f}{p99:>10.4f}{LIMIT_MS:>10.1f}   {met}")


if __name__ == "__main__":
    main()
