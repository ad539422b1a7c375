"""The whole run on a small project: resumed, repeated, changed, and failing."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from homeostat.domain.evidence import Comparison
from homeostat.domain.run import Candidate
from homeostat.errors import BlobMissingError, EmptyDataError, StepError, TargetError
from homeostat.pipeline.holdout import in_holdout
from homeostat.pipeline.run import STEPS, run_pipeline
from homeostat.pipeline.scorer import load_scorer
from homeostat.spec.project import Project
from homeostat.testing.memory import MemoryStepCache
from homeostat.testing.sim_clock import SimClock

from .tiny_project import AS_OF, Tiny, declaration, tiny

SEARCH = {
    "space": {"num_leaves": {"low": 3, "high": 9, "integer": True}},
    "trials": 3,
    "sample_rows": 200,
}


@dataclass
class Place:
    """A project with a step cache that lasts from run to run."""

    tiny: Tiny
    cache: MemoryStepCache

    def run(self, stop_at: tuple[str, float] | None = None, **request: Any) -> Candidate:
        """Run; ``stop_at`` is the progress at which the process is killed."""

        def progress(step: str, share: float) -> None:
            if (step, share) == stop_at:
                raise KeyboardInterrupt

        made = self.tiny
        asked = replace(made.request, **request)
        return run_pipeline(
            asked, made.project, made.folder, made.blobs, self.cache, SimClock(AS_OF), progress
        )

    def changed(self, section: str, **changes: Any) -> Place:
        """The same place with a changed project file."""
        declared = self.tiny.project.model_dump(mode="json")
        declared[section] |= changes
        project = Project.model_validate(declared)
        return Place(replace(self.tiny, project=project), self.cache)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tiny(tmp_path / "project"), MemoryStepCache())


def cached(candidate: Candidate) -> dict[str, bool]:
    return {step.name: step.cached for step in candidate.steps}


def fresh(candidate: Candidate) -> list[str]:
    """Steps that were run."""
    return [step.name for step in candidate.steps if not step.cached]


def compared(candidate: Candidate, where: str, metric: str = "auc") -> Comparison:
    (one,) = [c for c in candidate.comparisons if (c.where, c.metric) == (where, metric)]
    return one


SEARCHLESS = [name for name in STEPS if name != "tune"]


def test_a_candidate_says_what_it_is_made_of(place: Place) -> None:
    found = place.run()
    assert [step.name for step in found.steps] == SEARCHLESS
    assert (found.run_id, found.seed, found.parameters) == ("run-1", 7, {})
    assert found.snapshot == place.tiny.request.snapshot
    assert found.trained_rows + found.evaluated_rows < 569
    assert found.trained_from < found.trained_until < AS_OF - place.tiny.project.split.evaluate
    assert found.metrics["auc"] > 0.9
    assert set(found.metrics) == {"auc", "log_loss", "holdout.auc", "holdout.log_loss"}
    assert set(found.importances) == set(place.tiny.project.features.names)
    assert found.champion_version is None
    assert found.faults == ()


def test_the_package_answers_and_passes_its_self_test(place: Place) -> None:
    found = place.run()
    package = place.tiny.blobs.get_tree(found.package_digest)
    scorer = load_scorer(package, trusted_digest=found.model_digest)
    scorer.self_test()
    card = json.loads((package / "card.json").read_bytes())
    assert card["facts"]["metrics"] == found.metrics
    assert found.profile_digest is not None
    assert place.tiny.blobs.has(found.profile_digest)


def test_no_held_out_row_is_trained_or_evaluated_on(place: Place) -> None:
    found = place.run()
    ids = pl.Series([f"p{i:03d}" for i in range(569)])
    held = int(in_holdout(ids, place.tiny.project.split.holdout_share).sum())
    assert held > 0
    assert compared(found, "holdout").rows == held
    assert found.trained_rows + found.evaluated_rows + held == 569


def test_the_same_request_gives_the_same_bytes_from_nothing(place: Place) -> None:
    one = place.run()
    other = Place(place.tiny, MemoryStepCache()).run()
    assert fresh(other) == SEARCHLESS
    for name in ("model_digest", "package_digest", "profile_digest", "metrics", "comparisons"):
        assert getattr(one, name) == getattr(other, name), name
    assert [(s.key, s.digest) for s in one.steps] == [(s.key, s.digest) for s in other.steps]


def test_the_same_request_again_runs_no_step(place: Place) -> None:
    one, again = place.run(), place.run(id="run-2")
    assert fresh(again) == []
    assert (again.run_id, again.package_digest) == ("run-2", one.package_digest)


@pytest.mark.parametrize("name", SEARCHLESS)
@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_run_killed_in_any_step_goes_on_from_it(place: Place, name: str, share: float) -> None:
    with pytest.raises(KeyboardInterrupt):
        place.run((name, share))
    found = place.run()
    at = SEARCHLESS.index(name) + int(share)
    assert fresh(found) == SEARCHLESS[at:]
    assert found.model_digest == Place(place.tiny, MemoryStepCache()).run().model_digest


def test_a_model_trained_on_from_the_cache_is_the_model_trained_at_once(place: Place) -> None:
    whole = place.run()
    train = next(step for step in whole.steps if step.name == "train")
    place.tiny.blobs.forget(train.digest)
    again = place.run()
    assert fresh(again) == ["train"]
    assert again.model_digest == whole.model_digest


def test_a_package_that_is_gone_is_made_again(place: Place) -> None:
    whole = place.run()
    place.tiny.blobs.forget(whole.package_digest)
    again = place.run()
    assert fresh(again) == ["package"]
    assert place.tiny.blobs.has(again.package_digest)


@pytest.mark.parametrize(
    ("section", "change", "steps"),
    [
        ("gates", {"resamples": 150}, ["evaluate"]),
        ("gates", {"evaluation": {"margin": 0.1}}, ["evaluate"]),
        ("metrics", {"also": ["brier"]}, ["evaluate", "package"]),
        ("monitors", {"psi_bins": 5}, ["package"]),
        ("policy", {"retrain_budget": 2}, []),
        ("rollout", {"strategy": "blue_green"}, []),
        ("training", {"min_rows": 50}, ["split"]),
    ],
)
def test_a_change_runs_the_steps_that_depend_on_it(
    place: Place, section: str, change: dict[str, Any], steps: list[str]
) -> None:
    place.run()
    assert fresh(place.changed(section, **change).run()) == steps


def test_another_parameter_trains_again_on_the_same_rows(place: Place) -> None:
    place.run()
    parameters = place.tiny.project.training.parameters | {"num_leaves": 4}
    found = place.changed("training", parameters=parameters).run()
    assert cached(found)["features"]
    assert cached(found)["split"]
    assert not cached(found)["train"]


def test_changed_project_code_runs_everything(place: Place) -> None:
    place.run()
    own = place.tiny.folder / "own.py"
    own.write_text(own.read_text() + "\n# nothing new\n")
    found = place.run()
    assert fresh(found) == SEARCHLESS


def test_a_split_moves_with_as_of_also_over_the_same_rows(place: Place) -> None:
    one = place.run()
    later = place.run(as_of=AS_OF + place.tiny.project.split.evaluate)
    assert later.evaluated_rows == 0
    assert later.trained_rows > one.trained_rows
    assert compared(later, "evaluation").challenger is None


def test_a_search_is_recorded_and_its_best_parameters_are_used(place: Place) -> None:
    searching = place.changed("training", search=SEARCH)
    found = searching.run()
    assert [step.name for step in found.steps] == list(STEPS)
    assert set(found.parameters) == {"num_leaves"}
    trials = json.loads(place.tiny.blobs.get(found.trials_digest or ""))
    assert [trial["number"] for trial in trials] == [0, 1, 2]
    assert found.parameters in [trial["parameters"] for trial in trials]


def test_given_parameters_are_used_without_a_search(place: Place) -> None:
    found = place.changed("training", search=SEARCH).run(parameters={"num_leaves": 5})
    assert "tune" not in cached(found)
    assert (found.parameters, found.trials_digest) == ({"num_leaves": 5}, None)


def test_shuffled_labels_are_recorded_and_learn_nothing(place: Place) -> None:
    honest = place.run()
    found = place.run(faults=("shuffle_labels",))
    assert found.faults == ("shuffle_labels",)
    assert found.metrics["auc"] < 0.8 < honest.metrics["auc"]
    assert fresh(found) == ["train", "evaluate", "explain", "package"]


def challenge(place: Place, champion: Candidate, **request: Any) -> Candidate:
    return place.run(
        champion_version=1,
        champion_package=champion.package_digest,
        champion_digest=champion.model_digest,
        **request,
    )


def test_a_challenger_is_compared_with_the_champion_on_the_same_rows(place: Place) -> None:
    champion = place.run()
    found = challenge(place, champion, faults=("shuffle_labels",))
    one = compared(found, "evaluation")
    assert one.champion == pytest.approx(champion.metrics["auc"], abs=1e-9)
    assert one.rows == champion.evaluated_rows
    assert one.high is not None
    assert one.high < 0
    assert compared(found, "holdout").champion == pytest.approx(champion.metrics["holdout.auc"])
    assert found.champion_version == 1


def test_the_champion_against_itself_differs_by_nothing(place: Place) -> None:
    one = compared(challenge(place, place.run()), "evaluation")
    assert (one.low, one.difference, one.high) == (0.0, 0.0, 0.0)


def test_a_champion_on_a_feature_that_is_gone_leaves_the_comparison_empty(place: Place) -> None:
    champion = place.run()
    features = {"row": ["mean_radius", "mean_area", "size"]}
    found = challenge(place.changed("features", **features), champion)
    one = compared(found, "evaluation")
    assert one.challenger is not None
    assert (one.champion, one.difference, one.low) == (None, None, None)
    assert "the champion cannot take these rows: mean_texture" in one.note


def test_a_champion_that_cannot_be_loaded_leaves_the_comparison_empty(place: Place) -> None:
    champion = place.run()
    found = place.run(
        champion_version=1, champion_package=champion.package_digest, champion_digest="0" * 64
    )
    assert "version 1 cannot be loaded" in compared(found, "evaluation").note
    assert compared(found, "evaluation").low is None


def test_a_champion_whose_package_is_gone_is_a_typed_error(place: Place) -> None:
    with pytest.raises(StepError, match=r"evaluate: .*H407") as raised:
        place.run(champion_version=1, champion_package="0" * 64)
    assert isinstance(raised.value.__cause__, BlobMissingError)


def test_a_snapshot_that_is_gone_names_the_step(place: Place) -> None:
    with pytest.raises(StepError, match="snapshot: ") as raised:
        place.run(snapshot="0" * 64)
    assert isinstance(raised.value.__cause__, BlobMissingError)


def test_too_few_rows_name_the_step_and_the_cause(place: Place) -> None:
    with pytest.raises(StepError, match=r"split: .*900 are asked") as raised:
        place.changed("training", min_rows=900).run()
    assert isinstance(raised.value.__cause__, EmptyDataError)


def test_a_target_of_one_class_names_the_step_and_the_cause(tmp_path: Path) -> None:
    sections = declaration()
    sections["labels"]["column"] = "one"
    made = tiny(tmp_path)
    findings = made.deliveries[1]
    frame = pl.read_parquet(made.blobs.path(findings.digest or "")).with_columns(one=pl.lit(1))
    digest = made.blobs.put(_parquet(frame))
    snapshot = _with(made, replace(findings, digest=digest))
    place = Place(replace(made, project=Project.model_validate(sections)), MemoryStepCache())
    with pytest.raises(StepError, match=r"split: .*only one value, 1") as raised:
        place.run(snapshot=snapshot)
    assert isinstance(raised.value.__cause__, TargetError)


def _parquet(frame: pl.DataFrame) -> bytes:
    from homeostat.pipeline.deliver import to_parquet

    return to_parquet(frame)


def _with(made: Tiny, findings: Any) -> str:
    from homeostat.pipeline.snapshot import load_snapshot, save_snapshot

    before = load_snapshot(made.request.snapshot, made.blobs)
    sources = before.sources | {"findings": (findings,)}
    return save_snapshot(replace(before, sources=sources), made.blobs)


def test_project_code_that_fails_names_the_step(place: Place) -> None:
    (place.tiny.folder / "own.py").write_text("def derive(events):\n    return events['nothing']\n")
    with pytest.raises(StepError, match=r"features: .*H103"):
        place.run()


def test_progress_tells_each_step_in_order(place: Place) -> None:
    told: list[tuple[str, float]] = []
    made = place.tiny
    run_pipeline(
        made.request, made.project, made.folder, made.blobs, place.cache, SimClock(AS_OF),
        lambda step, share: told.append((step, share)),
    )  # fmt: skip
    assert [step for step, share in told if share == 0.0] == SEARCHLESS
    assert [step for step, share in told if share == 1.0] == SEARCHLESS


REGRESSION = {"task": "regression", "metrics": {"primary": "rmse", "also": ["mae", "r2"]}}


@pytest.mark.parametrize(
    ("changes", "estimator"),
    [
        ({}, "sklearn.linear_model:LogisticRegression"),
        ({}, "sklearn.ensemble:ExtraTreesClassifier"),
        (REGRESSION, "sklearn.linear_model:Ridge"),
        (REGRESSION, "lightgbm:LGBMRegressor"),
        ({"split": {"by": "random"}}, "sklearn.tree:DecisionTreeClassifier"),
        ({"split": {"by": "group", "group": "mean_texture"}}, "sklearn.naive_bayes:GaussianNB"),
    ],
)
def test_tasks_splits_and_estimators_of_every_sort(
    tmp_path: Path, changes: dict[str, Any], estimator: str
) -> None:
    sections = declaration() | changes
    light: dict[str, Any] = (
        {"n_estimators": 5} if estimator.endswith(("TreesClassifier", "Regressor")) else {}
    )
    light |= {"verbose": -1, "n_jobs": 1} if estimator.startswith("lightgbm") else {}
    sections["training"] = {"estimator": estimator, "parameters": light, "min_rows": 50}
    made = replace(tiny(tmp_path), project=Project.model_validate(sections))
    champion = Place(made, MemoryStepCache()).run()
    found = challenge(Place(made, MemoryStepCache()), champion)
    assert compared(found, "evaluation", made.project.metrics.primary).difference == 0.0
