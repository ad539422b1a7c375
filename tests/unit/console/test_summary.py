import io
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from homeostat.console.backtest_progress import counts, shown_progress, when
from homeostat.console.summary import print_summary
from homeostat.domain.backtest import Handling, Progress
from tests.golden.sample import at, bare, year


def printed(result, report=None) -> str:
    target = io.StringIO()
    print_summary(result, Console(file=target, width=120, highlight=False), report)
    return target.getvalue()


def test_it_names_the_numbers_each_disturbance_the_report_and_what_to_type():
    result = year()
    text = printed(result, Path("build/report.html"))
    for said in ("0.7456", "+0.0337", "weather goes dark", "handled", "build/report.html"):
        assert said in text
    for command in (result.commands.serve, result.commands.why, result.commands.verify):
        assert command in text.replace("\n", "")


def test_what_was_missed_is_said():
    result = year()
    missed = replace(result.disturbed[0], handling=Handling.MISSED, verdict="It was used.")
    assert "missed: It was used." in printed(replace(result, disturbed=(missed,)))


def test_when_nothing_served_there_is_nothing_to_serve():
    text = printed(replace(bare(), notes=("The baselines could not be computed: x",)))
    assert "homeostat up" not in text
    assert "ledger verify" in text
    assert "could not be computed" in text


PROGRESS = Progress("replay", 0.5, at(7, 1), "train", 3, 1234, 5, 2, 1, 1, 4)


def test_progress_says_the_day_who_serves_and_what_happened():
    assert when(PROGRESS) == "01 Jul 2013"
    said = counts(PROGRESS)
    for word in ("v3", "1,234 answers", "5 trainings", "1 refused", "4 quarantined", "train"):
        assert word in said
    assert "no version yet" in counts(Progress("replay", 0.0, at(1, 1)))
    assert when(Progress("judge", 0.0, at(1, 1))) == "judging"


def test_silent_progress_draws_nothing(capsys):
    with shown_progress(silent=True) as tell:
        tell(PROGRESS)
    assert capsys.readouterr() == ("", "")


def test_shown_progress_goes_to_standard_error_and_takes_any_stage(capsys):
    with shown_progress() as tell:
        tell(PROGRESS)
        tell(replace(PROGRESS, stage="baselines", baseline_share=0.4))
        tell(replace(PROGRESS, stage="judge"))
    assert capsys.readouterr().out == ""
