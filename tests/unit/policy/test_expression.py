import pytest

from homeostat.domain.evidence import Signal
from homeostat.errors import ProjectFileError
from homeostat.policy.expression import compile_expression
from tests.worlds import NOW


def signals(**values):
    return {
        name.replace("__", "."): Signal(name, value, NOW, 60.0, 1) for name, value in values.items()
    }


@pytest.mark.parametrize(
    ("text", "values", "truth"),
    [
        ("auc < 0.65", {"auc": 0.6}, True),
        ("auc < 0.65", {"auc": 0.7}, False),
        ("auc < 0.65", {"auc": None}, None),
        ("auc < 0.65", {}, None),
        ("auc < 0.65 && labels > 100", {"auc": 0.7}, False),
        ("auc < 0.65 && labels > 100", {"auc": 0.6, "labels": 200.0}, True),
        ("psi.temp > 0.2", {"psi__temp": 0.3}, True),
        ("psi.temp > 0.2", {"psi__wind": 0.3}, None),
        ("auc + 1.0", {"auc": 0.5}, None),
        ("1 / 0 > 1", {}, None),
    ],
)
def test_a_condition_is_true_false_or_unknown(text, values, truth):
    assert compile_expression(text).evaluate(signals(**values)).value is truth


def test_the_reading_shows_the_numbers():
    assert "auc = 0.6" in compile_expression("auc < 0.65").evaluate(signals(auc=0.6)).reading


@pytest.mark.parametrize("text", ["auc <", "", "&& 1", "auc < 0.5 }"])
def test_a_condition_that_cannot_be_parsed_is_a_typed_error(text):
    with pytest.raises(ProjectFileError) as error:
        compile_expression(text)
    assert error.value.next_step
