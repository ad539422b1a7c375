import pytest

from homeostat.errors import HomeostatError, ProjectFileError
from tests.unit.spec.declared import TEXT, line, loaded


@pytest.mark.parametrize(
    ("old", "new", "at", "said"),
    [
        ("seed: 7", "seed: seven", "seed:", "not 'seven'"),
        ("seed: 7", "seed: -7", "seed:", "greater than or equal to 0, not -7"),
        ("C: {low: 0.01", "C: {low: .nan", "C:", "finite number"),
        ("model: tumours", "model: Tumours!", "model:", "small letters, digits and hyphens"),
        ("homeostat: 1", "homeostat: true", "homeostat:", "allowed are 1"),
        ("homeostat: 1", "homeostat: one", "homeostat:", "allowed are 1"),
        ("source: reports", "source: report", "labels:", "'labels.source': no source 'report'"),
        ("type: boolean", "tipe: boolean", "tipe:", "do you mean 'type'?"),
        ("start: 2024-01-01", "start: 2024-13-01", "start:", "write a date or time"),
        ("share: 0.5, hold", "share: 1.5, hold", "share: 1.5", "'rollout.steps.0.share'"),
        ("policy: {cool_down: 7d}", "policy: [a]", "policy:", "allowed are cool_down,"),
        ("C: {low: 0.01, high: 100, log: true}", "C: 5", "C: 5", "allowed are low, high,"),
        ("split: {", "split: 3 # {", "split:", "must be a section of keys"),
        ("  weekly:", "  on:", "  on:", "YAML reads this word as True; put it in quotes"),
        ("unique: true}\n        mean_r", "allowed: [no]}\n        mean_r", "no]", "in quotes"),
        ("policy:", "monitor: {window: 1d}\npolicy:", "monitor:", "do you mean 'monitors'?"),
    ],
)
def test_a_mistake_names_line_key_and_what_is_allowed(tmp_path, old, new, at, said):
    with pytest.raises(ProjectFileError) as error:
        loaded(tmp_path, (old, new))
    assert said in error.value.problem
    if "mistakes:" not in error.value.problem:
        assert error.value.subject == f"homeostat.yaml:{line(tmp_path, at)}"
    assert "homeostat check" in error.value.next_step


def told(tmp_path, text):
    """The subject of the error that ``text`` gives; of a file that is right, its name."""
    try:
        loaded(tmp_path, (TEXT, text))
    except HomeostatError as error:
        return error.subject if error.next_step else ""
    return "homeostat.yaml:"


def test_any_line_of_the_file_can_be_lost_without_a_traceback(tmp_path):
    lines = TEXT.splitlines()
    texts = ["\n".join(lines[:n] + lines[n + 1 :]) for n in range(len(lines))]
    assert all(told(tmp_path, text).startswith("homeostat.yaml:") for text in texts)


def test_the_file_can_be_cut_off_anywhere_without_a_traceback(tmp_path):
    texts = [TEXT[:end] for end in range(0, len(TEXT), 97)]
    assert all(told(tmp_path, text).startswith("homeostat.yaml:") for text in texts)
