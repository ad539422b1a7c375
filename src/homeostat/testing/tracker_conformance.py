"""What every tracker must do. Subclass, say how to make one, and let pytest collect it."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from homeostat.domain.evidence import Comparison
from homeostat.domain.run import Candidate, RunRequest, StepRecord
from homeostat.ports.tracker import Tracker

AS_OF = datetime(2024, 3, 4, tzinfo=UTC)


def example_request(run_id: str = "run-1") -> RunRequest:
    """A request as the loop makes them."""
    return RunRequest(run_id, AS_OF, "a new week", "weekly", 7, "s" * 64)


def example_candidate(run_id: str = "run-1") -> Candidate:
    """A candidate with awkward names and numbers: slices, unicode, nothing measured."""
    return Candidate(
        run_id=run_id,
        model_digest="d" * 64,
        package_digest="p" * 64,
        snapshot="s" * 64,
        trained_rows=1_000,
        trained_from=datetime(2024, 1, 1, tzinfo=UTC),
        trained_until=datetime(2024, 3, 1, tzinfo=UTC),
        evaluated_rows=200,
        parameters={"num_leaves": 31, "learning_rate": 0.1, "objective": "binary", "extra": None},
        seed=7,
        metrics={"auc": 0.75, "log_loss": 0.5},
        comparisons=(
            Comparison("auc", "evaluation", 200, 0.75, 0.7, 0.05, 0.01, 0.09),
            Comparison("auc", "slice:carrier=9E & Söhne", 20, 0.6),
            Comparison("auc", "slice:carrier=AA", 2, None, note="too few rows"),
        ),
        champion_version=None,
        code_digest="c" * 64,
        code_commit="0" * 40,
        environment_digest="e" * 64,
        onnx=True,
        onnx_note="equal",
        importances={"hour": 0.6, "carrier": 0.4},
        steps=(StepRecord("train", "k" * 64, "d" * 64, False, 1.5),),
    )


def example_trials() -> list[dict[str, Any]]:
    """Three trials, one of them failed."""
    return [
        {"number": 0, "state": "complete", "parameters": {"num_leaves": 31}, "values": [0.7]},
        {"number": 1, "state": "complete", "parameters": {"num_leaves": 63}, "values": [0.72]},
        {"number": 2, "state": "fail", "parameters": {"num_leaves": 127}, "values": None},
    ]


class TrackerConformance:
    """The contract of ``ports.tracker.Tracker``, one rule per test.

    Give :meth:`make` (a fresh tracker with nothing in it), :meth:`reopen` (a new object on what
    ``tracker`` wrote; the object itself where nothing outlives it) and the two ``shown`` hooks.
    """

    def make(self) -> Tracker:
        """A fresh, empty tracker."""
        raise NotImplementedError

    def reopen(self, tracker: Tracker) -> Tracker:
        """A tracker on the same store, as after a restart."""
        raise NotImplementedError

    def shown_trials(self, tracker: Tracker) -> dict[str, int]:
        """Number of trials by our run id, for each run that people can see."""
        raise NotImplementedError

    def shown_versions(self, tracker: Tracker) -> dict[int, str]:
        """Our run id by our version number."""
        raise NotImplementedError

    def test_a_run_is_shown_with_its_trials(self) -> None:
        """Run and trials are there after one call."""
        tracker = self.make()
        assert tracker.log_run(example_request(), example_candidate(), example_trials())
        assert self.shown_trials(tracker) == {"run-1": 3}

    def test_showing_a_run_again_changes_nothing(self) -> None:
        """The same id comes back, also after a restart; nothing is there twice."""
        tracker = self.make()
        first = tracker.log_run(example_request(), example_candidate(), example_trials())
        assert first == tracker.log_run(example_request(), example_candidate(), example_trials())
        again = self.reopen(tracker)
        assert first == again.log_run(example_request(), example_candidate(), example_trials())
        assert self.shown_trials(again) == {"run-1": 3}

    def test_runs_are_kept_apart(self) -> None:
        """Two runs have two ids, and each its own trials."""
        tracker = self.make()
        first = tracker.log_run(example_request(), example_candidate(), example_trials())
        other = tracker.log_run(example_request("run-2"), example_candidate("run-2"), [])
        assert first != other
        assert self.shown_trials(tracker) == {"run-1": 3, "run-2": 0}

    def test_a_version_is_shown_once_with_its_run(self) -> None:
        """Twice the same version is one version."""
        tracker = self._with_versions()
        assert self.shown_versions(tracker) == {1: "run-1", 2: "run-2"}
        self._log_version(tracker, 1, "run-1")
        again = self.reopen(tracker)
        self._log_version(again, 2, "run-2")
        assert self.shown_versions(again) == {1: "run-1", 2: "run-2"}

    def test_aliases_start_empty(self) -> None:
        """Before any version there is no alias, and taking one away is no error."""
        tracker = self.make()
        assert tracker.aliases() == {}
        tracker.set_alias("challenger", None)
        assert tracker.aliases() == {}

    def test_an_alias_moves_and_goes(self) -> None:
        """An alias points at one version; the others stay where they are."""
        tracker = self._with_versions()
        tracker.set_alias("champion", 1)
        tracker.set_alias("challenger", 2)
        assert tracker.aliases() == {"champion": 1, "challenger": 2}
        tracker.set_alias("champion", 2)
        tracker.set_alias("challenger", None)
        assert self.reopen(tracker).aliases() == {"champion": 2}

    def test_numbers_that_are_none_or_not_finite_stop_nothing(self) -> None:
        """A metric without a value is left out, the run is shown."""
        tracker = self.make()
        metrics = {"auc": float("nan"), "log_loss": float("inf"), "brier": 0.1}
        candidate = replace(example_candidate(), metrics=metrics)
        assert tracker.log_run(example_request(), candidate, [])

    def _with_versions(self) -> Tracker:
        tracker = self.make()
        for number in (1, 2):
            run_id = f"run-{number}"
            tracker.log_run(example_request(run_id), example_candidate(run_id), [])
            self._log_version(tracker, number, run_id)
        return tracker

    @staticmethod
    def _log_version(tracker: Tracker, number: int, run_id: str) -> None:
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            (folder / "mlflow").mkdir()
            (folder / "mlflow" / "MLmodel").write_text("flavors: {}\n")
            (folder / "card.json").write_text("{}")
            tracker.log_version(number, run_id, folder, {"homeostat.digest": "d" * 64})
