import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from homeostat.errors import ProjectFileError, ProjectVersionError
from homeostat.spec.load import load_project, spec_digest
from homeostat.spec.schema import json_schema

ROOT = Path(__file__).parents[3]
TEMPLATE = ROOT / "src/homeostat/cli/templates/breast-cancer/homeostat.yaml"
TEXT = TEMPLATE.read_text().replace("{{model}}", "tumours")


def written(tmp_path, text):
    (tmp_path / "homeostat.yaml").write_text(text)
    return tmp_path


def line_of(text, part):
    return next(n for n, line in enumerate(text.splitlines(), 1) if part in line)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("owner: you", "ownr: you", "unknown key 'ownr'; do you mean 'owner'?"),
        ("task: binary", "task: ternary", "allowed are 'binary' or 'regression'"),
        ("every: 1d", "every: daily", "write a duration as a number and a unit"),
        ("share: 0.25", "share: 2", "'split.share': input should be less than 1"),
        (
            "source: biopsies",
            "source: biopsy",
            "no source 'biopsy'; declared are biopsies, reports",
        ),
        ("load: data:biopsies", "loud: data:biopsies", "unknown key 'sources.biopsies.loud'"),
        ("start: 2024-01-01", "start: someday", "write a date or time"),
        ("cool_down: 7d", "cool_down: 7d, wait: 1", "allowed are cool_down"),
    ],
)
def test_a_mistake_is_named_with_line_key_and_what_is_allowed(tmp_path, old, new, said):
    text = TEXT.replace(old, new, 1)
    with pytest.raises(ProjectFileError) as error:
        load_project(written(tmp_path, text))
    assert said in str(error.value)
    assert error.value.subject.startswith("homeostat.yaml:")
    if "no source" not in said and "ownr" not in new:
        assert error.value.subject == f"homeostat.yaml:{line_of(text, new.split(',')[0])}"


def test_all_mistakes_are_told_at_once(tmp_path):
    text = TEXT.replace("task: binary", "task: x").replace("seed: 7", "seed: -1")
    with pytest.raises(ProjectFileError) as error:
        load_project(written(tmp_path, text))
    assert "2 mistakes" in str(error.value)
    assert "'task'" in str(error.value)
    assert "'training.seed'" in str(error.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("- a\n- b\n", "no keys"),
        ("a: [1, 2\n", "not YAML"),
        ("a: 1\na: 2\n", "'a' stands twice, first in line 1"),
        ("x: {b: 1,\n  b: 2}\n", "'b' stands twice"),
    ],
)
def test_what_is_no_project_file_is_a_typed_error(tmp_path, text, said):
    with pytest.raises(ProjectFileError) as error:
        load_project(written(tmp_path, text))
    assert said in str(error.value)


def test_a_missing_file_says_how_to_make_one(tmp_path):
    with pytest.raises(ProjectFileError) as error:
        load_project(tmp_path)
    assert "homeostat init" in error.value.next_step


def test_bytes_that_are_no_text_are_a_typed_error(tmp_path):
    (tmp_path / "homeostat.yaml").write_bytes(b"\xff\xfe\x00owner")
    with pytest.raises(ProjectFileError):
        load_project(tmp_path)


def test_a_file_from_a_newer_homeostat_is_told_apart_from_a_mistake(tmp_path):
    text = TEXT.replace("homeostat: 1", "homeostat: 2\nnovelty: yes", 1)
    with pytest.raises(ProjectVersionError) as error:
        load_project(written(tmp_path, text))
    assert "newer Homeostat" in error.value.next_step


def test_the_digest_is_of_what_is_declared_and_not_of_how_it_is_written(tmp_path):
    first = spec_digest(load_project(written(tmp_path, TEXT)))
    second = spec_digest(load_project(written(tmp_path, "# hello\n" + TEXT)))
    third = spec_digest(load_project(written(tmp_path, TEXT.replace("seed: 7", "seed: 8"))))
    assert first == second != third


@pytest.mark.parametrize("path", [TEMPLATE, ROOT / "examples/flights/homeostat.yaml"])
def test_the_json_schema_accepts_the_examples_and_refuses_unknown_keys(path):
    text = path.read_text().replace("{{model}}", "tumours")
    document = json.loads(json.dumps(yaml.safe_load(text), default=str))
    jsonschema.validate(document, json_schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**document, "novelty": 1}, json_schema())
