"""The flights example, loaded once for the tests of this folder."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from homeostat.features.frames import TableFrames
from homeostat.spec.code import load_function
from homeostat.spec.load import load_project
from homeostat.spec.project import Project

FOLDER = Path(__file__).parents[3] / "examples" / "flights"
YEAR = (datetime(2013, 1, 1, tzinfo=UTC), datetime(2014, 1, 2, tzinfo=UTC))


@cache
def flights_project() -> Project:
    return load_project(FOLDER)


@cache
def table(source: str) -> pl.DataFrame:
    """A source's whole year."""
    return load(source)(*YEAR)


def load(source: str) -> Callable[[datetime, datetime], pl.DataFrame]:
    reference = flights_project().sources[source].load
    assert reference is not None
    return load_function(FOLDER, reference)


def year_frames(**replaced: pl.DataFrame) -> TableFrames:
    sources = flights_project().sources
    tables = {name: replaced.get(name, table(name)) for name in sources}
    return TableFrames(tables, {name: source.known_at for name, source in sources.items()})


def with_features(**features: Any) -> Project:
    """The project with keys of its features section replaced."""
    given = flights_project().model_dump(exclude_none=True)
    return Project.model_validate(given | {"features": given["features"] | features})
