"""A small project with feature views, trained and serving: made once for all tests that need it."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from homeostat.domain.entry import Kind, draft
from homeostat.domain.event import Order
from homeostat.features.online_write import materialise
from homeostat.loop.deploy.traffic import routing
from homeostat.wiring import assemble, online_store, open_worker
from tests.served_gateway import Gateway

DATA = """
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
HOURS = [BEGIN + timedelta(hours=n) for n in range(600)]


def sales(since, until):
    random = np.random.default_rng(5)
    shop = random.choice(["a", "b", "c"], 600)
    size = random.normal(size=600)
    ids = [f"s{n}" for n in range(600)]
    rows = pl.DataFrame({"id": ids, "at": HOURS, "shop": shop, "size": size})
    return rows.filter((pl.col("at") >= since) & (pl.col("at") < until))


def prices(since, until):
    random = np.random.default_rng(6)
    rows = pl.DataFrame({
        "known": HOURS,
        "shop": random.choice(["a", "b", "c"], 600),
        "price": random.normal(size=600).round(3),
        "kind": random.choice(["x", "y"], 600),
    })
    return rows.filter((pl.col("known") >= since) & (pl.col("known") < until))


def bought(since, until):
    rows = sales(BEGIN, BEGIN + timedelta(days=99))
    known = rows.select("id", known=pl.col("at"), y=(pl.col("size") + pl.col("id").hash(1) % 3 > 1))
    return known.filter((pl.col("known") >= since) & (pl.col("known") < until))


def squared(events):
    return events.select(squared=pl.col("size") ** 2)
"""
PROJECT = """
homeostat: 1
model: shop
owner: tests
task: binary
start: 2024-01-01
events: {source: sales, id: id, time: at}
labels: {source: bought, column: y}
sources:
  sales: {load: "data:sales", known_at: at, every: 52w}
  prices: {load: "data:prices", known_at: known, every: 52w}
  bought: {load: "data:bought", known_at: known, every: 52w}
features:
  row: [size]
  derive: data:squared
  derived: [squared]
  views:
    last: {source: prices, key: [shop], columns: [price, kind]}
    sums:
      source: prices
      key: [shop]
      aggregates: {mean: {mean: price, over: 520w}, rows: {count: true, over: 520w}}
  categorical: [last__kind]
split: {by: random, share: 0.25}
training: {estimator: "sklearn.linear_model:LogisticRegression", min_rows: 50}
metrics: {primary: auc}
tracking: {mlflow: null}
"""


@cache
def _made() -> Path:
    folder = Path(mkdtemp(prefix="homeostat-shop-")) / "shop"
    folder.mkdir()
    (folder / "data.py").write_text(DATA)
    (folder / "homeostat.yaml").write_text(PROJECT)
    wired = assemble(folder, executor="inline")
    now = wired.clock.now()
    wired.engine.settle(now)
    wired.ledger.append([draft(now, Kind.ORDER, Order("retrain", "tests", "a first version"))])
    wired.engine.settle(now)
    wired.engine.release()
    assert wired.engine.recorded.champion is not None
    return folder


def served_shop(place: Path) -> Gateway:
    """A copy of the trained project in ``place``, its online store up to date, routed."""
    folder = place / "shop"
    shutil.copytree(_made(), folder)
    wired = assemble(folder, executor="inline")
    recorded = wired.engine.refresh()
    materialise(wired.project, wired.blobs, recorded, online_store(wired.state), wired.clock.now())
    worker = open_worker(folder, clock=wired.clock)
    worker.model.arms.route(routing(recorded))
    return Gateway(wired, worker)
