import json
import sqlite3
import sys

import pytest

from homeostat.cli.entry import main
from homeostat.cli.watch import keep_health
from homeostat.monitoring import health_file
from tests.served_project import served


@pytest.fixture
def project(tmp_path):
    return served(tmp_path)


@pytest.fixture
def call(monkeypatch, capsys):
    """Run the command line; exit status, standard output, standard error."""

    def called(*arguments):
        monkeypatch.setattr(sys, "argv", ["homeostat", *map(str, arguments)])
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = stop.code or 0
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return called


def as_json(answer):
    code, out, err = answer
    assert code == 0, err
    return json.loads(out)


def test_status_says_what_serves(project, call):
    found = as_json(call("status", "--project", project.folder, "--json"))
    assert found["model"] == "tumours"
    assert found["champion"]["version"] == 1
    assert found["sources"]["biopsies"]["quarantined"] == 0
    _, out, _ = call("status", "-p", project.folder)
    assert "v1" in out


def test_status_shows_the_health_that_a_running_loop_found(project, call):
    file = project.folder / ".homeostat" / "gateway" / health_file.NAME
    assert as_json(call("status", "-p", project.folder, "--json"))["health"] is None
    wired = project.wired()
    wired.engine.refresh()
    keep_health(wired, wired.clock.now())
    assert health_file.read(file, wired.clock.now()) is not None
    found = as_json(call("status", "-p", project.folder, "--json"))["health"]
    assert 0 < found["score"] < 100
    _, out, _ = call("status", "-p", project.folder)
    assert f"health {found['score']} of 100" in out
    assert f"-{found['lost'][0]['points']} {found['lost'][0]['part']}: " in out


def test_status_gives_the_same_through_typer_and_at_once(project, call):
    from homeostat.cli.main import main as typer_main

    _, quick, _ = call("status", "-p", project.folder, "--json")
    assert main is not typer_main
    _, out, _ = call("status", "--json", "-p", project.folder)
    assert json.loads(quick) == json.loads(out)


def test_without_state_the_error_says_what_to_do(tmp_path, call):
    code, out, _ = call("status", "-p", tmp_path, "--json")
    assert code == 1
    assert json.loads(out)["code"] == "H600"
    assert "homeostat run" in json.loads(out)["next_step"]


def test_runs_and_versions_are_listed(project, call):
    (run,) = as_json(call("runs", "-p", project.folder, "--json"))
    assert run["status"] == "finished"
    (version,) = as_json(call("versions", "-p", project.folder, "--json"))
    assert version["version"] == 1
    assert len(version["tenures"]) == 1
    assert "v1" in call("versions", "-p", project.folder)[1]


@pytest.mark.parametrize("name", ["champion", "v1", "1", "run-0001"])
def test_why_goes_from_the_order_to_the_outcome(project, call, name):
    chain = as_json(call("why", name, "-p", project.folder, "--json"))
    stations = [link["station"] for link in chain["links"]]
    assert stations == ["order", "policy", "run", "gate", "rollout", "outcome"]
    assert any("auc" in detail for link in chain["links"] for detail in link["details"])


def test_why_of_an_entry_shows_its_evidence(project, call):
    entries = as_json(call("ledger", "show", "-p", project.folder, "--json", "--last", "500"))
    train = next(e for e in entries if e["name"] == "Train")
    chain = as_json(call("why", f"e{train['seq']}", "-p", project.folder, "--json"))
    assert [link["station"] for link in chain["links"]] == ["order", "policy"]


@pytest.mark.parametrize("name", ["v9", "run-9999", "e999999", "nonsense", "e0"])
def test_why_of_nothing_is_a_typed_error(project, call, name):
    assert call("why", name, "-p", project.folder)[0] == 1


