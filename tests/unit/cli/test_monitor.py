"""``homeostat monitor`` on a served project: healthy traffic, and traffic that moved."""

import json
from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from homeostat.cli.main import app
from homeostat.errors import OrderError
from homeostat.monitoring.evidence import LogEvidence
from homeostat.monitoring.training_rows import training_rows
from homeostat.pipeline.references import loss_reader
from homeostat.pipeline.scorer import load_scorer
from tests.served_project import served

ROWS = 1_500


def log_week(wired, change=lambda rows: rows, rows=ROWS):
    """A week of answers to rows like those the champion learned from; the time it is now."""
    champion = wired.engine.refresh().champion
    package = wired.blobs.get_tree(champion.candidate.package_digest)
    scorer = load_scorer(package, trusted_digest=champion.digest)
    known = training_rows(wired.project, wired.blobs, champion).rows
    picked = np.random.default_rng(3).integers(known.height, size=rows)
    inputs = change(known[picked].select(wired.project.features.names))
    now = wired.clock.now()
    at = [now - timedelta(days=7) + n * timedelta(days=6.9) / rows for n in range(rows)]
    wired.log.append(
        pl.DataFrame({
            "id": [f"p{n}" for n in range(rows)], "event": [f"e{n}" for n in range(rows)],
            "at": pl.Series(at, dtype=pl.Datetime("us", "UTC")), "model": "tumours",
            "version": champion.number, "digest": champion.digest, "arm": "champion",
            "entity": "", "prediction": scorer.score(inputs), "latency_ms": 0.1,
            "flags": pl.Series([[]] * rows, dtype=pl.List(pl.String)),
            "inputs": inputs.to_struct("inputs"),
        })
    )  # fmt: skip
    return now


@pytest.fixture
def wired(tmp_path):
    return served(tmp_path).wired()


def monitored(wired, *arguments):
    done = CliRunner().invoke(
        app, ["monitor", "-p", str(wired.folder), *arguments], standalone_mode=False
    )
    if done.exception is not None:
        raise done.exception
    return done.return_value, done.stdout


def test_healthy_traffic_passes_and_is_foretold(wired):
    log_week(wired)
    code, out = monitored(wired, "--json")
    found = json.loads(out)
    assert ROWS - 2 <= found["rows"] <= ROWS
    assert not [one for one in found["features"] if one["verdict"] == "fail"]
    auc = found["metrics"][0]
    assert auc["name"] == "auc"
    assert auc["measured"] is None
    assert auc["estimated_low"] <= auc["estimated"] <= auc["estimated_high"]
    assert len(found["days"]) in (7, 8)
    assert sum(day["predictions"] for day in found["days"]) == found["rows"]
    shares = found["features"][0]["histogram"]["window"]
    assert sum(shares) == pytest.approx(1)
    assert code == (3 if found["verdict"] == "fail" else 0)


def test_a_feature_that_moved_is_named_and_the_exit_status_says_so(wired):
    moved = pl.col("worst_area") * 3
    log_week(wired, lambda rows: rows.with_columns(worst_area=moved))
    code, out = monitored(wired, "--json")
    found = json.loads(out)
    drifted = [one["name"] for one in found["features"] if one["verdict"] == "fail"]
    assert drifted == ["worst_area"]
    assert code == 3
    (one,) = [one for one in found["features"] if one["name"] == "worst_area"]
    assert one["distance"] > one["typical"]
    assert one["explained"] is not None
    code, text = monitored(wired)
    assert code == 3
    assert "worst_area" in text
    assert "drifted" in text


def test_the_page_is_written_whole(wired, tmp_path):
    log_week(wired)
    page = tmp_path / "deep" / "report.html"
    monitored(wired, "--html", str(page))
    text = page.read_text()
    assert text.startswith("<!doctype html>")
    assert "worst_area" in text
    assert "http" not in text.replace("http://www.w3.org", "")


def test_an_empty_window_is_inconclusive(wired):
    code, out = monitored(wired, "--json", "--window", "2d")
    found = json.loads(out)
    assert (code, found["rows"], found["verdict"]) == (0, 0, "inconclusive")


def test_before_anything_served_the_error_says_what_to_do(wired):
    with pytest.raises(OrderError, match="no version served"):
        monitored(wired, "--window", "2020-01-01..2020-02-01")


def test_signals_judge_the_window_at_the_look(wired):
    now = log_week(wired, lambda rows: rows.with_columns(worst_area=pl.col("worst_area") * 3))
    evidence = LogEvidence(wired.project, wired.blobs, wired.log, reader=loss_reader)
    signals = evidence.signals(wired.engine.refresh(), now + timedelta(days=1))
    assert signals["drifted"].value == 1
    assert 0 < signals["drifted_weight"].value < 1
    assert signals["drift_p.worst_area"].value < 1 / 90
    assert signals["drift_p.mean_texture"].value > 1 / 90
    assert signals["drifted"].at == signals["drifted"].at.replace(
        hour=0, minute=0, second=0, microsecond=0
    )
