from datetime import timedelta

import pytest

from homeostat.monitoring import health_file
from homeostat.stats.health import Symptom, health
from tests.worlds import NOW

FOUND = health([Symptom("auc", "quality", 0.7, limit=0.75, worst=0.65)])


def test_what_is_written_is_read_with_a_reason_for_each_loss(tmp_path):
    file = tmp_path / "gateway" / health_file.NAME
    health_file.write(file, FOUND, NOW)
    found = health_file.read(file, NOW + timedelta(minutes=5))
    assert found["score"] == FOUND.score
    assert sum(loss["points"] for loss in found["lost"]) == 100 - FOUND.score
    assert {"part": "quality", "of": "auc"}.items() <= max(
        found["lost"], key=lambda loss: loss["points"]
    ).items()


@pytest.mark.parametrize("minutes", [11, -11])
def test_what_is_not_of_now_is_not_read(tmp_path, minutes):
    file = tmp_path / health_file.NAME
    health_file.write(file, FOUND, NOW)
    assert health_file.read(file, NOW + timedelta(minutes=minutes)) is None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"at": 1}', '{"at": "2024-03-01", "score": 1, "lost": []}']
)
def test_a_spoiled_or_missing_file_is_no_health(tmp_path, text):
    file = tmp_path / health_file.NAME
    assert health_file.read(file, NOW) is None
    file.write_text(text)
    assert health_file.read(file, NOW) is None


def test_a_full_disk_leaves_the_one_before(tmp_path, monkeypatch):
    file = tmp_path / health_file.NAME
    health_file.write(file, FOUND, NOW)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(file), "write_text", full)
    with pytest.raises(OSError, match="No space"):
        health_file.write(file, FOUND, NOW + timedelta(minutes=1))
    assert health_file.read(file, NOW)["score"] == FOUND.score
    assert [found.name for found in tmp_path.iterdir()] == [health_file.NAME]
