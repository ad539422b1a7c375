from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from homeostat.errors import ReproduceError
from homeostat.pipeline import card
from homeostat.pipeline import reproduce as module
from homeostat.pipeline.reproduce import Difference, Reproduction, reproduce
from homeostat.testing.sim_clock import SimClock

from .tiny_project import AS_OF, Tiny, tiny


@pytest.fixture
def made(tmp_path: Path) -> Tiny:
    return tiny(tmp_path / "project")


def again(made: Tiny, version: Any, seen: list[str] | None = None) -> Reproduction:
    def progress(step: str, _: float) -> None:
        if seen is not None:
            seen.append(step)

    return reproduce(
        version, made.request, made.project, made.folder, made.blobs, SimClock(AS_OF), progress
    )


def names(found: Reproduction) -> set[str]:
    return {difference.what for difference in found.differences}


def test_training_again_gives_the_same_bytes_and_runs_every_step(made: Tiny) -> None:
    version = made.version()
    seen: list[str] = []
    found = again(made, version, seen)
    assert found.level == "bytes"
    assert found.digest == found.recorded_digest == version.digest
    assert found.differences == ()
    assert (found.rows, found.largest_difference) == (version.candidate.evaluated_rows, 0.0)
    assert {step.name for step in found.candidate.steps if step.cached} == set()
    assert {"features", "train", "package"} <= set(seen)


def test_reproducing_writes_nothing_to_the_record(made: Tiny) -> None:
    version = made.version()
    before = dict(made.blobs._contents)
    again(made, version)
    assert made.blobs._contents == before


def test_a_search_is_not_repeated_its_parameters_are_used(made: Tiny) -> None:
    search = {"space": {"num_leaves": {"low": 3, "high": 9, "integer": True}}, "trials": 2}
    searched = made.with_training(search=search)
    version = searched.version()
    assert version.candidate.parameters.keys() == {"num_leaves"}
    seen: list[str] = []
    assert again(searched, version, seen).level == "bytes"
    assert "tune" not in seen


def test_other_bytes_with_the_same_answers_are_equal_in_predictions(made: Tiny) -> None:
    version = made.version()
    parameters = {"importance_type": "gain"}  # stored in the model, without effect on answers
    changed = replace(version, candidate=replace(version.candidate, parameters=parameters))
    found = again(made, changed)
    assert found.level == "predictions"
    assert found.largest_difference == 0.0
    assert found.rows > 50
    assert "result of step train" in names(found)


def test_other_answers_with_the_same_metrics_are_equal_in_metrics(
    made: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = made.version()
    changed = _with_more_trees(version, 16)
    monkeypatch.setattr(module, "METRIC_TOLERANCE", 0.5)
    found = again(made, changed)
    assert found.level == "metrics"
    assert found.largest_difference is not None
    assert found.largest_difference > 1e-6


def test_other_metrics_are_different_and_are_listed_with_their_numbers(made: Tiny) -> None:
    version = made.version()
    found = again(made, _with_more_trees(version, 60))
    assert found.level == "different"
    listed = {one.what: one for one in found.differences}
    assert listed["metric log_loss"].recorded == f"{version.candidate.metrics['log_loss']:.9g}"
    assert listed["metric log_loss"].now != listed["metric log_loss"].recorded


def _with_more_trees(version: Any, trees: int) -> Any:
    return replace(
        version, candidate=replace(version.candidate, parameters={"n_estimators": trees})
    )


def test_changed_code_is_named_even_when_it_changes_nothing(made: Tiny) -> None:
    version = made.version()
    with (made.folder / "own.py").open("a") as file:
        file.write("\n# a remark\n")
    found = again(made, version)
    assert found.level == "bytes"
    assert names(found) == {"code"}


def test_changed_features_are_named_at_the_first_step_that_differs(made: Tiny) -> None:
    version = made.version()
    own = made.folder / "own.py"
    own.write_text(own.read_text().replace('"mean_perimeter"', '"mean_radius"'))
    found = again(made, version)
    assert found.level in ("metrics", "different")
    assert "result of step features" in names(found)
    assert "result of step train" not in names(found)


def test_another_environment_names_the_distributions_that_differ(
    made: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    then = {**card.environment(), "lightgbm": "4.0.0", "gone-since": "1.0"}
    with monkeypatch.context() as patched:
        patched.setattr(card, "environment", lambda: then)
        version = made.version()
    other = replace(version, candidate=replace(version.candidate, environment_digest="0" * 64))
    found = again(made, other)
    assert Difference("gone-since", "1.0", "not installed") in found.differences
    now = card.environment()["lightgbm"]
    assert Difference("lightgbm", "4.0.0", now) in found.differences


def test_a_snapshot_that_is_gone_is_a_reproduce_error(made: Tiny) -> None:
    version = made.version()
    made.blobs.forget(made.request.snapshot)
    with pytest.raises(ReproduceError, match="the manifest of snapshot") as caught:
        again(made, version)
    assert caught.value.subject == "version 1"
    assert "backup" in caught.value.next_step


def test_a_delivery_that_is_gone_is_a_reproduce_error_naming_it(made: Tiny) -> None:
    version = made.version()
    made.blobs.forget(str(made.deliveries[0].digest))
    with pytest.raises(ReproduceError, match=r"1 of 2 deliveries \(patients/"):
        again(made, version)


def test_code_that_fails_now_is_a_reproduce_error(made: Tiny) -> None:
    version = made.version()
    (made.folder / "own.py").unlink()
    with pytest.raises(ReproduceError, match="cannot be trained again"):
        again(made, version)


def test_a_package_that_is_gone_leaves_the_comparison_of_bytes_and_metrics(made: Tiny) -> None:
    version = made.version()
    made.blobs.forget(version.candidate.package_digest)
    assert again(made, version).level == "bytes"
    other = replace(
        version, candidate=replace(version.candidate, parameters={"importance_type": "gain"})
    )
    found = again(made, other)
    assert (found.level, found.largest_difference) == ("metrics", None)
