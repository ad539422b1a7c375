from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from homeostat.features.references import References
from homeostat.monitoring.prediction_log import PredictionLog
from homeostat.monitoring.window_profile import WindowProfiles, empty
from homeostat.stats.drift.reference import Reference
from homeostat.stats.profile import profile_of
from homeostat.testing.memory import MemoryBlobs
from tests.unit.monitoring.logged import START, batch
from tests.worlds import candidate, version

DAY = timedelta(days=1)


class Counted(PredictionLog):
    """A log that remembers which spans were read."""

    def __init__(self, folder):
        super().__init__(folder)
        self.spans = []

    def read(self, since, until, columns=None):
        self.spans.append((since, until))
        return super().read(since, until, columns)


@pytest.fixture
def seen(tmp_path):
    blobs, log = MemoryBlobs(), Counted(tmp_path)
    columns = {"a": ("number", np.array([0.0, 1.0, 2.0])), "b": ("category", np.array(["x"] * 3))}
    digest = blobs.put(References(Reference(profile_of(columns))).to_json())
    champion = replace(version(1), candidate=candidate(profile_digest=digest))
    return log, WindowProfiles(blobs, log), champion


def test_days_without_rows_are_not_read(seen):
    log, profiles, champion = seen
    log.append(batch(0, 1, 2))
    found = profiles.window(champion, START - 3 * DAY - DAY / 2, START + 2 * DAY + DAY / 2)
    assert log.spans == [(START, START + DAY)]
    assert found.rows == 3


def test_a_window_without_rows_is_empty(seen):
    log, profiles, champion = seen
    found = profiles.window(champion, START, START + DAY)
    assert found == empty(found.bins)
    assert not log.spans


def test_rows_that_come_to_a_day_that_was_empty_are_counted(seen):
    log, profiles, champion = seen
    assert profiles.window(champion, START, START + DAY).rows == 0
    log.append(batch(0, 1))
    assert profiles.window(champion, START, START + DAY).rows == 2


def test_rows_that_are_not_sealed_yet_are_counted(seen):
    log, profiles, champion = seen
    assert profiles.window(champion, START, START + DAY).rows == 0
    log.write_all(batch(0, 1).with_columns(pl.col("at").dt.strftime("%FT%T+00:00")).to_dicts())
    assert profiles.window(champion, START, START + DAY).rows == 2
