"""What happens after the scheduled departure of a flight may not help to predict it."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from homeostat.errors import LeakError
from homeostat.features.audit import audit_features
from homeostat.features.build import build_features
from homeostat.features.leaks import check_declaration, withheld
from tests.unit.examples.flights_project import (
    FOLDER,
    flights_project,
    load,
    table,
    with_features,
    year_frames,
)

LATER = ["dep_time", "arr_time", "air_time", "dep_delay", "arr_delay"]
DAY = (datetime(2013, 6, 3, tzinfo=UTC), datetime(2013, 6, 4, tzinfo=UTC))


def widened() -> pl.DataFrame:
    """A day of flights from a feed that also tells how they turned out."""
    known = table("arrivals").select("id", "dep_delay", "arr_delay", "late")
    day = load("flights")(*DAY).join(known, on="id", how="left", maintain_order="left")
    return day.with_columns(dep_time="dep_delay", arr_time="arr_delay", air_time="distance")


def test_the_project_uses_none_of_them() -> None:
    check_declaration(flights_project())
    assert withheld(flights_project()) == {*LATER, "late"}
    assert withheld(flights_project()).isdisjoint(flights_project().features.names)


@pytest.mark.parametrize("column", [*LATER, "late"])
def test_none_can_be_a_feature_of_its_own_flight(column: str) -> None:
    row = [*flights_project().features.row, column]
    with pytest.raises(LeakError, match=f"'{column}' is known only after the prediction time"):
        build_features(with_features(row=row), FOLDER, widened(), year_frames())


@pytest.mark.parametrize("column", LATER)
@pytest.mark.parametrize("how", ["columns", "aggregate"])
def test_nor_enter_through_a_view_on_the_schedule(column: str, how: str) -> None:
    view: dict[str, Any] = {"source": "flights", "key": ["id"]}
    if how == "columns":
        view["columns"] = [column]
    else:
        view["aggregates"] = {"a": {"mean": column, "over": "1h"}}
    leaking = with_features(views={"same": view}, categorical=["carrier"])
    with pytest.raises(LeakError, match=f"'{column}'"):
        build_features(leaking, FOLDER, widened(), year_frames(flights=widened()))


@pytest.mark.parametrize("column", [*LATER, "late"])
def test_nor_be_read_by_the_code_that_derives_features(tmp_path: Path, column: str) -> None:
    for file in FOLDER.glob("*.py"):
        shutil.copy(file, tmp_path)
    with (tmp_path / "features.py").open("a") as code:
        code.write(f"\ndef leaky(flights):\n    return flights.select(delay='{column}')\n")
    leaking = with_features(derive="features:leaky", derived=["delay"])
    with pytest.raises(LeakError, match=f"reads '{column}'"):
        build_features(leaking, tmp_path, widened(), year_frames())


def test_the_features_of_a_day_pass_the_audit() -> None:
    day, frames = load("flights")(*DAY), year_frames()
    built = build_features(flights_project(), FOLDER, day, frames)
    assert audit_features(flights_project(), FOLDER, day, built, frames, sample=8) == 8


def test_arrivals_that_are_told_too_early_are_found_by_the_audit() -> None:
    day = load("flights")(*DAY)
    told_early = table("arrivals").with_columns(pl.col("arrived_at") - timedelta(hours=6))
    leaked = build_features(flights_project(), FOLDER, day, year_frames(arrivals=told_early))
    with pytest.raises(LeakError, match=r"feature \w+__"):
        audit_features(flights_project(), FOLDER, day, leaked, year_frames(), sample=8)
