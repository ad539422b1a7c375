"""Rows for other arms: after the answer, within their share of time, or dropped."""

from dataclasses import replace
from datetime import timedelta

import polars as pl
import pytest

from homeostat.domain.rollout import Routing
from homeostat.gateway import shadows as module
from homeostat.gateway.shadows import Shadows
from tests.served_gateway import BASE, ROW, gateway


@pytest.fixture
def served(tmp_path):
    found = gateway(tmp_path)
    arms = found.worker.model.arms
    (first,) = arms.observe().arms
    beside = replace(first, version=7, share=0.0, shadow=True)
    arms.route(Routing((first, beside)))
    return found


def logged(served):
    now = served.wired.clock.now()
    return served.wired.log.read(now - timedelta(days=1), now + timedelta(days=1))


def rows_of(served, count):
    rows = served.worker.model.rows
    read = [rows.read({"id": f"b-{n}", **ROW}) for n in range(count)]
    rows.answer(read)
    return read


def test_a_shadow_scores_what_the_champion_answered_and_both_are_logged(served):
    served.ask("POST", f"{BASE}/predict", json={"id": "b-1", **ROW})
    rows = logged(served).sort("version")
    assert rows["arm"].to_list() == ["champion", "shadow"]
    assert rows["version"].to_list() == [1, 7]
    assert rows["event"].to_list() == ["b-1", "b-1"]
    assert rows["prediction"][0] == rows["prediction"][1]
    assert rows["propensity"].to_list() == [1.0, None]
    assert rows["id"].n_unique() == 2


@pytest.mark.parametrize("count", [9, 200])
def test_many_rows_are_shadowed_too(served, count):
    rows = [{"id": f"b-{n}", **ROW} for n in range(count)]
    assert served.ask("POST", f"{BASE}/predict", json={"rows": rows}).status_code == 200
    found = logged(served)
    assert found.filter(pl.col("arm") == "champion")["event"].n_unique() == count
    assert found.filter(pl.col("arm") == "shadow")["event"].n_unique() == count
    assert found.height == 2 * count


def test_the_time_spent_stays_within_its_share(served, monkeypatch):
    spent_s = 0.0

    def slow(arm, rows):
        nonlocal spent_s
        spent_s += 0.05

    monkeypatch.setattr(module, "score", slow)
    monkeypatch.setattr(module, "perf_counter", lambda: spent_s)
    shadows = Shadows(served.worker.model.rows, lambda _: None, 0.2, 0.0)
    rows = rows_of(served, 3)
    elapsed_s = 20.0
    for look in range(2000):
        shadows.offer(rows)
        shadows.work(look / 2000 * elapsed_s)
    share = spent_s / elapsed_s
    assert 0.15 < share <= 0.2 + (module.BURST_S * 0.2 + 0.05) / elapsed_s


def test_what_does_not_fit_in_the_queue_is_dropped_and_counted(served, monkeypatch):
    monkeypatch.setattr(module, "MAX_WAITING", 5)
    shadows = Shadows(served.worker.model.rows, lambda _: None, 0.2, 0.0)
    shadows.offer(rows_of(served, 8))
    assert (len(shadows), shadows.dropped) == (5, 3)


def test_no_share_means_no_shadow_scoring(served):
    shadows = Shadows(served.worker.model.rows, lambda _: None, 0.0, 0.0)
    shadows.offer(rows_of(served, 2))
    assert not shadows.work(100.0)
    assert shadows.dropped == 2


def test_a_shadow_that_fails_disturbs_nobody(served, monkeypatch):
    from homeostat.errors import InputError

    def broken(arm, rows):
        raise InputError("no", subject="x", next_step="y")

    shadows = Shadows(served.worker.model.rows, lambda _: None, 1.0, 0.0)
    shadows.offer(rows_of(served, 2))
    monkeypatch.setattr(module, "score", broken)
    shadows.work(1.0)
    assert (shadows.failed, shadows.scored, len(shadows)) == (2, 0, 0)
