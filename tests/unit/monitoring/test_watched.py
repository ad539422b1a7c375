"""References of the past, segments, own metrics and change detectors as signals."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from homeostat.domain.verdict import Verdict
from homeostat.features.references import PREDICTION, References
from homeostat.monitoring.drift import judge, last_look, look
from homeostat.monitoring.evidence import LogEvidence
from homeostat.monitoring.prediction_log import COLUMNS, PredictionLog
from homeostat.monitoring.window_profile import WindowProfiles
from homeostat.spec.project import Project
from homeostat.spec.signal_names import signal_names
from homeostat.stats.drift.reference import Reference, reference_of
from homeostat.stats.metrics import auc, own
from homeostat.testing.memory import MemoryBlobs
from tests.worlds import DAY, NOW, serving

from .test_evidence import PROJECT, Scene

WEEKS = 10
A_DAY = 300


def project(**monitors):
    declared = PROJECT.model_dump(mode="json", exclude_unset=True)
    return Project.model_validate({**declared, "monitors": {"min_rows": 100, **monitors}})


class Past:
    """Ten weeks of answers, with higher values at weekends, and perhaps a shift at the end."""

    def __init__(self, place, shift=0.0, weekend=0.0):
        random = np.random.default_rng(5)
        self.log = PredictionLog(place)
        for day in range(WEEKS * 7):
            begin = NOW - (WEEKS * 7 - day) * DAY
            late = shift if day >= WEEKS * 7 - 1 else 0.0
            values = random.normal(size=A_DAY) + late + weekend * (begin.weekday() >= 5)
            self.log.append(self._rows(day, begin, values))
        self.blobs = MemoryBlobs()
        trained = random.normal(size=5_000)
        references = References(
            Reference(reference_of({"x": ("number", trained)}, None, block_s=1.0).profile),
            reference_of({PREDICTION: ("number", 1 / (1 + np.exp(-trained)))}, None, block_s=1.0),
        )
        digest = self.blobs.put(references.to_json())
        recorded = serving(2)
        self.recorded = replace(
            recorded,
            versions=tuple(
                replace(v, candidate=replace(v.candidate, profile_digest=digest))
                for v in recorded.versions
            ),
        )
        self.profiles = WindowProfiles(self.blobs, self.log)

    def _rows(self, day, begin, values):
        count = len(values)
        at = [begin + n * DAY / count for n in range(count)]
        return pl.DataFrame({
            "id": [f"{day}-{n}" for n in range(count)],
            "event": [f"e{day}-{n}" for n in range(count)],
            "at": pl.Series(at, dtype=pl.Datetime("us", "UTC")), "model": "m", "version": 2,
            "digest": "d", "arm": "champion", "entity": "", "prediction": 1 / (1 + np.exp(-values)),
            "latency_ms": 0.1, "flags": pl.Series([[]] * count, dtype=pl.List(pl.String)),
            "inputs": [{"x": value} for value in values.tolist()],
        }).select(c for c in COLUMNS if c not in ("propensity", "fetched"))  # fmt: skip

    def judged(self, reference, window="1d"):
        declared = project(
            window=window, drift={"reference": reference, "reference_span": "56d"}
        ).monitors
        champion = self.recorded.champion
        return judge(self.profiles, champion, declared, NOW - declared.window, NOW)


@pytest.mark.parametrize("reference", ["sliding", "seasonal"])
def test_a_reference_of_the_past_finds_what_changed_and_nothing_else(tmp_path, reference):
    still = Past(tmp_path / "still").judged(reference)
    assert [one.verdict for one in still.features.features] == [Verdict.PASS]
    assert still.prediction.features[0].verdict is Verdict.PASS
    moved = Past(tmp_path / "moved", shift=2.0).judged(reference)
    assert [one.name for one in moved.features.drifted] == ["x"]
    assert moved.prediction.drifted
    assert moved.before.rows > 1_000


def test_what_a_weekend_is_like_is_no_drift_from_weekends(tmp_path):
    """The window is a Sunday; the seasonal reference has Sundays only, the sliding one all days."""
    sunday = NOW - timedelta(days=(NOW.weekday() + 1) % 7)
    past = Past(tmp_path, weekend=1.0)
    declared = project(window="1d", drift={"reference": "seasonal", "reference_span": "56d"})
    found = judge(past.profiles, past.recorded.champion, declared.monitors, sunday - DAY, sunday)
    sliding = project(window="1d", drift={"reference": "sliding", "reference_span": "42d"})
    other = judge(past.profiles, past.recorded.champion, sliding.monitors, sunday - DAY, sunday)
    assert found.features.features[0].distance < other.features.features[0].distance / 2
    assert not found.features.drifted


def test_without_a_past_nothing_is_known(tmp_path):
    past = Past(tmp_path)
    declared = project(window="1d", drift={"reference": "sliding"}).monitors
    first = NOW - (WEEKS * 7 - 1) * DAY
    found = judge(past.profiles, past.recorded.champion, declared, first - DAY, first)
    assert found.features.features[0].verdict is Verdict.INCONCLUSIVE
    assert found.features.weight is None


def test_looks_fall_on_multiples_and_do_not_move_between_them(tmp_path):
    past = Past(tmp_path)
    declared = project(drift={"reference": "sliding"}).monitors
    champion = past.recorded.champion
    first, second = (
        look(past.profiles, champion, declared, NOW - DAY + timedelta(hours=hours))
        for hours in (1, 9)
    )
    assert first.until == second.until == last_look(NOW - DAY / 2, DAY)
    assert first.features == second.features


def test_a_segment_and_a_metric_of_ones_own_are_signals(tmp_path):
    scene = Scene(tmp_path)
    declared = Project.model_validate({
        **PROJECT.model_dump(mode="json", exclude_unset=True),
        "metrics": {"primary": "auc", "also": ["worst"], "segments": {"high": "x > 0"},
                    "own": {"worst": {"function": "a:b", "better": "less"}}},
    })  # fmt: skip
    worst = own("worst", lambda truth, prediction: float(abs(truth - prediction).max()), True)
    evidence = LogEvidence(declared, scene.blobs, scene.log, {"worst": worst})
    signals = evidence.signals(scene.labelled(), NOW)
    assert set(signals) == signal_names(declared)
    high = scene.x > 0
    assert signals["segment.high"].value == pytest.approx(
        auc(scene.truth[high], scene.scores[2][high])
    )
    assert signals["segment.high"].rows == high.sum()
    assert signals["worst"].value == pytest.approx(abs(scene.truth - scene.scores[2]).max())


def test_declared_detectors_are_signals_and_find_a_change(tmp_path):
    declared = Project.model_validate({
        **PROJECT.model_dump(mode="json", exclude_unset=True),
        "monitors": {"min_rows": 100, "change": ["adwin", "page_hinkley"]},
    })  # fmt: skip
    scene = Scene(tmp_path)
    evidence = LogEvidence(declared, scene.blobs, scene.log)
    recorded = scene.labelled(known=[NOW - 2 * DAY] * 2_000)
    assert evidence.signals(recorded, NOW)["change.adwin"].value == 0.0
    truth = np.where(np.arange(2_000) > 1_200, 1 - scene.truth, scene.truth)
    changed = scene.labelled(truth, known=[NOW - 1.5 * DAY] * 2_000)
    assert evidence.signals(changed, NOW)["change.adwin"].value == 1.0
    before = evidence.signals(replace(changed, tenures=()), NOW)
    assert before["change.adwin"].value is None
