"""The step cache in a SQLite file."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from homeostat.adapters.local.sqlite_ledger import SqliteLedger
from homeostat.adapters.local.sqlite_step_cache import SqliteStepCache
from homeostat.domain.entry import Kind, draft
from homeostat.domain.event import Order
from homeostat.testing.step_cache_conformance import StepCacheConformance


class TestSqliteStepCache(StepCacheConformance):
    @pytest.fixture
    def open_cache(self, tmp_path):
        return lambda: SqliteStepCache(tmp_path / "state.db")


def test_it_shares_a_file_with_ledgers(tmp_path):
    cache = SqliteStepCache(tmp_path / "state.db")
    ledger = SqliteLedger(tmp_path / "state.db", "m")
    cache.put("k", "d")
    ledger.append([draft(datetime(2024, 1, 1, tzinfo=UTC), Kind.ORDER, Order("pause", "w", "y"))])
    assert cache.get("k") == "d"
    assert len(list(ledger.read())) == 1


def test_it_can_be_closed_and_opened_again(tmp_path):
    cache = SqliteStepCache(tmp_path / "state.db")
    cache.put("k", "d")
    cache.close()
    assert SqliteStepCache(tmp_path / "state.db").get("k") == "d"
