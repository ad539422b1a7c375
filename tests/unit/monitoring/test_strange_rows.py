"""Rows that do not fit the reference: counted as null, never a crash of the loop."""

import polars as pl
import pytest

from homeostat.features.profile_columns import columns_for
from homeostat.monitoring.evidence import LogEvidence
from homeostat.monitoring.prediction_log import PredictionLog
from homeostat.spec.signal_names import signal_names
from homeostat.stats.profile import Bins, count
from tests.worlds import DAY, NOW

from .test_evidence import PROJECT, Scene

BINS = (Bins("x", "number", (0.0, 1.0)), Bins("k", "category", categories=("a", "b")))


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (pl.DataFrame({"x": [0.5, None], "k": ["a", None]}), ((0, 1, 0, 1), (1, 0, 0, 1))),
        (pl.DataFrame({"x": ["0.5", "hash"], "k": [1, 2]}), ((0, 1, 0, 1), (0, 0, 2, 0))),
        (pl.DataFrame({"x": [True, False]}), ((1, 1, 0, 0), (0, 0, 0, 2))),
        (pl.DataFrame({"k": [None, None]}), ((0, 0, 0, 2), (0, 0, 0, 2))),
        (pl.DataFrame({"x": [[1], [2]], "k": [{"a": 1}] * 2}), ((0, 0, 0, 2), (0, 0, 0, 2))),
        (pl.DataFrame({"x": [float("inf"), float("-inf")], "k": ["c", "c"]}),
         ((1, 0, 1, 0), (0, 0, 2, 0))),
    ],
)  # fmt: skip
def test_what_is_missing_or_of_another_type_is_null(frame, expected):
    assert count(BINS, columns_for(frame, BINS)).counts == expected


STRANGE = {
    "all null": [None] * 2000,
    "constant": [3.0] * 2000,
    "infinite": [float("inf")] * 2000,
    "text": ["hidden"] * 2000,
}


@pytest.mark.parametrize("name", STRANGE)
def test_strange_inputs_give_signals_and_no_crash(tmp_path, name):
    scene = Scene(tmp_path / "a")
    log = PredictionLog(tmp_path / "b")
    rows = scene.log.read(NOW - 7 * DAY, NOW)
    inputs = pl.DataFrame({"x": STRANGE[name]}).to_struct("inputs")
    log.append(rows.filter(rows["version"] == 2).with_columns(inputs))
    signals = LogEvidence(PROJECT, scene.blobs, log).signals(scene.labelled(), NOW)
    assert set(signals) == signal_names(PROJECT)
    assert signals["psi.x"].value > 1
    assert signals["null_share.x"].value == (1.0 if name in ("all null", "text") else 0.0)


def test_predictions_from_the_future_are_not_counted_yet(tmp_path):
    scene = Scene(tmp_path)
    later = scene.evidence.signals(scene.recorded, NOW - 4 * DAY)
    assert 0 < later["predictions"].value < 2000


def test_a_class_that_vanished_has_no_auc_and_no_foretold_one(tmp_path):
    scene = Scene(tmp_path)
    signals = scene.evidence.signals(scene.labelled([1.0] * 2000), NOW)
    assert signals["auc"].value is None
    assert signals["log_loss"].value is not None
    assert signals["estimated.auc"].value is None


def test_a_label_for_a_prediction_that_never_was_changes_nothing(tmp_path):
    scene = Scene(tmp_path)
    before = scene.evidence.signals(scene.labelled(), NOW)
    empty = PredictionLog(tmp_path / "none")
    nothing = LogEvidence(PROJECT, scene.blobs, empty).signals(scene.recorded, NOW)
    assert before["labels"].value == 2000
    assert (nothing["labels"].value, nothing["auc"].value) == (0, None)
