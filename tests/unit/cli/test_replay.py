import json
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from typer.testing import CliRunner

from homeostat.cli.main import app
from homeostat.cli.replay import span_of
from homeostat.errors import OrderError
from homeostat.monitoring.redaction import KEY_BYTES, Redaction
from homeostat.pipeline.golden import read_golden
from tests.served_project import served

NOW = datetime(2024, 1, 2, tzinfo=UTC)


@pytest.fixture
def traffic(tmp_path):
    """A project, and the log of what its champion has answered."""
    project = served(tmp_path)
    wired = project.wired()
    wired.engine.settle(wired.clock.now())
    package = wired.blobs.get_tree(wired.engine.recorded.champion.candidate.package_digest)
    rows = read_golden(package)[0]
    names = pl.Series(wired.project.events.id, [f"e{n}" for n in range(rows.height)])
    answers = wired.host.predict(rows.with_columns(names))
    return project.folder, wired, answers


def told(folder, *arguments):
    done = CliRunner().invoke(
        app, ["replay", "-p", str(folder), "--json", *arguments], standalone_mode=False
    )
    if done.exception is not None:
        raise done.exception
    return done.return_value, json.loads(done.stdout)


def logged_again(wired, change):
    """Log the newest rows once more, changed, under other ids."""
    now = wired.clock.now()
    rows = wired.log.read(now - timedelta(hours=1), now)
    wired.log.append(change(rows.with_columns(pl.col("id") + "x")))


def test_a_logged_prediction_is_what_its_version_answers(traffic):
    folder, _, answers = traffic
    code, facts = told(folder, "--id", answers["id"][3])
    assert (code, facts["equal"], facts["difference"]) == (0, True, 0.0)
    assert facts["logged"] == facts["again"] == answers["prediction"][3]


def test_a_prediction_that_was_altered_in_the_log_is_not_equal(traffic):
    folder, wired, answers = traffic
    logged_again(wired, lambda rows: rows.with_columns(pl.col("prediction") / 2 + 0.01))
    code, facts = told(folder, "--id", answers["id"][3] + "x")
    assert (code, facts["equal"], facts["reason"]) == (3, False, "the answers differ")
    done = CliRunner().invoke(
        app, ["replay", "-p", str(folder), "--id", answers["id"][3] + "x"], standalone_mode=False
    )
    assert (done.return_value, "not equal: the answers differ" in done.stdout) == (3, True)


def test_a_prediction_with_a_redacted_input_says_so(traffic):
    folder, wired, answers = traffic
    personal = {"mean_radius": "hash", "mean_texture": "drop"}
    declared = folder / "homeostat.yaml"
    declared.write_text(
        declared.read_text() + "\nserving: {log: {personal: " + json.dumps(personal) + "}}\n"
    )
    logged_again(wired, Redaction(personal, bytes(KEY_BYTES)).frame)
    code, facts = told(folder, "--id", answers["id"][3] + "x")
    assert (code, facts["again"], facts["equal"]) == (3, None, False)
    assert facts["redacted"] == ["mean_radius", "mean_texture"]
    assert facts["reason"] == "redacted in the log: mean_radius, mean_texture"
    _, window = told(folder, "--window", "1h")
    assert (window["rows"], window["redacted"]) == (answers.height, answers.height)


def test_an_unknown_id_and_an_unknown_version_are_errors(traffic):
    folder, _, _ = traffic
    with pytest.raises(OrderError, match="does not have it"):
        told(folder, "--id", "nobody")
    with pytest.raises(OrderError, match="no version 7"):
        told(folder, "--window", "1h", "--version", "v7")


def test_any_version_is_scored_on_past_traffic(traffic, tmp_path):
    folder, wired, answers = traffic
    shadow = pl.lit("shadow").alias("arm")
    logged_again(wired, lambda rows: rows.with_columns(shadow))
    out = tmp_path / "rows.parquet"
    _, facts = told(folder, "--window", "1h", "--version", "v1", "--out", str(out))
    (one,) = facts["by_version"]
    assert (facts["rows"], one["rows"], one["changed"]) == (answers.height, answers.height, 0.0)
    assert one["correlation"] == pytest.approx(1.0)
    assert one["largest_difference"] < 1e-6
    assert sorted(pl.read_parquet(out)["id"]) == sorted(answers["id"])
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["rows.parquet"]


def test_a_window_without_traffic_is_empty_and_no_error(traffic):
    folder, _, _ = traffic
    _, facts = told(folder, "--window", "2001-01-01..2001-01-02")
    assert (facts["rows"], facts["by_version"]) == (0, [])


@pytest.mark.parametrize(
    "arguments", [[], ["--id", "x", "--window", "1h"], ["--id", "x", "--version", "v1"]]
)
def test_one_prediction_or_a_window_but_not_both(tmp_path, arguments):
    with pytest.raises(OrderError, match="either --id"):
        told(tmp_path, *arguments)


def test_a_window_is_a_duration_until_now_or_two_times():
    assert span_of("24h", NOW) == (NOW - timedelta(days=1), NOW)
    assert span_of("2024-01-01..2024-01-01T06:00", NOW) == (
        datetime(2024, 1, 1, tzinfo=UTC),
        datetime(2024, 1, 1, 6, tzinfo=UTC),
    )
    assert span_of("2024-01-01..", NOW) == (datetime(2024, 1, 1, tzinfo=UTC), NOW)
    for wrong in ("yesterday", "0h", "2024-01-02..2024-01-01", "..2024-01-01"):
        with pytest.raises(OrderError):
            span_of(wrong, NOW)
