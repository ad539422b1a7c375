"""One of each action and event, for tests that must leave none out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from homeostat.domain import action as act
from homeostat.domain import event as ev
from homeostat.domain.delivery import Delivery, Window, delivery_id
from homeostat.domain.evidence import Comparison, Finding
from homeostat.domain.rollout import Arm, Routing
from homeostat.domain.run import Candidate, RunRequest, StepRecord
from homeostat.domain.verdict import Verdict

AT = datetime(2024, 3, 1, 12, 0, 0, 123_456, tzinfo=UTC)
DAY = timedelta(days=1)
WINDOW = Window(AT - DAY, AT)
FINDING = Finding("nulls", Verdict.FAIL, "column 'x': 40 % null", "x", 0.4, 0.05)
COMPARISON = Comparison("auc", "holdout", 5000, 0.75, 0.74, 0.01, 0.006, 0.014)
ROUTING = Routing((Arm(2, "d2", "p2", 0.9), Arm(1, "d1", "p1", 0.0, shadow=True)))


def delivery(source="orders", window=WINDOW, attempt=1, verdict=Verdict.PASS):
    """A delivery of ``window``."""
    name = delivery_id(source, window, attempt)
    bad = () if verdict is Verdict.PASS else (FINDING,)
    return Delivery(name, source, window, attempt, AT, 10, "d" * 64, "s" * 64, verdict, bad)


def request(run_id="run-0001"):
    """A request with every field set."""
    parameters = {"depth": 3, "rate": 0.1, "names": ["a"], "none": None}
    return RunRequest(
        id=run_id,
        as_of=AT,
        reason="why",
        trigger="schedule:weekly",
        seed=7,
        snapshot="snap",
        champion_version=1,
        champion_package="p1",
        parameters=parameters,
        faults=("x",),
    )


def candidate(run_id="run-0001", **changes):
    """A candidate with every field set."""
    fields = {
        "run_id": run_id,
        "model_digest": f"model-{run_id}",
        "package_digest": f"package-{run_id}",
        "snapshot": "snap",
        "trained_rows": 1000,
        "trained_from": AT - 60 * DAY,
        "trained_until": AT - DAY,
        "evaluated_rows": 500,
        "parameters": {"depth": 3, "rate": 1e-7},
        "seed": 7,
        "metrics": {"auc": 0.75, "log_loss": 0.5},
        "comparisons": (COMPARISON,),
        "champion_version": 1,
        "code_digest": "c",
        "code_commit": "abc",
        "environment_digest": "e",
        "onnx": True,
        "onnx_note": "",
        "findings": (FINDING,),
        "importances": {"x": 0.5},
        "profile_digest": "p",
        "trials_digest": None,
        "steps": (StepRecord("train", "k", "d", False, 1.25),),
        "faults": (),
    }
    return Candidate(**(fields | changes))


ACTIONS = (
    act.Fetch(source="orders", window=WINDOW, attempt=1, reason="due"),
    act.Accept(delivery=delivery().id, reason="good"),
    act.Quarantine(delivery=delivery().id, findings=(FINDING,), reason="bad"),
    act.Train(run_id="run-0001", trigger="weekly", seed=7, search=True, reason="due"),
    act.Refuse(run_id="run-0001", findings=(FINDING,), reason="worse"),
    act.Register(run_id="run-0001", findings=(FINDING,), reason="better"),
    act.BeginRollout(version=2, run_id="run-0002", reason="registered"),
    act.Advance(rollout="rollout-9", step=0, share=0.1, comparisons=(COMPARISON,), reason="good"),
    act.Abort(rollout="rollout-9", comparisons=(COMPARISON,), reason="worse"),
    act.Promote(
        rollout="rollout-9", version=2, replaces=1, watch=28 * DAY, reason="good", evidence=(1, 2)
    ),
    act.Rollback(from_version=2, to_version=1, cause="watch", reason="worse"),
    act.LookAt(version=2, predecessor=1, look=1, last=False, reason="a week"),
    act.Route(routing=ROUTING, reason="differs"),
    act.Alert(name="rule:low", severity="warning", value=0.6, reason="auc 0.6"),
    act.Resolve(name="rule:low", reason="over"),
    act.Obey(order=1, reason="asked"),
    act.Pause(rule="low", reason="auc 0.6", evidence=(3,)),
)

EVENTS = (
    ev.Done(),
    ev.Fetched(delivery()),
    ev.Started(request()),
    ev.Routed(ROUTING),
    ev.Failed("H201", "down", terminal=True),
    ev.Declared("m", "team", "spec-1"),
    ev.Ended("run-0001", candidate()),
    ev.Order("promote", "ann", "because", 2),
    ev.Recovered("host:1", AT),
    ev.Scored("b-1", 3, "d" * 64, "in.parquet", "out.parquet", "e" * 64, 100, 2),
)
