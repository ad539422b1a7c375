"""State in memory keeps the same contracts as state on disk."""

from __future__ import annotations

import pytest

from homeostat.errors import BlobMissingError
from homeostat.testing.blobs_conformance import BlobsConformance
from homeostat.testing.ledger_conformance import LedgerConformance
from homeostat.testing.memory import MemoryBlobs, MemoryLedger, MemoryStepCache
from homeostat.testing.step_cache_conformance import StepCacheConformance


class TestMemoryLedger(LedgerConformance):
    @pytest.fixture
    def open_ledger(self):
        opened = {}
        return lambda model: opened.setdefault(model, MemoryLedger(model))


class TestMemoryBlobs(BlobsConformance):
    @pytest.fixture
    def blobs(self):
        return MemoryBlobs()


class TestMemoryStepCache(StepCacheConformance):
    @pytest.fixture
    def open_cache(self):
        cache = MemoryStepCache()
        return lambda: cache


def test_content_can_be_lost_on_purpose():
    blobs = MemoryBlobs()
    name = blobs.put(b"x")
    blobs.forget(name)
    with pytest.raises(BlobMissingError):
        blobs.get(name)
