"""Which part of the project file each step goes by."""

from __future__ import annotations

from typing import Any

import pytest

from homeostat.pipeline.depends import spec_of
from homeostat.spec.project import Project

from .tiny_project import declaration

STEPS = ("features", "split", "tune", "preprocess", "train", "evaluate", "package")


def changed(path: str, value: Any) -> set[str]:
    """The steps of which the key changes when ``path`` becomes ``value``."""
    before, sections = declaration(), declaration()
    inner: Any = sections
    *parents, last = path.split(".")
    for key in parents:
        inner = inner.setdefault(key, {})
    inner[last] = value
    one, other = Project.model_validate(before), Project.model_validate(sections)
    return {step for step in STEPS if spec_of(one, step) != spec_of(other, step)}


@pytest.mark.parametrize(
    ("path", "value", "steps"),
    [
        ("owner", "somebody else", set()),
        ("description", "new words", set()),
        ("every", "2h", set()),
        ("sources.patients.checks", {"min_rows": 3}, set()),
        ("sources.patients.every", "3d", set()),
        ("sources.patients.known_later", ["size"], {"features"}),
        ("sources.patients.fallback", {"max_age": "3h"}, {"features"}),
        ("events.entity", "id", {"features", "split"}),
        ("labels.column", "malign", {"features"}),
        ("split.holdout_share", 0.1, {"features", "split"}),
        ("split.evaluate", "9d", {"split"}),
        ("training.history", "30d", {"features", "split"}),
        ("training.seed", 8, {"split"}),
        ("training.onnx", True, {"package"}),
        ("training.estimator", "own:make", {"tune", "preprocess", "train"}),
        ("training.parameters", {}, {"tune", "preprocess", "train"}),
        ("training.search", {"space": {"a": {"choices": [1]}}}, {"tune"}),
        ("metrics.primary", "brier", {"tune", "evaluate"}),
        ("metrics.slices", ["size"], {"evaluate"}),
        ("gates.resamples", 300, {"evaluate"}),
        ("features.derive", "own:other", {"features"}),
        ("features.row", ["size"], {"features", "tune", "preprocess", "train"}),
        ("features.categorical", [], {"features", "tune", "preprocess", "train", "package"}),
        ("monitors.psi_bins", 5, {"package"}),
        ("task", "regression", {"split", "tune", "preprocess", "train"}),
    ],
)
def test_a_step_goes_by_what_it_depends_on(path: str, value: Any, steps: set[str]) -> None:
    assert changed(path, value) == steps


def test_there_is_no_key_for_a_step_that_is_not_known() -> None:
    with pytest.raises(KeyError):
        spec_of(Project.model_validate(declaration()), "dance")
