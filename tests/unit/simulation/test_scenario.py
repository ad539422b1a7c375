from datetime import UTC, datetime
from pathlib import Path

import pytest

from homeostat.errors import ProjectFileError
from homeostat.simulation.scenario import Nulls, Rename, ShuffleLabels, load_scenario
from homeostat.spec.load import load_project
from tests.unit.simulation.projects import tiny_project


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_project(tmp_path_factory.mktemp("tiny"))


def load(folder: Path, text: str):
    path = folder / "other.yaml"
    path.write_text(text)
    return load_scenario(path, load_project(folder))


def refused(folder: Path, text: str) -> ProjectFileError:
    with pytest.raises(ProjectFileError) as caught:
        load(folder, text)
    return caught.value


def test_the_three_kinds_are_read(folder):
    scenario = load_scenario(folder / "scenario.yaml", load_project(folder))
    empty, renamed, shuffled = scenario.disturbances
    assert isinstance(empty, Nulls)
    assert empty.since == datetime(2024, 1, 25, tzinfo=UTC)
    assert empty.until == datetime(2024, 1, 27, tzinfo=UTC)
    assert isinstance(renamed, Rename)
    assert renamed.columns == {"x": "y"}
    assert isinstance(shuffled, ShuffleLabels)
    assert shuffled.on == datetime(2024, 2, 10, tzinfo=UTC)


def test_the_bare_word_on_is_understood_and_so_is_the_quoted_one(folder):
    bare = load(folder, "disturbances:\n- {name: a, kind: shuffle_labels, on: 2024-01-05}")
    quoted = load(folder, 'disturbances:\n- {name: a, kind: shuffle_labels, "on": "2024-01-05"}')
    assert bare == quoted


def test_a_time_with_a_zone_is_turned_into_utc(folder):
    text = 'disturbances:\n- {name: a, kind: shuffle_labels, on: "2024-01-05T00:00:00-05:00"}'
    (each,) = load(folder, text).disturbances
    assert each.on == datetime(2024, 1, 5, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("disturbances:\n- {name: a, kind: fire, on: 2024-01-05}", 2, "nulls, rename"),
        (
            "disturbances:\n- name: a\n  kind: shuffle_labels\n  on: 2024-01-05\n  at: noon",
            5,
            "unknown key",
        ),
        ("disturbances:\n- {name: a, kind: shuffle_labels}", 2, "is missing"),
        ("disturbances:\n- {name: a, kind: shuffle_labels, on: soon}", 2, "ISO 8601"),
        ("disturbances:\n- {name: a, kind: shuffle_labels, on: 3}", 2, "ISO 8601"),
        (
            "disturbances:\n- {name: a, kind: nulls, source: orders, columns: [x],\n"
            "   from: 2024-02-02, until: 2024-02-01}",
            2,
            "must be before",
        ),
        (
            "disturbances:\n- name: a\n  kind: rename\n  source: ordres\n"
            "  columns: {x: y}\n  on: 2024-01-05",
            4,
            "declared are labels, orders",
        ),
        ("disturbance: []", 1, "unknown key"),
        ("- a\n- b", 1, "no keys"),
        ("", 1, "no keys"),
        ("disturbances: [", 1, "not YAML"),
        ("disturbances: 3", 1, "disturbances"),
    ],
)
def test_a_mistake_is_named_with_its_line(folder, text, line, said):
    error = refused(folder, text)
    assert error.subject == f"other.yaml:{line}"
    assert said in error.problem
    assert error.next_step


def test_two_disturbances_of_one_name_are_refused(folder):
    each = "- {name: a, kind: shuffle_labels, on: 2024-01-05}\n"
    assert "named twice: a" in refused(folder, f"disturbances:\n{each}{each}").problem


def test_a_file_that_is_not_there_is_named(folder):
    with pytest.raises(ProjectFileError, match="no such file"):
        load_scenario(folder / "nothing.yaml", load_project(folder))


def test_a_file_that_is_not_text_is_named(folder):
    (folder / "binary.yaml").write_bytes(b"\xff\xfe\x00bad")
    with pytest.raises(ProjectFileError, match="cannot be read"):
        load_scenario(folder / "binary.yaml", load_project(folder))
