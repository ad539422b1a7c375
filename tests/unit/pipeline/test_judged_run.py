"""A run with everything that can be asked of a candidate, and what monitoring will need of it."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from homeostat.domain.verdict import Verdict
from homeostat.errors import StepError
from homeostat.features.references import LossModel, from_json
from homeostat.pipeline.references import loss_reader
from homeostat.pipeline.scorer import load_scorer
from homeostat.spec.project import Project
from homeostat.stats.profile import Bins, Profile

from .tiny_project import tiny

OWN = """
import numpy as np

def worst(truth, prediction):
    return float(np.abs(truth - prediction).max())

def broken(truth, prediction):
    raise KeyError("nothing")
"""


@pytest.fixture
def place(tmp_path):
    return tiny(tmp_path)


def asking(made, **sections):
    """The same project with other sections."""
    declared = made.project.model_dump(mode="json")
    for name, changes in sections.items():
        declared[name] = {**declared[name], **changes}
    (made.folder / "judging.py").write_text(OWN)
    return replace(made, project=Project.model_validate(declared))


def found(candidate, name):
    return next(one for one in candidate.findings if one.name.startswith(name))


def test_fairness_and_calibration_are_findings_of_the_candidate(place):
    column = place.project.features.names[0]
    made = asking(
        place,
        gates={
            "fairness": {column: {"demographic_parity": 0.5, "min_rows": 20}},
            "calibration": {"max_error": 0.5},
        },
    ).run()
    parity = found(made, "demographic parity")
    assert parity.subject == column
    assert parity.limit == 0.5
    assert parity.reason.startswith(f"demographic parity by {column}: ")
    assert found(made, "calibration").verdict in (Verdict.PASS, Verdict.INCONCLUSIVE)


def test_what_it_costs_is_measured_only_when_it_is_limited(place):
    assert place.run().costs == {}
    made = asking(place, gates={"cost": {"size_mb": 100.0}}).run()
    assert 0 < made.costs["latency_p95_ms"] < 1000
    assert 0 < made.costs["size_mb"] < 100


def test_a_metric_of_the_projects_own_is_measured(place):
    own = {"worst": {"function": "judging:worst", "better": "less"}}
    made = asking(place, metrics={"also": ["worst"], "own": own}).run()
    assert 0 < made.metrics["worst"] <= 1
    assert 0 < made.metrics["holdout.worst"] <= 1


def test_a_metric_that_raises_stops_the_run_by_name(place):
    own = {"broken": {"function": "judging:broken", "better": "less"}}
    asked = asking(place, metrics={"also": ["broken"], "own": own})
    with pytest.raises(StepError, match="metric 'broken' raises KeyError"):
        asked.run()


def test_segments_are_compared_and_a_bad_one_stops_the_run_by_name(place):
    column = place.project.features.names[0]
    asked = asking(place, metrics={"segments": {"large": f"{column} > 15"}, "slice_min_rows": 20})
    made = asked.run()
    (segment,) = [c for c in made.comparisons if c.where == "segment:large"]
    assert segment.challenger is not None
    bad = asking(place, metrics={"segments": {"large": "nothing > 15"}})
    with pytest.raises(StepError, match="segment 'large'"):
        bad.run()


def references(made, candidate):
    return from_json(made.blobs.get(candidate.profile_digest))


def test_the_references_hold_times_answers_losses_and_a_calibration(place):
    candidate = place.run()
    kept = references(place, candidate)
    names = [bins.name for bins in kept.features.profile.bins]
    assert names == list(place.project.features.names)
    assert kept.features.profile.rows == candidate.trained_rows
    assert kept.features.block_s == 86_400
    assert kept.features.of(0).shape[0] >= 28
    assert kept.prediction.profile.rows > candidate.evaluated_rows / 2
    assert len(kept.features.losses) == len(names)
    assert kept.calibration is not None
    assert kept.calibration.apply([0.0, 1.0]).tolist() == sorted(
        kept.calibration.apply([0.0, 1.0]).tolist()
    )
    assert kept.loss_model is None


def test_references_come_back_as_they_were_and_a_profile_alone_still_reads(place):
    kept = references(place, place.run())
    assert from_json(kept.to_json()) == kept
    profile = Profile((Bins("x", "number", (1.0,)),), ((1, 2, 3),), 6)
    old = from_json(msgspec.json.encode(profile))
    assert old.features.profile == profile
    assert old.features.blocks == ()
    assert old.prediction is None
    with pytest.raises((msgspec.DecodeError, msgspec.ValidationError)):
        from_json(b'{"features": 3}')


def test_personal_features_are_left_out_of_everything(place):
    kept = references(place, place.run())
    name = place.project.features.names[1]
    less = kept.without(frozenset({name}))
    assert name not in [bins.name for bins in less.features.profile.bins]
    assert len(less.features.blocks) == len(less.features.losses) == len(kept.features.losses) - 1


def test_a_regression_has_a_model_of_its_errors(tmp_path):
    made = tiny(tmp_path)
    declared = made.project.model_dump(mode="json")
    column = made.project.features.names[0]
    declared |= {"task": "regression", "metrics": {"primary": "mae", "also": ["rmse"]}}
    declared["training"] |= {"estimator": "sklearn.linear_model:LinearRegression",
                             "parameters": {}, "search": None}  # fmt: skip
    declared["gates"] = {}
    regression = replace(made, project=Project.model_validate(declared))
    candidate = regression.run()
    kept = references(regression, candidate)
    assert isinstance(kept.loss_model, LossModel)
    assert kept.calibration is None
    assert len(kept.loss_model.predicted) == len(kept.loss_model.actual)
    version = regression.version()
    read = loss_reader(regression.blobs, version)
    package = regression.blobs.get_tree(candidate.package_digest)
    scorer = load_scorer(package, trusted_digest=candidate.model_digest)
    from homeostat.pipeline.golden import read_golden

    rows, answers = read_golden(package)
    matrix = read(rows, answers)
    assert matrix.shape[0] == rows.height
    assert np.array_equal(matrix[:, -1], answers)
    assert column in scorer.schema.names
