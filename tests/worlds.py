"""Small worlds, candidates and policies for tests of the loop."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from homeostat.domain.evidence import Comparison, Signal
from homeostat.domain.recorded import Recorded, Tenure
from homeostat.domain.rollout import Phase, Rollout
from homeostat.domain.run import Candidate, Run, RunRequest, RunStatus
from homeostat.domain.version import Version
from homeostat.domain.world import World
from homeostat.policy.settings import (
    CanaryStep,
    GatePolicy,
    LoopPolicy,
    RolloutPolicy,
    SourcePolicy,
    TriggerPolicy,
)

NOW = datetime(2024, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def policy(**changes: Any) -> LoopPolicy:
    """A policy with one source, a weekly trigger and a two-step canary."""
    base = LoopPolicy(
        primary="auc",
        losses=frozenset({"log_loss"}),
        sources=(SourcePolicy("orders", DAY, datetime(2024, 1, 1, tzinfo=UTC), 3),),
        triggers=(TriggerPolicy("weekly", schedule="0 0 * * 1"),),
        rules=(),
        evaluation=GatePolicy(0.005, 500),
        holdout=GatePolicy(0.005, 500),
        holdout_used=True,
        slices=GatePolicy(0.05, 200),
        minimum={},
        rollout=RolloutPolicy(
            strategy="canary",
            shadow=DAY,
            shadow_min_labels=100,
            steps=(CanaryStep(0.1, DAY, 100), CanaryStep(0.5, DAY, 100)),
            margin=0.02,
            give_up=14 * DAY,
            watch=28 * DAY,
            look_every=7 * DAY,
            approval=False,
        ),
        seed=7,
        search_again_after=180 * DAY,
        cool_down=3 * DAY,
        retrain_budget=6,
        max_failures=3,
    )
    return replace(base, **changes)


def candidate(run_id: str = "run-0001", champion: int | None = None, **changes: Any) -> Candidate:
    """A candidate that passes the default gates against ``champion``."""
    comparisons = ()
    if champion is not None:
        comparisons = (compared("evaluation", 0.01), compared("holdout", 0.008))
    base = Candidate(
        run_id=run_id,
        model_digest=f"model-{run_id}",
        package_digest=f"package-{run_id}",
        snapshot="snapshot",
        trained_rows=1000,
        trained_from=NOW - 60 * DAY,
        trained_until=NOW - 14 * DAY,
        evaluated_rows=1000,
        parameters={},
        seed=7,
        metrics={"auc": 0.75},
        comparisons=comparisons,
        champion_version=champion,
        code_digest="code",
        code_commit="",
        environment_digest="environment",
        onnx=False,
        onnx_note="",
    )
    return replace(base, **changes)


def compared(
    where: str, difference: float, half_width: float = 0.004, rows: int = 5000, metric: str = "auc"
) -> Comparison:
    """A comparison with a symmetric interval."""
    return Comparison(
        metric,
        where,
        rows,
        0.74 + difference,
        0.74,
        difference,
        difference - half_width,
        difference + half_width,
        error=half_width / 1.98,
        blocks=100,
    )


def run(name: str, status: RunStatus = RunStatus.FINISHED, **changes: Any) -> Run:
    """A run that started ten days ago."""
    started = NOW - 10 * DAY
    base = Run(
        RunRequest(name, started, "weekly", "schedule:weekly", 7, "snapshot"),
        status,
        started,
        candidate=candidate(name) if status is RunStatus.FINISHED else None,
        decided=True,
    )
    return replace(base, **changes)


def version(number: int) -> Version:
    """A registered version from run ``number``."""
    return Version(number, NOW - 9 * DAY, candidate(f"run-{number:04d}"), None, number)


def serving(versions: int = 1, **changes: Any) -> Recorded:
    """A record in which the last of ``versions`` serves since nine days ago."""
    numbers = range(1, versions + 1)
    tenures = [
        Tenure(n, NOW - (9 + versions - n) * DAY, n, NOW - (8 + versions - n) * DAY)
        for n in numbers
    ]
    tenures[-1] = replace(tenures[-1], until=None)
    base = Recorded(
        model="m",
        position=100,
        first_at=NOW - 60 * DAY,
        runs={f"run-{n:04d}": run(f"run-{n:04d}") for n in numbers},
        versions=tuple(version(n) for n in numbers),
        tenures=tuple(tenures),
    )
    return replace(base, **changes)


def rolling(phase: Phase, step: int = -1, days: float = 2.0) -> Recorded:
    """Version 1 serves, version 2 is being rolled out, in ``phase`` for ``days``."""
    since = NOW - timedelta(days=days)
    base = serving(1)
    rollout = Rollout(
        "rollout-9",
        2,
        1,
        phase,
        step,
        0.1 if phase is Phase.CANARY else 0.0,
        since,
        since,
        "run-0002",
    )
    return replace(
        base,
        versions=(version(1), version(2)),
        runs={**base.runs, "run-0002": run("run-0002")},
        rollout=rollout,
    )


def world(recorded: Recorded, *live: Comparison, **signals: float | None) -> World:
    """A world with these live comparisons and signals; the gateway cannot be asked."""
    return World(
        recorded,
        {name: Signal(name, value, NOW, 604_800.0, 1000) for name, value in signals.items()},
        live,
        None,
    )