def test_served_says_who_answered_when(project, call):
    now = as_json(call("served", "--at", "2100-01-01", "-p", project.folder, "--json"))
    assert now["version"] == 1
    assert now["arms"][0]["share"] == 1.0
    before = as_json(call("served", "--at", "2000-01-01", "-p", project.folder, "--json"))
    assert before["version"] is None
    assert call("served", "--at", "yesterday", "-p", project.folder)[0] == 1


def test_pause_and_resume_are_kept_with_their_reason(project, call):
    done = as_json(call("pause", "--why", "holiday", "-p", project.folder, "--json"))
    assert done["done"]
    paused = as_json(call("status", "-p", project.folder, "--json"))
    assert paused["paused_by"]
    as_json(call("resume", "-p", project.folder, "--json"))
    assert as_json(call("status", "-p", project.folder, "--json"))["paused_by"] is None


def test_what_people_write_is_shown_as_written(project, call):
    as_json(call("pause", "--why", "[/odd] [red]", "-p", project.folder, "--json"))
    for command in (("status",), ("ledger", "show"), ("runs",), ("served", "--at", "2100-01-01")):
        code, _, err = call(*command, "-p", project.folder)
        assert code == 0, err
    assert "[/odd] [red]" in call("status", "-p", project.folder)[1]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("promote", "v1"), "H600"),
        (("promote", "v7"), "H601"),
        (("promote", "latest"), "H601"),
        (("rollback",), "H600"),
    ],
)
def test_an_order_that_cannot_be_done_is_refused(project, call, arguments, code):
    status, out, _ = call(*arguments, "-p", project.folder, "--json")
    assert status == 1
    assert json.loads(out)["code"] == code


def test_ledger_verify_passes_and_names_the_entry_that_was_changed(project, call):
    assert as_json(call("ledger", "verify", "-p", project.folder, "--json"))["intact"]
    database = sqlite3.connect(project.folder / ".homeostat" / "state.db")
    for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
        database.execute(f"DROP TRIGGER {name}")
    (body,) = database.execute("SELECT body FROM entries WHERE seq = 5").fetchone()
    changed = body.replace('"', "'", 1) if isinstance(body, str) else body[:-2] + b"1}"
    database.execute("UPDATE entries SET body = ? WHERE seq = 5", (changed,))
    database.commit()
    database.close()
    status, out, _ = call("ledger", "verify", "-p", project.folder, "--json")
    assert status == 1
    assert json.loads(out)["code"] == "H405"
    assert "5" in json.loads(out)["subject"]


def test_reproduce_says_at_which_level_it_is_equal(project, call):
    found = as_json(call("reproduce", "champion", "-p", project.folder, "--json"))
    assert found["level"] == "bytes"


def test_check_reads_the_first_delivery_of_each_source(project, call):
    found = as_json(call("check", "--data", "-p", project.folder, "--json"))
    assert found["ok"]
    assert {d["source"]: d["verdict"] for d in found["deliveries"]} == {
        "biopsies": "pass",
        "reports": "pass",
    }


def test_check_names_line_and_key(project, call):
    path = project.folder / "homeostat.yaml"
    path.write_text(path.read_text().replace("min_rows: 80", "min_row: 80"))
    status, out, _ = call("check", "-p", project.folder, "--json")
    assert status == 1
    error = json.loads(out)
    line = path.read_text().splitlines().index("  min_row: 80") + 1
    assert error["subject"] == f"homeostat.yaml:{line}"
    assert "do you mean 'min_rows'" in error["problem"]


def test_check_prints_the_schema(call):
    code, out, _ = call("check", "--schema")
    assert code == 0
    assert json.loads(out)["title"] == "homeostat.yaml"


def test_init_never_overwrites(tmp_path, call):
    assert call("init", tmp_path / "mine")[0] == 0
    status, _, err = call("init", tmp_path / "mine")
    assert status == 1
    assert "overwritten" in err


@pytest.mark.parametrize("arguments", [("dance",), ("status", "--nope"), ("served",)])
def test_wrong_usage_exits_2(call, arguments):
    assert call(*arguments)[0] == 2
