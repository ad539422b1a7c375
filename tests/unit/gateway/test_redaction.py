"""What is personal reaches the model, and never the disk."""

from datetime import timedelta

import polars as pl
import pytest

from tests.served_gateway import BASE, ROW, gateway

DECLARED = "serving: {log: {personal: {mean_radius: hash, mean_texture: drop}}}"


@pytest.fixture
def served(tmp_path):
    return gateway(tmp_path, declared=DECLARED)


def logged(served):
    now = served.wired.clock.now()
    return served.wired.log.read(now - timedelta(days=1), now + timedelta(days=1))


@pytest.mark.parametrize("count", [1, 100])
def test_personal_inputs_are_hashed_or_left_out_of_the_log(served, count, tmp_path):
    plain = gateway(tmp_path / "plain").ask("POST", f"{BASE}/predict", json=ROW).json()
    rows = {"rows": [ROW] * count} if count > 1 else ROW
    answer = served.ask("POST", f"{BASE}/predict", json=rows).json()
    one = answer["predictions"][0] if count > 1 else answer
    assert one["prediction"] == pytest.approx(plain["prediction"])
    inputs = logged(served)["inputs"].struct.unnest()
    assert inputs["mean_texture"].null_count() == count
    assert inputs["mean_radius"].dtype == pl.String
    assert inputs["mean_radius"].n_unique() == 1
    assert "17.9" not in inputs["mean_radius"][0]
    assert inputs["worst_area"].to_list() == [ROW["worst_area"]] * count
    for file in (served.wired.state / "log").rglob("*"):
        if file.is_file():
            assert b"17.9" not in file.read_bytes()


def test_personal_features_are_not_watched_for_drift(served):
    for _ in range(40):
        served.ask("POST", f"{BASE}/predict", json=ROW)
    now = served.wired.clock.now() + timedelta(seconds=1)
    signals = served.wired.evidence.signals(served.wired.engine.refresh(), now)
    assert signals["psi.worst_area"].value is not None
    watched = signals.get("psi.mean_radius")
    assert watched is None or watched.value is None


def test_a_name_that_is_no_feature_is_a_mistake_in_the_project_file(tmp_path):
    from homeostat.errors import ProjectFileError

    with pytest.raises(ProjectFileError, match="mean_radios"):
        gateway(tmp_path, declared="serving: {log: {personal: {mean_radios: hash}}}")
