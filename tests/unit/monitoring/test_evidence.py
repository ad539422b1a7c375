from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from homeostat.domain.delivery import Delivery, Window
from homeostat.domain.recorded import SourceRecord
from homeostat.domain.rollout import Phase, Watch
from homeostat.domain.verdict import Verdict
from homeostat.features.references import References
from homeostat.monitoring.evidence import LogEvidence
from homeostat.monitoring.prediction_log import COLUMNS, PredictionLog
from homeostat.pipeline.deliver import to_parquet
from homeostat.spec.project import Project
from homeostat.stats.drift.reference import Reference
from homeostat.stats.metrics import auc, row_loss
from homeostat.stats.profile import profile_of
from homeostat.testing.memory import MemoryBlobs
from tests.worlds import DAY, NOW, rolling, serving

ROWS = 2000
PROJECT = Project.model_validate(
    {
        "homeostat": 1,
        "model": "m",
        "owner": "tests",
        "task": "binary",
        "events": {"source": "events", "id": "event", "time": "at"},
        "labels": {"source": "labels", "column": "y"},
        "sources": {
            "events": {"path": "e.csv", "known_at": "at"},
            "labels": {"path": "l.csv", "known_at": "known_at"},
        },
        "features": {"row": ["x"]},
        "metrics": {"primary": "auc", "also": ["log_loss"]},
        "monitors": {"min_rows": 100},
    }
)


class Scene:
    """Two versions that scored the same rows of the last week, and labels a day later."""

    def __init__(self, tmp_path, shift=0.0):
        random = np.random.default_rng(5)
        self.x = random.normal(size=ROWS)
        self.truth = (random.random(ROWS) < 1 / (1 + np.exp(-2 * self.x))).astype(float)
        self.at = [NOW - 6 * DAY + n * timedelta(days=4) / ROWS for n in range(ROWS)]
        self.scores = {2: 1 / (1 + np.exp(-2 * self.x)), 1: np.full(ROWS, 0.5) + self.x * 0.01}
        self.blobs, self.log = MemoryBlobs(), PredictionLog(tmp_path)
        for version, arm in ((2, "champion"), (1, "shadow")):
            self.log.append(self._rows(version, arm, shift))
        references = References(Reference(profile_of({"x": ("number", self.x)})))
        profile = self.blobs.put(references.to_json())
        self.recorded = serving(2, watch=Watch(2, 1, NOW - 7 * DAY, NOW + 21 * DAY))
        self.recorded = replace(
            self.recorded,
            versions=tuple(
                replace(v, candidate=replace(v.candidate, profile_digest=profile))
                for v in self.recorded.versions
            ),
        )
        self.evidence = LogEvidence(PROJECT, self.blobs, self.log)

    def _rows(self, version, arm, shift):
        count = len(self.x)
        return pl.DataFrame({
            "id": [f"{version}-{n}" for n in range(count)],
            "event": [f"e{n}" for n in range(count)],
            "at": pl.Series(self.at, dtype=pl.Datetime("us", "UTC")),
            "model": "m", "version": version, "digest": "d", "arm": arm, "entity": "",
            "prediction": self.scores[version], "latency_ms": 0.0,
            "flags": pl.Series([[]] * count, dtype=pl.List(pl.String)),
            "inputs": [{"x": value + shift} for value in self.x],
        }).select(c for c in COLUMNS if c not in ("propensity", "fetched"))  # fmt: skip

    def labelled(self, values=None, known=None, rows=ROWS):
        """The record after a delivery of labels."""
        frame = pl.DataFrame({
            "event": [f"e{n}" for n in range(rows)],
            "known_at": pl.Series(known or [NOW - DAY] * rows, dtype=pl.Datetime("us", "UTC")),
            "y": (self.truth if values is None else values)[:rows],
        })  # fmt: skip
        before = self.recorded.sources.get("labels", SourceRecord())
        window = Window(NOW - 7 * DAY, NOW)
        delivery = Delivery(
            f"labels/{len(before.accepted)}", "labels", window, 1, NOW, rows,
            self.blobs.put(to_parquet(frame)), "s", Verdict.PASS,
        )  # fmt: skip
        labels = replace(before, accepted=(*before.accepted, delivery), cursor=NOW)
        self.recorded = replace(self.recorded, sources={"labels": labels})
        return self.recorded


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path)


def test_quality_is_that_of_the_champion_on_its_labelled_rows(scene):
    signals = scene.evidence.signals(scene.labelled(), NOW)
    assert signals["auc"].value == pytest.approx(auc(scene.truth, scene.scores[2]))
    assert signals["auc_low"].value < signals["auc"].value < signals["auc_high"].value
    assert signals["auc_high"].value - signals["auc_low"].value < 0.1
    assert signals["labels"].value == ROWS
    assert signals["predictions"].value == ROWS
    assert signals["auc_at_promotion"].value == 0.75


def test_without_labels_quality_has_no_value(scene):
    signals = scene.evidence.signals(scene.recorded, NOW)
    assert signals["auc"].value is None
    assert signals["labels"].value == 0


def test_too_few_labels_are_no_quality(scene):
    assert scene.evidence.signals(scene.labelled(rows=99), NOW)["auc"].value is None


def test_labels_that_are_not_known_yet_do_not_count(scene):
    recorded = scene.labelled(known=[NOW + DAY] * ROWS)
    assert scene.evidence.signals(recorded, NOW)["labels"].value == 0


