"""``homeostat run``: train now, judge, and say what came of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import typer

from homeostat.cli.context import (
    EXIT_NO,
    HERE,
    JsonOption,
    ProjectOption,
    StateOption,
    WhyOption,
    console,
    person,
    print_json,
)
from homeostat.errors import OrderError
from homeostat.wiring import gateway_in

if TYPE_CHECKING:
    from homeostat.domain.run import Run
    from homeostat.wiring import Assembly

POLL_S = 0.2


def add(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("run")(run)


def run(
    why: WhyOption = "",
    project: ProjectOption = HERE,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> int:
    """Bring the data up to date, train a candidate, put it through its gates.

    A run that was interrupted is resumed instead: finished steps are not run again. Exits 0
    when the candidate was registered, 3 when it was refused.
    """
    from homeostat.wiring import assemble

    with _Progress(as_json) as shown:
        wired = assemble(project, state, executor="process")
        if gateway_in(wired.state).controlled():
            run_id = _followed(wired, why, shown)
        else:
            try:
                run_id = _start(wired, why, shown)
                _wait(wired, run_id, shown)
            finally:
                wired.engine.release()
    recorded = wired.engine.refresh()
    return _tell(wired, recorded.runs[run_id], as_json)


def _followed(wired: Assembly, why: str, shown: _Progress) -> str:
    """Give the order to the controller that is in charge, and follow what it does.

    Returns the id of the run when its gates have decided.
    """
    from homeostat.errors import LeaseHeldError

    seq = _ordered(wired, why)
    shown.say("`homeostat up` is in charge: it has the order")
    run_id = ""
    while gateway_in(wired.state).controlled():
        entries = list(wired.ledger.read(seq))
        refused = [e.body["reason"] for e in entries if e.name == "Obey" and e.body["refused"]]
        if refused:
            raise _busy(wired, refused[0])
        run_id = next((e.body["request"]["id"] for e in entries if e.name == "Started"), run_id)
        if run_id:
            current = wired.engine.refresh().runs[run_id]
            shown.steps(wired.runner, run_id)
            if _ended(current):
                return run_id
        time.sleep(POLL_S)
    raise LeaseHeldError(
        "the controller that had the order is gone",
        subject=wired.project.model,
        next_step="run again: finished steps are kept",
    )


def _ordered(wired: Assembly, why: str) -> int:
    """Write the order down; its place in the ledger."""
    from homeostat.domain.entry import Kind, draft
    from homeostat.domain.event import Order

    order = Order("retrain", person(), why or "homeostat run")
    (entry,) = wired.ledger.append([draft(wired.clock.now(), Kind.ORDER, order)])
    return entry.seq


def _busy(wired: Assembly, reason: str) -> OrderError:
    return OrderError(
        f"no run was started: {reason}",
        subject=wired.project.model,
        next_step="`homeostat status` shows what is under way",
    )


def _ended(current: Run) -> bool:
    from homeostat.domain.run import RunStatus

    return current.decided or current.status is RunStatus.FAILED


def _start(wired: Assembly, why: str, shown: _Progress) -> str:
    """The id of the run that is under way after this: an interrupted one, or a new one."""
    from homeostat.domain.action import Accept, Fetch, Quarantine, Train
    from homeostat.domain.run import RunStatus

    engine = wired.engine
    _lead(wired, shown)
    now = wired.clock.now()
    shown.say("bringing the data up to date")
    engine.settle(now, watch=shown.watch, only=(Fetch, Accept, Quarantine))
    open_runs = [
        r
        for r in engine.recorded.runs.values()
        if r.status in (RunStatus.RUNNING, RunStatus.INTERRUPTED)
    ]
    if open_runs:
        name = open_runs[0].request.id
        shown.say(f"{name} was not finished: going on with it")
        engine.settle(now, only=(Train,))
        return name
    before = set(engine.recorded.runs)
    seq = _ordered(wired, why)
    engine.settle(now, watch=shown.watch)
    started = [name for name in engine.recorded.runs if name not in before]
    if not started:
        refused = [
            e.body["reason"]
            for e in wired.ledger.read(seq)
            if e.name == "Obey" and e.body["refused"]
        ]
        raise _busy(wired, refused[0] if refused else "the model is busy")
    return started[0]


def _lead(wired: Assembly, shown: _Progress) -> None:
    """Wait for the lease: one that a killed process left runs out within a minute.

    Raises LeaseHeldError when a controller that lives keeps it: it would carry the run out.
    """
    from homeostat.engine.reconcile import LEASE
    from homeostat.errors import LeaseHeldError

    latest = time.monotonic() + LEASE.total_seconds() + 1
    while True:
        try:
            wired.engine.settle(wired.clock.now(), only=())
            return
        except LeaseHeldError as error:
            if time.monotonic() > latest:
                raise
            shown.say(f"waiting: {error.problem}")
            time.sleep(POLL_S)


def _wait(wired: Assembly, run_id: str, shown: _Progress) -> None:
    """Make passes until the run has ended and its gates have decided."""
    while True:
        wired.engine.settle(wired.clock.now())
        current = wired.engine.recorded.runs[run_id]
        shown.steps(wired.runner, run_id)
        if _ended(current):
            return
        time.sleep(POLL_S)


def _tell(wired: Assembly, done: Run, as_json: bool) -> int:
    from homeostat.errors import RunError

    recorded = wired.engine.recorded
    name = done.request.id
    if done.candidate is None:
        raise RunError(
            f"{name} failed: {done.error}",
            subject=name,
            next_step="mend the cause and run again: finished steps are kept",
        )
    version = next((v.number for v in recorded.versions if v.candidate.run_id == name), None)
    intent = next(
        e
        for e in wired.ledger.read()
        if e.name in ("Register", "Refuse") and e.body["run_id"] == name
    )
    champion = recorded.champion.number if recorded.champion else None
    facts = {
        "run": name,
        "version": version,
        "verdict": "pass" if version else "refused",
        "reason": intent.body["reason"],
        "findings": intent.body["findings"],
        "metrics": done.candidate.metrics,
        "steps": done.candidate.steps,
        "champion": champion,
    }
    if as_json:
        print_json(facts)
    else:
        _print(done, facts)
    return 0 if version else EXIT_NO


def _print(done: Run, facts: dict[str, Any]) -> None:
    from rich.markup import escape
    from rich.table import Table

    assert done.candidate is not None
    out = console()
    table = Table("step", "", "seconds", box=None, pad_edge=False)
    for step in done.candidate.steps:
        table.add_row(step.name, "cached" if step.cached else "run", f"{step.duration_s:.1f}")
    out.print(table)
    for name, value in facts["metrics"].items():
        out.print(f"  {name:<28} {value:.4f}")
    for finding in facts["findings"]:
        colour = {"pass": "green", "fail": "red", "error": "red"}.get(finding["verdict"], "yellow")
        out.print(f"  [{colour}]{finding['verdict']:<12}[/] {escape(finding['reason'])}")
    if facts["version"]:
        serves = "and serves" if facts["champion"] == facts["version"] else "its rollout begins"
        out.print(f"[green]{facts['run']} is version {facts['version']}[/], {serves}")
        out.print(f"next: homeostat why v{facts['version']}, homeostat up")
    else:
        out.print(f"[yellow]{facts['run']} was refused[/]: {escape(facts['reason'])}")
        out.print(f"next: homeostat why {facts['run']}")


class _Progress:
    """A spinner with the present step; silent with ``--json``."""

    def __init__(self, silent: bool) -> None:
        self._silent = silent

    def __enter__(self) -> _Progress:
        if not self._silent:
            from rich.status import Status

            self._status = Status("starting", console=console())
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if not self._silent:
            self._status.stop()

    def say(self, text: str) -> None:
        """Show what is going on."""
        if not self._silent:
            self._status.update(text)

    def watch(self, entry: Any) -> None:
        """Show which window was fetched."""
        if entry.name == "Fetched":
            delivery = entry.body["delivery"]
            self.say(f"{delivery['source']} up to {delivery['window']['until'][:10]}")

    def steps(self, runner: object, run_id: str) -> None:
        """Show the step that a worker process is in."""
        progress = getattr(runner, "progress", None)
        seen = progress(run_id) if progress else None
        if seen is not None:
            self.say(f"{run_id}: {seen.step} ({seen.share:.0%} of the step)")
