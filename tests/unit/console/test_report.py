from dataclasses import replace

import pytest

from homeostat.console.report import render_report, write_report
from homeostat.domain.backtest import Decision, Handling, Happening
from homeostat.errors import DiskFullError
from tests.golden.sample import at, year


def page(result) -> str:
    return render_report(result, fonts=False)


def test_what_came_from_outside_is_escaped():
    evil = "<script>alert(1)</script>"
    result = year()
    decision = Decision(at(5, 1), Happening.ALERT, evil, evil, f'"{evil}', 77)
    disturbed = replace(result.disturbed[0], name=evil, story=(evil,) * 4, injected=evil)
    text = page(
        replace(
            result,
            model=evil,
            owner=evil,
            description=evil,
            decisions=(decision,),
            disturbed=(disturbed,),
            drift=replace(result.drift, features={evil: result.drift.psi_max}),
            notes=(evil,),
        )
    )
    assert evil not in text
    assert "&lt;script&gt;" in text


def test_without_baselines_there_is_one_line_and_no_comparison():
    result = year()
    text = page(replace(result, curves=result.curves[:1], gaps=()))
    assert "not computed" in text
    assert 'class="line never"' not in text
    assert 'class="line loop"' in text


def test_a_missed_disturbance_is_called_missed():
    result = year()
    missed = replace(result.disturbed[0], handling=Handling.MISSED, noticed_at=None)
    text = page(replace(result, disturbed=(missed, *result.disturbed[1:])))
    assert "2 of 3" in text
    assert 'class="badge missed">missed' in text
    assert "never" in text


def test_a_month_without_a_value_breaks_the_line():
    result = year()
    loop = result.curves[0]
    months = list(loop.monthly)
    months[4] = replace(months[4], value=None)
    text = page(replace(result, curves=(replace(loop, monthly=tuple(months)),)))
    line = next(part for part in text.split('class="line loop" d="')[1:]).split('"')[0]
    assert line.count("M") == 2


def test_a_feature_without_drift_data_is_hatched():
    assert 'class="hx"' in page(year())


def test_the_file_is_written_whole_and_replaces_an_older_one(tmp_path):
    path = tmp_path / "deep" / "report.html"
    write_report(year(), path)
    first = path.read_bytes()
    assert first == render_report(year()).encode()
    path.write_text("old")
    write_report(year(), path)
    assert path.read_bytes() == first
    assert [each.name for each in path.parent.iterdir()] == ["report.html"]


def test_a_full_disk_leaves_the_old_report_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    path.write_text("old")

    def full(_):
        raise OSError(28, "no space left on device")

    monkeypatch.setattr("homeostat.console.page.os.fsync", full)
    with pytest.raises(DiskFullError, match="no space left"):
        write_report(year(), path)
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["report.html"]
