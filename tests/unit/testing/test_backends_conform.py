"""The gateway and the evidence that ship pass the suites that ship."""

from __future__ import annotations

from dataclasses import replace

import pytest

from homeostat.adapters.local.host_serving import HostServing
from homeostat.domain.rollout import Arm, Phase
from homeostat.gateway.host import Host
from homeostat.monitoring.evidence import LogEvidence
from homeostat.monitoring.prediction_log import PredictionLog
from homeostat.spec.project import Project
from homeostat.testing.evidence_conformance import EvidenceConformance, Observed
from homeostat.testing.memory import MemoryBlobs
from homeostat.testing.serving_conformance import Served, ServingConformance
from homeostat.testing.sim_clock import SimClock
from tests.unit.pipeline.fitted_models import boosted, cancer, fit, package
from tests.worlds import NOW, rolling, serving


def project():
    features = cancer()[0].columns
    return Project.model_validate(
        {
            "homeostat": 1,
            "model": "cancer",
            "owner": "tests",
            "task": "binary",
            "events": {"source": "rows", "id": "id", "time": "at"},
            "labels": {"source": "rows", "column": "malignant"},
            "sources": {"rows": {"path": "rows.csv", "known_at": "at"}},
            "features": {"row": features, "categorical": ["size"]},
            "metrics": {"primary": "auc", "also": ["log_loss"]},
        }
    )


@pytest.fixture(scope="module")
def packaged():
    """Two real versions in one store of blobs."""
    blobs = MemoryBlobs()
    results = [package(fit(boosted(seed=seed)), blobs) for seed in (1, 2)]
    arms = [
        Arm(number, result.model_digest, result.package_digest, 1.0)
        for number, result in enumerate(results, start=1)
    ]
    return blobs, arms, results


class TestHostServing(ServingConformance):
    @pytest.fixture
    def served(self, packaged, tmp_path):
        blobs, (first, second), _ = packaged
        log = PredictionLog(tmp_path / "log")
        host = Host(project(), blobs, log, SimClock(NOW), tmp_path / "gateway")
        return Served(HostServing(host), first, second)


class TestLogEvidence(EvidenceConformance):
    @pytest.fixture(params=["serving", "rolling out"])
    def observed(self, request, packaged, tmp_path):
        blobs, _, results = packaged
        recorded = serving(1) if request.param == "serving" else rolling(Phase.SHADOW)
        versions = tuple(
            replace(
                version,
                candidate=replace(
                    version.candidate,
                    profile_digest=result.profile_digest,
                    package_digest=result.package_digest,
                    model_digest=result.model_digest,
                ),
            )
            for version, result in zip(recorded.versions, results, strict=False)
        )
        declared = {"auc", "log_loss", "auc_at_promotion", "labels", "new_labels", "predictions"}
        declared |= {"champion_age_d", "psi_max", "drifted_share", "data_age_h.rows"}
        declared |= {"quarantined.rows", "psi.size", "null_share.mean_texture"}
        evidence = LogEvidence(project(), blobs, PredictionLog(tmp_path / "log"))
        return Observed(evidence, replace(recorded, versions=versions), NOW, frozenset(declared))
