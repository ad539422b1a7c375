"""Features fetched while serving are those that training would have computed, bit for bit."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from homeostat.adapters.local.sqlite_online_store import SqliteOnlineStore
from homeostat.domain.delivery import Delivery, Window
from homeostat.domain.recorded import Recorded, SourceRecord
from homeostat.domain.verdict import Verdict
from homeostat.features.build import build
from homeostat.features.frames import TableFrames
from homeostat.features.online import OnlineFeatures
from homeostat.features.online_write import materialise
from homeostat.spec.project import Project
from homeostat.testing.memory import MemoryBlobs

NOW = datetime(2024, 3, 1, 12, tzinfo=UTC)
PROJECT = Project.model_validate({
    "homeostat": 1,
    "model": "online",
    "owner": "tests",
    "task": "binary",
    "events": {"source": "events", "id": "id", "time": "at"},
    "labels": {"source": "events", "column": "y"},
    "sources": {
        "events": {"path": "e.csv", "known_at": "at"},
        "rows": {
            "path": "r.csv", "known_at": "known",
            "fallback": {"use": "last_good", "max_age": "4h"},
        },
        "more": {"path": "m.csv", "known_at": "known"},
    },
    "features": {
        "row": ["size"],
        "views": {
            "last": {"source": "rows", "key": ["shop"], "ttl": "2h", "columns": ["kind", "price"]},
            "ever": {"source": "more", "key": ["shop", "till"], "columns": ["price"]},
            "sums": {
                "source": "rows",
                "key": ["shop"],
                "aggregates": {
                    "mean_1h": {"mean": "price", "over": "1h"},
                    "sum_3h": {"sum": "price", "over": "3h"},
                    "rows_2h": {"count": True, "over": "2h"},
                },
            },
            "all": {"source": "more", "aggregates": {"n": {"count": True, "over": "6h"}}},
        },
        "categorical": ["last__kind"],
    },
    "metrics": {"primary": "auc"},
})  # fmt: skip

# Multiples of half an hour meet the ends of every window and of the ttl.
TIMES = st.integers(-14, 3).map(lambda halves: NOW + timedelta(minutes=30 * halves))
SHOPS = st.sampled_from(["a", "b", None])
PRICES = st.one_of(st.none(), st.floats(-1e6, 1e6), st.sampled_from([float("nan"), 1e300, 0.1]))
ROWS = st.lists(st.tuples(TIMES, SHOPS, st.sampled_from(["x", "y", None]), PRICES), max_size=12)
MORE = st.lists(st.tuples(TIMES, SHOPS, st.sampled_from([1, 2, None]), PRICES), max_size=8)


def table(rows, names, kinds):
    at = pl.Datetime("us", "UTC")
    schema = {"known": at, "shop": pl.String, names[0]: kinds[0], "price": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def delivered(name, number, frame, blobs, tmp):
    path = Path(tmp) / "part.parquet"
    frame.write_parquet(path)
    digest = blobs.put(path.read_bytes())
    window = Window(NOW - timedelta(days=2), NOW + timedelta(days=1))
    return Delivery(
        f"{name}/{number}/1", name, window, 1, NOW, frame.height, digest, "s", Verdict.PASS
    )


@settings(max_examples=120, deadline=None)
@given(ROWS, MORE, st.integers(0, 12), st.sampled_from(["a", "b", "c"]), st.sampled_from([1, 2]))
def test_fetched_features_are_the_built_ones(tmp_path_factory, rows, more, cut, shop, till):
    tmp = tmp_path_factory.mktemp("online")
    tables = {
        "rows": table(rows, ["kind"], [pl.String]),
        "more": table(more, ["till"], [pl.Int64]),
    }
    events = pl.DataFrame({"id": ["e"], "at": [NOW], "size": [1.0], "shop": [shop], "till": [till]})
    events = events.with_columns(pl.col("at").cast(pl.Datetime("us", "UTC")))
    known = {"rows": "known", "more": "known"}
    expected = build(PROJECT, tmp, events, TableFrames(tables, known)).frame.to_dicts()[0]

    blobs = MemoryBlobs()
    parts = [tables["rows"][cut:], tables["rows"][:cut]]  # a late part comes second
    records = {
        "rows": SourceRecord(
            accepted=tuple(delivered("rows", n, p, blobs, tmp) for n, p in enumerate(parts))
        ),
        "more": SourceRecord(accepted=(delivered("more", 0, tables["more"], blobs, tmp),)),
    }
    store = SqliteOnlineStore(tmp / "online.db")
    for _ in range(2):  # the second time there is nothing to do
        materialise(PROJECT, blobs, Recorded(sources=records), store, NOW)
    online = OnlineFeatures(PROJECT, tmp, store)
    filled, fetched = online.fill(
        {"id": ["e"], "size": [1.0], "shop": [shop], "till": [till]}, 1, NOW
    )
    found = {name: filled[name][0] for name in PROJECT.features.names}
    assert found == {name: expected[name] for name in PROJECT.features.names}
    assert fetched[0] is None or set(fetched[0]) <= set(PROJECT.features.views)
