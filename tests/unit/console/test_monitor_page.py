"""The monitoring page: whole, escaped, and readable whatever is missing."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from homeostat.console.monitor_bars import MOST, bars, sentence
from homeostat.console.monitor_heat import rows
from homeostat.console.monitor_page import page_of
from homeostat.console.monitor_quality import quality_by_day
from homeostat.domain.monitor import (
    DayReport,
    FeatureReport,
    Histogram,
    JudgedReport,
    LostPoints,
    MetricReport,
    MonitorReport,
    SegmentReport,
)
from homeostat.domain.verdict import Verdict

UNTIL = datetime(2024, 3, 8, tzinfo=UTC)
DAY = timedelta(days=1)
EVIL = '<script>alert(1)</script> & "x" \u202e'


def feature(name="age", verdict=Verdict.PASS, **changes):
    made = FeatureReport(
        name, "number", verdict, 0.2, 0.05, 0.3, 0.01, 0.0, 0.4, 0.01, "",
        Histogram(("<= 1", "> 1", "null"), (0.5, 0.5, 0.0), (0.2, 0.7, 0.1)),
        (0.04, None, 0.2), (Verdict.PASS, Verdict.INCONCLUSIVE, verdict),
    )  # fmt: skip
    return replace(made, **changes)


def day(number, measured=0.7, estimated=0.72):
    known = measured is not None
    return DayReport(
        UNTIL - (7 - number) * DAY, 100, 90 if known else 0, measured,
        0.6 if known else None, 0.8 if known else None, estimated,
        None if estimated is None else 0.65, None if estimated is None else 0.78,
    )  # fmt: skip


def report(**changes):
    made = MonitorReport(
        model="tumours", version=3, since=UNTIL - 7 * DAY, until=UNTIL, made_at=UNTIL, rows=700,
        labelled=600, verdict=Verdict.FAIL, summary="1 of 2 features drifted: age.", health=71,
        lost=(LostPoints("drifted_weight", "drift", 12, "12 points: age drifted"),),
        distance="psi", reference="training", budget="one false alarm in 90d",
        features=(feature("size"), feature("age", Verdict.FAIL, p_value=1e-9)),
        prediction=feature("prediction", importance=0.0),
        looks=(UNTIL - 2 * DAY, UNTIL - DAY, UNTIL),
        metrics=(MetricReport("auc", False, 0.7, 0.6, 0.8, 600, 0.75, 0.72, 0.65, 0.78),
                 MetricReport("log_loss", True, None, None, None, 0, 0.5, None, None, None, "no")),
        days=tuple(day(n) for n in range(7)),
        segments=(SegmentReport("night", "hour >= 22", 40, None, None, None),),
        tests=(JudgedReport("adwin", Verdict.INCONCLUSIVE, None, None, None, "12 rows"),),
    )  # fmt: skip
    return replace(made, **changes)


def test_the_page_says_what_the_report_says():
    page = page_of(report(), fonts=False)
    assert page.startswith("<!doctype html>")
    for said in (
        "1 of 2 features drifted: age.",
        "71",
        "12 points: age drifted",
        "0.600 to 0.800",
        "night",
        "12 rows",
        "one false alarm in 90d",
        "&lt; 0.0001",
    ):
        assert said in page, said
    assert page.index('id="f1"') < page.index('id="f0"')  # what drifted comes first


def test_nothing_comes_from_outside_and_nothing_is_executed():
    page = page_of(report())
    assert not re.search(r"(src|href)=[\"']?https?:", page)
    assert "<script" not in page
    assert "url(http" not in page


def test_names_are_escaped_wherever_they_stand():
    strange = feature(EVIL, Verdict.FAIL, reason=EVIL,
                      histogram=Histogram((EVIL, "null"), (1.0, 0.0), (1.0, 0.0)))  # fmt: skip
    page = page_of(
        report(
            model=EVIL, summary=EVIL, features=(strange,),
            segments=(SegmentReport(EVIL, EVIL, 1, None, None, None),),
            tests=(JudgedReport(EVIL, Verdict.FAIL, 1.0, None, None, EVIL),),
            lost=(LostPoints(EVIL, "drift", 3, EVIL),),
        ),
        fonts=False,
    )  # fmt: skip
    assert "<script" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize(
    "changes",
    [
        {"features": (), "prediction": None, "looks": ()},
        {"metrics": (), "days": (), "segments": (), "tests": (), "health": None, "lost": ()},
        {"days": tuple(day(n, None, None) for n in range(7))},
        {"days": (day(0),), "looks": (UNTIL,), "prediction": None,
         "features": (feature(trend=(0.1,), alarms=(Verdict.PASS,)),)},
        {"rows": 0, "labelled": 0, "verdict": Verdict.INCONCLUSIVE,
         "features": (feature(verdict=Verdict.INCONCLUSIVE, distance=None, typical=None,
                              p_value=None, null_share=None, explained=None, reason="no rows"),)},
    ],
)  # fmt: skip
def test_whatever_is_missing_the_page_is_whole(changes):
    page = page_of(report(**changes), fonts=False)
    assert page.rstrip().endswith("</html>")
    assert "None" not in page
    assert "nan" not in re.sub(r"[a-z-]*nan[a-z]+", "", page.lower())


def test_many_features_fold():
    page = page_of(report(features=tuple(feature(f"f{n:03d}") for n in range(200))), fonts=False)
    assert "171 more features" in page
    assert page.count('class="frow') == 201


def test_the_measured_days_are_dots_and_the_foretold_ones_a_band():
    figure = quality_by_day(report(days=tuple(day(n, estimated=None if n == 3 else 0.7)
                                              for n in range(7))))  # fmt: skip
    assert len(figure.marks) == 7
    assert figure.band.count("Z") == 2
    assert figure.marks[0].upper < figure.marks[0].top < figure.marks[0].lower
    assert quality_by_day(report(days=(day(0, None, None),))) is None


def test_bars_leave_out_empty_nulls_and_the_smallest_of_many():
    few = bars(feature(histogram=Histogram(("a", "other", "null"), (1.0, 0.0, 0.0), (1.0, 0, 0))))
    assert [bar.label for bar in few.bars] == ["a"]
    labels = tuple(f"c{n}" for n in range(52))
    shares = tuple(n / 1000 for n in range(52))
    many = bars(feature(kind="category", histogram=Histogram(labels, shares, shares)))
    assert len(many.bars) == MOST
    assert many.hidden == 52 - MOST
    assert many.bars[-1].window == 100


def test_rows_come_with_what_drifted_first_then_by_importance():
    made = rows(report(features=(feature("a", importance=0.1), feature("b", importance=0.9),
                                 feature("c", Verdict.FAIL, importance=0.0))))  # fmt: skip
    assert [row.feature.name for row in made] == ["prediction", "c", "b", "a"]
    assert [cell.level for cell in made[1].cells] == [0, -1, 3]


def test_the_sentence_says_how_surprising():
    assert "in 30.00% of looks" in sentence(feature(), "PSI")
    drifted = sentence(feature(verdict=Verdict.FAIL, p_value=1e-9), "PSI")
    assert "fewer than 1 of 10,000 looks" in drifted
    assert "+0.0100" in drifted
    unknown = sentence(feature(p_value=None, reason="too short"), "PSI")
    assert unknown.endswith("What is chance is not known: too short.")
