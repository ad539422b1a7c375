import pytest

from homeostat.cli.check_code import check_code, together
from homeostat.errors import ColumnError, LeakError, ProjectCodeError, ProjectError
from homeostat.spec.load import read_project
from tests.unit.cli.spoiled import spoil


def check(folder):
    check_code(read_project(folder), folder)


def test_a_project_that_init_wrote_is_right(folder):
    check(folder)


@pytest.mark.parametrize(
    ("old", "new", "kind", "said"),
    [
        ("data:reports", "data:report", ProjectCodeError, "module 'data' has no 'report'"),
        ("data:reports", "date:reports", ProjectCodeError, "there is no module 'date'"),
        (":LogisticRegression", ":Logistic", ProjectCodeError, "has no 'Logistic'"),
        ("max_iter:", "max_iters:", ProjectCodeError, "unexpected keyword argument 'max_iters'"),
        ("C: {low", "CC: {low", ProjectCodeError, "unexpected keyword argument 'CC'"),
        ("row: [mean_radius", "row: [malignant", LeakError, "known only after the prediction"),
    ],
)
def test_what_is_wrong_with_code_stands_at_the_line_that_names_it(folder, old, new, kind, said):
    line = spoil(folder, (old, new))
    with pytest.raises(kind, match=said.replace("(", r"\(")) as error:
        check(folder)
    named = line if "keyword" not in said else spoil(folder, ("sklearn", "sklearn"))
    assert error.value.subject == f"homeostat.yaml:{named}"
    assert error.value.problem.startswith("'")


def test_a_module_that_raises_is_told_once_at_its_own_line(folder):
    line = spoil(folder, ("START = ", "START = 1 / 0 #"), file="data.py")
    with pytest.raises(ProjectCodeError) as error:
        check(folder)
    assert error.value.subject.endswith(f"data.py:{line}")


def test_mistakes_of_several_kinds_are_told_together_in_the_order_of_the_file(folder):
    spoil(folder, ("row: [mean_radius", "row: [malignant"), ("data:biopsies", "data:none"))
    with pytest.raises(ProjectError) as error:
        check(folder)
    assert error.value.problem.startswith("2 mistakes:")
    assert error.value.problem.index("[H103]") < error.value.problem.index("[H104]")


def test_lines_are_sorted_as_numbers():
    errors = [
        ColumnError("b", subject="homeostat.yaml:100"),
        ColumnError("a", subject="homeostat.yaml:9"),
    ]
    with pytest.raises(ProjectError) as error:
        together(errors)
    assert error.value.subject == "homeostat.yaml:9"


def test_no_errors_are_no_error():
    together([])
