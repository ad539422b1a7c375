import pytest

from homeostat.cli.check_data import check_data
from homeostat.domain.verdict import Verdict
from homeostat.errors import ColumnError, ProjectError
from homeostat.spec.load import read_project
from tests.unit.cli.spoiled import spoil


def check(place):
    return check_data(read_project(place), place, lambda _: None)


def test_each_source_is_read_once_and_checked(folder):
    samples = check(folder)
    assert [(s.source, s.verdict, s.good) for s in samples] == [
        ("biopsies", Verdict.PASS, True),
        ("reports", Verdict.PASS, True),
    ]
    assert samples[0].facts()["rows"] > 0


def test_a_delivery_that_fails_its_checks_says_why(folder):
    spoil(
        folder,
        ("mean_radius: {type: float, min: 1, max: 100}", "mean_radius: {type: float, max: 2}"),
    )
    bad, good = check(folder)
    assert bad.verdict is Verdict.FAIL
    assert not bad.good
    assert "mean_radius" in bad.findings[0]
    assert good.good


def test_a_source_that_cannot_be_read_is_an_answer_and_not_the_end(folder):
    spoil(
        folder,
        ('"""Reports that arrived in the window."""', 'raise OSError("away")'),
        file="data.py",
    )
    good, bad = check(folder)
    assert good.good
    assert bad.verdict is Verdict.ERROR
    assert "away" in bad.findings[0]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("row: [mean_radius", "row: [mean_radus", "do you mean 'mean_radius'?"),
        ("column: malignant", "column: malign", "do you mean 'malignant'?"),
        ("time: measured_at", "time: measured", "'events.time'"),
        ("measured_at}", "measured_at, entity: clinic}", "no column 'clinic'"),
        ("known_at: reported_at", "known_at: reported", "'sources.reports.known_at'"),
        ("by: random", "by: group, group: clinic", "'split.group'"),
    ],
)
def test_a_column_that_no_delivery_has_is_named_at_its_line(folder, old, new, said):
    line = spoil(folder, (old, new))
    with pytest.raises(ColumnError) as error:
        check(folder)
    assert error.value.subject == f"homeostat.yaml:{line}"
    assert said in error.value.problem


def test_all_missing_columns_are_told_together(folder):
    spoil(
        folder, ("row: [mean_radius", "row: [mean_radus"), ("column: malignant", "column: malign")
    )
    with pytest.raises(ProjectError, match="2 mistakes"):
        check(folder)


def test_features_are_computed_for_the_first_events(folder):
    spoil(folder, ("row: [", "derive: data:derived\n  derived: [ratio]\n  row: ["))
    code = folder / "data.py"
    code.write_text(code.read_text() + "\n\ndef derived(events):\n    return events.head(1)\n")
    with pytest.raises(ProjectError, match="lacks ratio"):
        check(folder)