def test_a_late_or_corrected_label_changes_the_answer(scene):
    before = scene.evidence.signals(scene.labelled(), NOW)["auc"].value
    flipped = scene.labelled(1 - scene.truth, known=[NOW - DAY / 2] * ROWS)
    after = scene.evidence.signals(flipped, NOW)["auc"].value
    assert after == pytest.approx(1 - before)


def test_the_same_inputs_do_not_drift_and_shifted_ones_do(tmp_path):
    calm = Scene(tmp_path / "a").evidence
    same = calm.signals(Scene(tmp_path / "b").recorded, NOW)
    assert set(same) >= {"psi.x", "psi_max", "drifted_share", "null_share.x"}
    first, second = Scene(tmp_path / "c"), Scene(tmp_path / "d", shift=2.0)
    still = first.evidence.signals(first.recorded, NOW)
    moved = second.evidence.signals(second.recorded, NOW)
    assert still["psi.x"].value < 0.01
    assert still["drifted_share"].value == 0
    assert moved["psi.x"].value > 1
    assert moved["drifted_share"].value == 1


def test_no_traffic_is_no_drift_value(scene):
    signals = scene.evidence.signals(scene.recorded, NOW + 60 * DAY)
    assert signals["psi_max"].value is None
    assert signals["drifted_share"].value is None


def test_the_watched_pair_is_compared_on_the_same_rows(scene):
    (found,) = scene.evidence.live(scene.labelled(), NOW)
    gain = row_loss("binary", scene.truth, scene.scores[1]) - row_loss(
        "binary", scene.truth, scene.scores[2]
    )
    assert found.rows == ROWS
    assert found.difference == pytest.approx(gain.mean())
    assert 0 < found.low < found.difference < found.high


def test_a_pair_without_labels_is_never_a_pass(scene):
    (found,) = scene.evidence.live(scene.recorded, NOW)
    assert (found.low, found.rows) == (None, 0)


def test_rows_before_the_phase_do_not_count(scene):
    scene.labelled()
    late = replace(rolling(Phase.SHADOW, days=3).rollout, version=2, replaces=1)
    recorded = replace(scene.recorded, rollout=late, watch=None)
    (found,) = scene.evidence.live(recorded, NOW)
    assert found.rows == sum(at >= late.phase_since for at in scene.at)


def test_nothing_is_compared_when_nothing_is_under_way(scene):
    assert scene.evidence.live(replace(scene.labelled(), watch=None), NOW) == ()


@pytest.mark.parametrize("block", ["1h", "6h", "1d"])
def test_a_pair_is_judged_by_the_declared_blocks(scene, block):
    """Four days of rows: 16 blocks of six hours are too few, and so are 4 days."""
    declared = Project.model_validate(
        {**PROJECT.model_dump(mode="json", exclude_unset=True), "rollout": {"block": block}}
    )
    (found,) = LogEvidence(declared, scene.blobs, scene.log).live(scene.labelled(), NOW)
    assert (found.low is not None) is (block == "1h")
    if block != "1h":
        assert f"blocks of {block}, 20 are asked" in found.note


GUARDED = Project.model_validate(
    {
        **PROJECT.model_dump(mode="json", exclude_unset=True),
        "rollout": {"guards": {"disagreement": 0.1, "slower_ms": 5.0}},
    }
)


def test_guards_compare_answers_and_latency_without_labels(scene):
    evidence = LogEvidence(GUARDED, scene.blobs, scene.log)
    loss, answers, latency = evidence.live(scene.recorded, NOW)
    assert loss.low is None
    apart = np.abs(scene.scores[1] - scene.scores[2]).mean()
    assert answers.where == "guard:disagreement"
    assert -answers.difference == pytest.approx(apart, abs=1e-3)
    assert answers.low <= answers.difference <= answers.high < -0.1
    assert latency.difference is None  # the challenger answered, the champion was in shadow
    assert "0 of the champion" in latency.note


def test_mistakes_are_counted_on_the_rows_that_each_answered(tmp_path):
    scene = Scene(tmp_path / "a")
    rows = scene.log.read(NOW - 7 * DAY, NOW)
    half = np.arange(rows.height) // 2 % 2 == 0
    arms = np.where(half == (rows["version"].to_numpy() == 2), "champion", "shadow")
    log = PredictionLog(tmp_path / "b")
    log.append(rows.with_columns(arm=pl.Series(arms)))
    declared = Project.model_validate(
        {
            **PROJECT.model_dump(mode="json", exclude_unset=True),
            "rollout": {"guards": {"mistakes": 0.3}},
        }
    )
    evidence = LogEvidence(declared, scene.blobs, log)
    _, mistakes = evidence.live(scene.labelled(), NOW)
    assert mistakes.where == "guard:mistakes"
    assert 900 < mistakes.rows < 1100
    assert mistakes.low > -0.3
    assert mistakes.low <= mistakes.difference <= mistakes.high
    _, nothing = evidence.live(replace(scene.recorded, sources={}), NOW)
    assert nothing.difference is None


def test_the_looked_at_window_knows_nothing_without_times_in_the_reference(scene):
    signals = scene.evidence.signals(scene.recorded, NOW)
    assert signals["drifted"].value is None
    assert signals["drift_p.x"].value is None
    assert signals["prediction_drift_p"].value is None
    assert signals["psi.x"].value is not None


def test_the_health_is_the_signal_of_that_name_with_its_reasons(scene):
    recorded = scene.labelled()
    found = scene.evidence.health(recorded, NOW)
    assert scene.evidence.signals(recorded, NOW)["health"].value == found.score
    assert sum(loss.points for loss in found.losses) == 100 - found.score
    assert "auc" not in {loss.name for loss in found.losses if not loss.known}
