"""A small project with every kind of feature, and its rows, for the tests of this folder."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from homeostat.features.frames import TableFrames
from homeostat.spec.project import Project

NOON = datetime(2013, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)

CODE = """
import polars as pl

def derive(orders):
    return pl.DataFrame({"double": orders["size"] * 2})
"""


def declared(**changes: Any) -> Project:
    """The project, with top-level sections replaced."""
    sections: dict[str, Any] = {
        "homeostat": 1,
        "model": "late-orders",
        "owner": "team",
        "task": "binary",
        "events": {"source": "orders", "id": "id", "time": "at", "entity": "customer"},
        "labels": {"source": "outcomes", "column": "late"},
        "sources": {
            "orders": {"path": "o.csv", "known_at": "at", "known_later": ["paid_at"]},
            "outcomes": {"path": "l.csv", "known_at": "known", "known_later": ["refund"]},
            "shops": {
                "path": "s.csv",
                "known_at": "known",
                "known_later": ["closed"],
                "fallback": {"use": "last_good", "max_age": "3h"},
            },
        },
        "features": {
            "row": ["size", "kind"],
            "derive": "code:derive",
            "derived": ["double"],
            "views": {
                "shop": {"source": "shops", "key": ["shop"], "ttl": "1h", "columns": ["grade"]},
                "past": {
                    "source": "outcomes",
                    "key": ["shop"],
                    "aggregates": {
                        "late": {"mean": "late", "over": "6h"},
                        "n": {"count": True, "over": "6h"},
                    },
                },
            },
            "categorical": ["kind", "shop__grade"],
        },
        "metrics": {"primary": "auc"},
    }
    return Project.model_validate(sections | changes)


def changed(**features: Any) -> Project:
    """The project with keys of its features section replaced."""
    given = declared().features.model_dump(exclude_none=True) | features
    return declared(features=given)


def folder_with(tmp_path: Path, code: str = CODE) -> Path:
    (tmp_path / "code.py").write_text(code)
    return tmp_path


def events(hours: tuple[float, ...] = (0, 1), **more: Any) -> pl.DataFrame:
    n = len(hours)
    return pl.DataFrame(
        {
            "id": [f"e{place}" for place in range(n)],
            "at": [NOON + hour * HOUR for hour in hours],
            "customer": ["c"] * n,
            "shop": ["s1", "s2", *["s1"] * n][:n],
            "size": list(range(1, n + 1)),
            "kind": ["x", None, *["y"] * n][:n],
            **more,
        }
    )


def frames(**tables: pl.DataFrame) -> TableFrames:
    known = {
        "shops": pl.DataFrame(
            {"known": [NOON - HOUR, NOON - 2 * HOUR], "shop": ["s1", "s2"], "grade": ["a", "b"]}
        ),
        "outcomes": pl.DataFrame(
            {
                "known": [NOON - 6 * HOUR, NOON - 5 * HOUR, NOON, NOON + HOUR],
                "shop": ["s1"] * 4,
                "late": [True, True, False, True],
            }
        ),
    }
    at = {"shops": "known", "outcomes": "known", "orders": "at"}
    return TableFrames(known | tables, at)
