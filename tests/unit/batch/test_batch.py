"""Scoring tables: every row is scored or set aside, whatever happens on the way."""

import gzip
import json
import signal
import sqlite3
import subprocess
import sys
import time

import duckdb
import numpy as np
import polars as pl
import pytest

from homeostat.batch.job import Job, run_job
from homeostat.batch.read import chunks_of, table_of
from homeostat.errors import ColumnError, OrderError, SourceError
from homeostat.pipeline.scorer import load_scorer
from homeostat.spec.serving import Serving
from tests.served_gateway import ROW
from tests.served_project import served as served_project

ROWS = 5000


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return served_project(tmp_path_factory.mktemp("batch")).folder


@pytest.fixture(scope="module")
def scorer(folder):
    from homeostat.wiring import assemble

    wired = assemble(folder, executor="inline")
    champion = wired.engine.refresh().champion
    package = wired.blobs.get_tree(champion.candidate.package_digest)
    return load_scorer(package, trusted_digest=champion.digest)


def rows(count=ROWS):
    drawn = np.random.default_rng(1)
    columns = {name: value * drawn.uniform(0.5, 1.5, count) for name, value in ROW.items()}
    return pl.DataFrame({"id": [f"r{n}" for n in range(count)], **columns})


def job(tmp_path, scorer, table, output="out.parquet", **changes):
    settings = {"version": 1, "serving": Serving(), "kept": ("id",), "chunk_rows": 1000}
    settings |= changes
    out = tmp_path / output
    return Job(table, out, tmp_path / "rejects.parquet", scorer, **settings)


def run(made, resume=True):
    return run_job(made, resume=resume, progress=lambda _: None)


def parquet(tmp_path, frame, name="in.parquet"):
    frame.write_parquet(tmp_path / name)
    return table_of(str(tmp_path / name), None)


def test_every_row_is_scored_in_order(tmp_path, scorer):
    frame = rows()
    done = run(job(tmp_path, scorer, parquet(tmp_path, frame)))
    answers = pl.read_parquet(tmp_path / "out.parquet")
    assert (done.rows, done.rejected) == (ROWS, 0)
    assert answers["id"].to_list() == frame["id"].to_list()
    assert answers["prediction"].to_numpy() == pytest.approx(scorer.score(frame), abs=1e-12)
    assert answers["label"].to_list() == (answers["prediction"] >= 0.5).to_list()
    assert set(answers["version"]) == {1}
    assert not (tmp_path / "out.parquet.parts").exists()


def test_rows_that_cannot_be_scored_are_set_aside_with_their_reason(tmp_path, scorer):
    frame = rows().with_columns(
        worst_area=pl.when(pl.col("id") == "r7").then(float("inf")).otherwise(pl.col("worst_area"))
    )
    done = run(job(tmp_path, scorer, parquet(tmp_path, frame)))
    assert (done.rows, done.rejected) == (ROWS - 1, 1)
    assert pl.read_parquet(tmp_path / "rejects.parquet").to_dicts() == [
        {"row": 7, "field": "worst_area", "reason": "it is infinite"}
    ]
    assert "r7" not in pl.read_parquet(tmp_path / "out.parquet")["id"].to_list()


def test_text_in_a_number_column_costs_its_row_only(tmp_path, scorer):
    frame = rows(2500)
    text = frame.with_columns(pl.col("mean_radius").cast(pl.String))
    text = text.with_columns(
        mean_radius=pl.when(pl.col("id") == "r2100").then(pl.lit("wide")).otherwise("mean_radius")
    )
    text.write_csv(tmp_path / "in.csv")
    done = run(job(tmp_path, scorer, table_of(str(tmp_path / "in.csv"), None)))
    assert (done.rows, done.rejected) == (2499, 1)
    assert pl.read_parquet(tmp_path / "rejects.parquet")["row"].to_list() == [2100]


def test_nulls_are_rejected_where_that_is_declared(tmp_path, scorer):
    frame = rows(100).with_columns(
        mean_texture=pl.when(pl.col("id") == "r3").then(None).otherwise("mean_texture")
    )
    table = parquet(tmp_path, frame)
    assert run(job(tmp_path, scorer, table)).rejected == 0
    strict = job(tmp_path, scorer, table, serving=Serving(missing="reject"))
    assert run(strict).rejected == 1


def test_all_kinds_of_tables_give_the_same_answers(tmp_path, scorer):
    frame = rows(3000)
    frame.write_parquet(tmp_path / "in.parquet")
    frame.write_csv(tmp_path / "in.csv")
    (tmp_path / "in.csv.gz").write_bytes(gzip.compress((tmp_path / "in.csv").read_bytes()))
    (tmp_path / "many").mkdir()
    frame[:1700].write_parquet(tmp_path / "many" / "a.parquet")
    frame[1700:].write_parquet(tmp_path / "many" / "b.parquet")
    with duckdb.connect(str(tmp_path / "in.duckdb")) as connection:
        connection.register("given", frame.to_arrow())
        connection.execute("create table t as select * from given")
    connection = sqlite3.connect(tmp_path / "in.sqlite")
    connection.execute(f"create table t (id text, {' real, '.join(ROW)} real)")
    marks = ", ".join("?" * frame.width)
    connection.executemany(f"insert into t values ({marks})", frame.rows())
    connection.commit()
    connection.close()
    found = {}
    for name, query in [
        ("in.parquet", None), ("in.csv", None), ("in.csv.gz", None), ("many", None),
        ("many/*.parquet", None), ("in.duckdb", "select * from t"),
        ("in.sqlite", "select * from t"),
    ]:  # fmt: skip
        made = job(tmp_path, scorer, table_of(str(tmp_path / name), query))
        assert run(made).rows == 3000, name
        answers = pl.read_parquet(tmp_path / "out.parquet").sort("id")
        found[name] = answers["prediction"].to_numpy()
    for name, predictions in found.items():
        assert predictions == pytest.approx(found["in.parquet"], abs=1e-12), name


