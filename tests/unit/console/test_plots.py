import itertools
from dataclasses import replace
from datetime import timedelta

from homeostat.console import story
from homeostat.console.axes import TimeAxis
from homeostat.console.drift_plot import HEATED, drift_plot
from homeostat.console.judged_plot import judged_plot, judged_sentence, verdict
from homeostat.console.lanes import disturbed_spans, lanes
from homeostat.console.quality_plot import quality_plots
from homeostat.domain.backtest import Decision, Drift, Gap, Happening
from tests.golden.sample import END, START, at, bare, year

AXIS = TimeAxis(START, END)


def lane(result, name: str):
    return next(each for each in lanes(result, AXIS) if each.name == name)


def test_the_champion_lane_follows_the_tenures_without_gap():
    spans = lane(year(), "champion").spans
    for before, after in itertools.pairwise(spans):
        assert abs(before.left + before.width - after.left) < 0.01
    assert abs(spans[-1].left + spans[-1].width - 100) < 0.01
    assert [span.label for span in spans][-1] == "v8"


def test_each_refusal_promotion_and_rollback_has_its_mark():
    result = year()
    symbols = [mark.symbol for mark in lane(result, "decisions").marks]
    kinds = [decision.kind for decision in result.decisions]
    for kind in (Happening.PROMOTION, Happening.REFUSAL, Happening.ROLLBACK):
        assert symbols.count(str(kind)) == kinds.count(kind) > 0


def test_an_alert_lasts_until_it_is_closed_or_to_the_end():
    result = year()
    (span,) = lane(result, "alerts").spans
    assert abs(span.width - AXIS.width(at(6, 10), at(6, 13))) < 0.01
    late = Decision(at(12, 1), Happening.ALERT, "other", "Alert other", "", 9999)
    (_, still) = lane(replace(result, decisions=(*result.decisions, late)), "alerts").spans
    assert abs(still.left + still.width - 100) < 0.01


def test_a_short_disturbance_can_still_be_seen():
    result = year()
    short = replace(result.disturbed[0], until=result.disturbed[0].since + timedelta(minutes=1))
    (span,) = disturbed_spans(replace(result, disturbed=(short,)), AXIS)
    assert span.width >= 0.3


def test_nothing_served_means_no_lanes_and_no_plots():
    assert lanes(bare(), AXIS) == ()
    assert quality_plots(bare(), AXIS) == ()
    assert drift_plot(bare(), AXIS) is None
    assert judged_plot(bare()).rows == ()


def test_end_labels_do_not_overlap():
    for plot in quality_plots(year(), AXIS):
        tops = sorted(line.end_top for line in plot.lines)
        assert min(b - a for a, b in itertools.pairwise(tops)) > 6


def test_the_heat_map_shows_the_features_that_drifted_most():
    result = year()
    many = {f"f{n:02d}": tuple(n / 10 for _ in result.drift.at) for n in range(30)}
    plot = drift_plot(replace(result, drift=replace(result.drift, features=many)), AXIS)
    assert [row.feature for row in plot.rows] == [f"f{n}" for n in range(29, 29 - HEATED, -1)]
    assert plot.hidden == 30 - HEATED


def test_one_sample_of_drift_is_enough():
    drift = Drift((at(4, 1),), (0.3,), (0.5,), {"x": (0.3,)})
    plot = drift_plot(replace(year(), drift=drift), AXIS)
    assert len(plot.rows[0].cells) == 1


def test_an_interval_that_holds_zero_is_no_clear_difference():
    review = year().reviews[0]
    assert verdict(replace(review, low=-0.1, high=0.1)) == "no clear difference"
    assert verdict(replace(review, low=0.1, high=0.2)) == "better"
    assert verdict(replace(review, low=-0.2, high=-0.1)) == "worse"
    assert replace(review, low=-0.2, high=-0.1).worse
    assert verdict(replace(review, low=None, high=None)) == "not judged"


def test_the_sentence_counts_promotions_and_not_rollbacks():
    assert judged_sentence(year()).startswith("7 promotions: ")
    assert judged_sentence(bare()) == "No version replaced another."


def test_the_headline_says_how_it_came_out_whichever_way():
    result = year()
    assert story.headline(result).startswith("Kept at 0.746 AUC. Left alone")
    lost = replace(result, gaps=(Gap("never", -0.02, -0.03, -0.01, 10, 8),))
    assert "left alone, it would have held 0.712" in story.headline(lost)
    assert story.headline(replace(result, curves=result.curves[:1])) == (
        "flight-delay held 0.746 AUC on average."
    )
    assert "never compared" in story.headline(bare())
