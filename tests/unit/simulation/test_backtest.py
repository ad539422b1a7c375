"""One whole back-test of a tiny project: the loop, both baselines, the scenario, the record."""

from datetime import UTC, datetime, timedelta

import pytest

from homeostat.console.report import render_report
from homeostat.domain.backtest import Handling, Happening
from homeostat.domain.codec import from_builtins
from homeostat.domain.entry import verified
from homeostat.domain.projection import project as fold
from homeostat.errors import OrderError, ProjectFileError
from homeostat.simulation.backtest import run_backtest
from homeostat.simulation.fresh_state import MARK
from homeostat.wiring import open_ledger
from tests.unit.simulation.projects import tiny_project

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("backtest")]
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    place = tmp_path_factory.mktemp("backtest")
    folder = tiny_project(place / "tiny")
    heard = []
    result = run_backtest(
        folder, place / "state", scenario=folder / "scenario.yaml", progress=heard.append
    )
    return result, place / "state", heard


def test_all_recorded_days_are_replayed(ran):
    result, _, heard = ran
    assert result.since == datetime(2024, 1, 1, tzinfo=UTC)
    assert result.until == datetime(2024, 2, 20, tzinfo=UTC)
    assert result.tally.events == 50 * 24
    days = {progress.at for progress in heard if progress.stage == "replay"}
    assert len(days) == 50
    assert heard[-1].stage == "judge"


def test_every_event_after_the_first_promotion_is_answered(ran):
    result, _, _ = ran
    served = result.until - result.first_served_at
    assert result.tally.predictions == served / DAY * 24


def test_three_curves_stand_on_the_same_rows_and_begin_with_the_same_model(ran):
    result, _, _ = ran
    rows = [[(p.since, p.rows) for p in curve.weekly] for curve in result.curves]
    assert [curve.name for curve in result.curves] == ["loop", "never", "weekly"]
    assert rows[0] == rows[1] == rows[2]
    assert sum(number for _, number in rows[0]) == result.tally.labelled
    assert result.curve("never").trained_at == (result.first_served_at,)
    assert result.curve("weekly").trained_at[0] == result.first_served_at
    never, weekly = (result.curve(name).weekly[0].value for name in ("never", "weekly"))
    assert never == weekly  # the first champion answers the first week of both


def test_the_loop_is_better_than_never_retraining_where_the_world_turns(ran):
    result, _, _ = ran
    assert result.gap("never").low > 0


def test_each_disturbance_was_handled_and_the_ledger_says_how(ran):
    result, state, _ = ran
    entries = {entry.seq: entry for entry in open_ledger(state).read()}
    assert [each.handling for each in result.disturbed] == [Handling.HANDLED] * 3
    empty, renamed, shuffled = result.disturbed
    assert empty.noticed_at == datetime(2024, 1, 26, tzinfo=UTC)
    assert empty.recovered_at == datetime(2024, 1, 28, tzinfo=UTC)
    assert empty.answered >= 48
    assert [entries[seq].name for seq in renamed.entries] == [
        "Quarantine", "Alert", "Accept", "Resolve",
    ]  # fmt: skip
    assert [entries[seq].name for seq in shuffled.entries] == ["Train", "Refuse"]


def test_the_change_of_champion_is_judged_on_what_came_after_it(ran):
    result, _, _ = ran
    (review,) = result.reviews
    assert review.kind is Happening.PROMOTION
    assert (review.version, review.replaced) == (2, 1)
    assert review.difference > 0
    assert review.rows > 300
    assert not review.worse


def test_the_state_is_whole_and_other_commands_can_use_it(ran):
    result, state, _ = ran
    ledger = open_ledger(state)
    recorded = fold(verified(ledger.read()))
    assert recorded.head == result.ledger_head
    assert recorded.champion.number == result.champion
    assert recorded.position == result.tally.entries
    ledger.acquire("somebody else", datetime(2100, 1, 1, tzinfo=UTC), datetime.now(UTC))


def test_the_kept_result_is_read_back_as_it_was(ran):
    import json

    result, state, _ = ran
    kept = from_builtins(json.loads((state / MARK).read_bytes()), type(result))
    assert kept == result


def test_the_report_is_drawn_from_it(ran):
    page = render_report(ran[0], fonts=False)
    assert "x-empty" in page
    assert result_line(ran[0]) in page


def result_line(result) -> str:
    return f"{result.curve('loop').mean:.4f}"


def test_a_second_run_into_the_same_state_is_refused(ran, tmp_path):
    with pytest.raises(OrderError, match="overwrite"):
        run_backtest(tiny_project(tmp_path), ran[1])


def test_mistakes_are_named_before_anything_is_made(tmp_path):
    folder, state = tiny_project(tmp_path / "tiny"), tmp_path / "state"
    with pytest.raises(OrderError, match="no baseline 'monthly'"):
        run_backtest(folder, state, compare=("monthly",))
    with pytest.raises(OrderError, match="before it begins"):
        run_backtest(folder, state, until=datetime(2023, 1, 1, tzinfo=UTC))
    with pytest.raises(ProjectFileError, match="no such file"):
        run_backtest(folder, state, scenario=folder / "none.yaml")
    text = (folder / "homeostat.yaml").read_text()
    (folder / "homeostat.yaml").write_text(text.replace('start: "2024-01-01"\n', ""))
    with pytest.raises(OrderError, match="where the recorded data begin"):
        run_backtest(folder, state)
    posted = "labels: {posted: true, known_at: known}"
    (folder / "homeostat.yaml").write_text(
        text.replace("labels: {load: data:labels, known_at: known}", posted)
    )
    with pytest.raises(OrderError, match="nothing is recorded to replay"):
        run_backtest(folder, state)
    assert not state.exists()