def test_chunks_have_the_height_that_was_asked_for(tmp_path):
    frame = rows(2500)
    frame.write_parquet(tmp_path / "in.parquet", row_group_size=333)
    chunks = chunks_of(table_of(str(tmp_path / "in.parquet"), None), ["id"], 1000)
    assert [chunk.height for chunk in chunks] == [1000, 1000, 500]


def test_a_table_without_rows_gives_an_output_without_rows(tmp_path, scorer):
    done = run(job(tmp_path, scorer, parquet(tmp_path, rows(0))))
    assert done.rows == 0
    answers = pl.read_parquet(tmp_path / "out.parquet")
    assert answers.height == 0
    assert {"id", "prediction", "version"} <= set(answers.columns)


def test_csv_out_has_one_header(tmp_path, scorer):
    run(job(tmp_path, scorer, parquet(tmp_path, rows(2500)), "out.csv"))
    lines = (tmp_path / "out.csv").read_text().splitlines()
    assert len(lines) == 2501
    assert sum(line.startswith("id,") for line in lines) == 1


@pytest.mark.parametrize(
    ("given", "query", "error"),
    [
        ("nowhere.parquet", None, SourceError),
        ("broken.parquet", None, SourceError),
        ("in.parquet", "select 1", SourceError),
        ("lacking.parquet", None, ColumnError),
    ],
)
def test_a_table_that_cannot_be_used_is_named_before_anything_is_written(
    tmp_path, scorer, given, query, error
):
    rows(10).write_parquet(tmp_path / "in.parquet")
    rows(10).drop("worst_area").write_parquet(tmp_path / "lacking.parquet")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 not really")
    before = set(tmp_path.iterdir())
    with pytest.raises(error) as caught:
        run(job(tmp_path, scorer, table_of(str(tmp_path / given), query)))
    assert caught.value.next_step
    assert set(tmp_path.iterdir()) == before


def test_parts_of_another_job_are_not_mixed_in(tmp_path, scorer):
    made = job(tmp_path, scorer, parquet(tmp_path, rows(2500)))
    made.parts.mkdir()
    (made.parts / "job.json").write_text("{}")
    with pytest.raises(OrderError, match="another job"):
        run(made)
    assert run(made, resume=False).rows == 2500


def test_finished_parts_are_not_scored_again(tmp_path, scorer, monkeypatch):
    from homeostat.batch import job as module

    made = job(tmp_path, scorer, parquet(tmp_path, rows(4500)))
    whole = run(made)
    expected = made.output.read_bytes()
    written = []

    def dies(job, number, scored):
        if number == 3:
            raise KeyboardInterrupt
        written.append(number)
        real(job, number, scored)

    real = module._write_part
    monkeypatch.setattr(module, "_write_part", dies)
    with pytest.raises(KeyboardInterrupt):
        run(made)
    monkeypatch.setattr(module, "_write_part", real)
    again = run(made)
    assert written == [0, 1, 2]
    assert again.resumed_rows == 3000
    assert again.output_digest == whole.output_digest
    assert made.output.read_bytes() == expected


CLI = [sys.executable, "-c", "from homeostat.cli.entry import main; main()", "batch"]


def test_a_killed_command_goes_on_and_gives_the_same_bytes(tmp_path, folder):
    rows(60_000).write_parquet(tmp_path / "in.parquet")
    given = [str(tmp_path / "in.parquet"), "--project", str(folder), "--chunk-rows", "1000"]
    whole = subprocess.run(
        [*CLI, *given, str(tmp_path / "whole.parquet"), "--json"], capture_output=True, check=True
    )
    assert json.loads(whole.stdout)["rows"] == 60_000
    command = [*CLI, *given, str(tmp_path / "killed.parquet"), "--json"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    parts = tmp_path / "killed.parquet.parts"
    while process.poll() is None and len(list(parts.glob("part-*"))) < 5:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert parts.exists(), "it was killed in the middle"
    assert not (tmp_path / "killed.parquet").exists()
    again = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert again["resumed_rows"] >= 5000
    assert (tmp_path / "killed.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()


def test_lineage_is_beside_the_output_and_in_the_ledger(tmp_path, folder):
    rows(50).write_parquet(tmp_path / "in.parquet")
    out = tmp_path / "out.parquet"
    command = [*CLI, str(tmp_path / "in.parquet"), str(out), "--project", str(folder), "--json"]
    facts = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    event = json.loads((tmp_path / "out.parquet.lineage.json").read_text())
    assert event["eventType"] == "COMPLETE"
    assert event["run"]["runId"] == facts["batch"]
    assert event["outputs"][0]["outputFacets"]["outputStatistics"]["rowCount"] == 50
    from homeostat.wiring import open_ledger

    entry = next(e for e in open_ledger(folder / ".homeostat").read() if e.seq == facts["entry"])
    assert entry.name == "Scored"
    assert entry.body["output_digest"] == facts["digest"]
