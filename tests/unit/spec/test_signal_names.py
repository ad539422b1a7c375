from datetime import UTC, datetime
from pathlib import Path

import pytest

from homeostat.domain.recorded import Recorded
from homeostat.monitoring.evidence import LogEvidence
from homeostat.monitoring.prediction_log import PredictionLog
from homeostat.spec.load import load_project
from homeostat.spec.signal_names import signal_names
from homeostat.testing.memory import MemoryBlobs
from tests.unit.spec.declared import loaded

FLIGHTS = Path(__file__).parents[3] / "examples/flights"


@pytest.mark.parametrize("name", ["tumours", "flights"])
def test_the_names_are_those_of_the_signals_that_are_made(tmp_path, name):
    project = loaded(tmp_path) if name == "tumours" else load_project(FLIGHTS)
    evidence = LogEvidence(project, MemoryBlobs(), PredictionLog(tmp_path / "log"))
    made = evidence.signals(Recorded(), datetime(2024, 1, 1, tzinfo=UTC))
    assert signal_names(project) == set(made)
