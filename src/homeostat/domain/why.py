"""The chain behind a version: signal -> policy -> run -> gate -> rollout -> outcome. PURE."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from homeostat.domain import action as act
from homeostat.domain.entry import Entry, Kind, value_of
from homeostat.domain.event import Ended, Failed, Order
from homeostat.domain.evidence import Comparison, Finding
from homeostat.domain.projection import project
from homeostat.domain.recorded import Recorded


@dataclass(frozen=True, slots=True)
class Link:
    """One step of a chain: its station, what happened, why, on which numbers, in which entry."""

    station: str
    title: str
    reason: str
    at: datetime
    entry: int
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Chain:
    """The answer to why: what was asked about, and the links in order of time."""

    subject: str
    links: tuple[Link, ...]


def why(entries: Sequence[Entry], name: str) -> Chain | None:
    """The chain behind ``name``: ``champion``, ``v3`` or ``3``, ``run-0002``, ``e123``.

    None when there is no such thing. Entries are the whole ledger, in order.
    """
    recorded = project(entries)
    found = _run_of(recorded, name)
    if found is not None:
        subject, run_id, version = found
        return Chain(subject, tuple(_chain(entries, recorded, run_id, version)))
    match = re.fullmatch(r"e?(\d+)", name) if name.startswith("e") else None
    if match and 1 <= int(match[1]) <= len(entries):
        return Chain(name, tuple(_entry_links(entries, int(match[1]))))
    return None


def _run_of(recorded: Recorded, name: str) -> tuple[str, str, int | None] | None:
    """Subject, run id and version number that ``name`` stands for."""
    if name in recorded.runs:
        number = next((v.number for v in recorded.versions if v.candidate.run_id == name), None)
        return name, name, number
    if name == "champion":
        number = recorded.champion.number if recorded.champion else 0
    else:
        match = re.fullmatch(r"v?(\d+)", name)
        number = int(match[1]) if match else 0
    if not 1 <= number <= len(recorded.versions):
        return None
    return f"version {number}", recorded.version(number).candidate.run_id, number


def _chain(
    entries: Sequence[Entry], recorded: Recorded, run_id: str, version: int | None
) -> list[Link]:
    links: list[Link] = []
    rollouts = {
        r.id
        for r in (*recorded.past_rollouts, recorded.rollout)
        if r is not None and r.version == version
    }
    for entry in entries:
        if entry.kind is Kind.INTENT:
            action = value_of(entry)
            if _concerns(action, run_id, version, rollouts):
                if isinstance(action, act.Train):
                    links += [_link(entries[seq - 1]) for seq in action.evidence]
                links.append(_link(entry, _outcome(entries, entry)))
        elif entry.name == "Ended" and entry.body["run_id"] == run_id:
            links.append(_link(entry))
    return links


def _concerns(action: act.Action, run_id: str, version: int | None, rollouts: set[str]) -> bool:
    if isinstance(action, act.Train | act.Register | act.Refuse):
        return action.run_id == run_id
    if isinstance(action, act.BeginRollout | act.Promote | act.LookAt):
        return action.version == version
    if isinstance(action, act.Advance | act.Abort):
        return action.rollout in rollouts
    if isinstance(action, act.Rollback):
        return version in (action.from_version, action.to_version)
    return False


def _outcome(entries: Sequence[Entry], intent: Entry) -> Entry | None:
    following = entries[intent.seq : intent.seq + 3]
    return next((e for e in following if e.cause == intent.seq), None)


def _entry_links(entries: Sequence[Entry], seq: int) -> list[Link]:
    """An entry with the evidence it names, its intent if it is an outcome, and its outcome."""
    entry = entries[seq - 1]
    if entry.kind is Kind.OUTCOME and entry.cause is not None:
        entry = entries[entry.cause - 1]
    links = []
    if entry.kind is Kind.INTENT:
        links += [_link(entries[e - 1]) for e in value_of(entry).evidence if 0 < e <= len(entries)]
        return [*links, _link(entry, _outcome(entries, entry))]
    return [_link(entry)]


_STATIONS = {
    "Fetch": "ingest", "Accept": "validate", "Quarantine": "validate", "Alert": "signal",
    "Resolve": "signal", "Train": "policy", "Ended": "run", "Register": "gate", "Refuse": "gate",
    "BeginRollout": "rollout", "Advance": "rollout", "Abort": "rollout", "Promote": "outcome",
    "LookAt": "outcome", "Rollback": "outcome", "Order": "order", "Route": "gateway",
    "Obey": "order", "Pause": "policy", "Declared": "project", "Recovered": "engine",
}  # fmt: skip


def _link(entry: Entry, outcome: Entry | None = None) -> Link:
    value = value_of(entry)
    title, details = _told(value)
    reason = getattr(value, "reason", "") or getattr(value, "why", "") or ""
    if outcome is not None and outcome.name == "Failed":
        failed = value_of(outcome)
        assert isinstance(failed, Failed)
        details = (*details, f"failed: {failed.problem}")
    return Link(
        _STATIONS.get(entry.name, "ledger"), title, reason, entry.at, entry.seq, tuple(details)
    )


def _told(value: Any) -> tuple[str, tuple[str, ...]]:
    """A title, and the numbers below it."""
    if isinstance(value, Ended):
        return _told_run(value)
    if isinstance(value, Order):
        return f"{value.who} ordered: {value.kind}", ()
    title = {
        act.Train: lambda a: f"train {a.run_id} (trigger {a.trigger})",
        act.Register: lambda a: f"gates passed, {a.run_id} registered",
        act.Refuse: lambda a: f"{a.run_id} refused",
        act.BeginRollout: lambda a: f"rollout of version {a.version} begins",
        act.Advance: lambda a: f"canary step {a.step + 1}: {a.share:.1%} of traffic",
        act.Abort: lambda a: f"{a.rollout} stopped",
        act.Promote: lambda a: (
            f"version {a.version} promoted"
            + (f", replaces version {a.replaces}" if a.replaces else "")
        ),
        act.LookAt: lambda a: f"look {a.look} at version {a.version}",
        act.Rollback: lambda a: f"rolled back from version {a.from_version} to {a.to_version}",
        act.Alert: lambda a: f"alert {a.name}",
        act.Quarantine: lambda a: f"{a.delivery} quarantined",
        act.Accept: lambda a: f"{a.delivery} accepted",
    }.get(type(value), lambda a: type(a).__name__)(value)
    findings = getattr(value, "findings", ())
    comparisons = getattr(value, "comparisons", ())
    return title, (*map(_finding, findings), *map(_comparison, comparisons))


def _told_run(ended: Ended) -> tuple[str, tuple[str, ...]]:
    if ended.candidate is None:
        return f"{ended.run_id} " + ("interrupted" if ended.interrupted else "failed"), (
            (ended.error,) if ended.error else ()
        )
    made = ended.candidate
    metrics = ", ".join(f"{name} {value:.4f}" for name, value in made.metrics.items())
    details = [
        f"trained on {made.trained_rows:,} rows, {made.trained_from:%Y-%m-%d} to "
        f"{made.trained_until:%Y-%m-%d}, evaluated on {made.evaluated_rows:,}",
        f"snapshot {made.snapshot[:12]}, model {made.model_digest[:12]}, code "
        f"{made.code_digest[:12]}, environment {made.environment_digest[:12]}",
        metrics,
    ]
    if made.faults:
        details.append(f"injected by the scenario: {', '.join(made.faults)}")
    return f"{ended.run_id} finished", tuple(details)


def _finding(finding: Finding) -> str:
    return f"{finding.verdict.value}: {finding.reason}"


def _comparison(comparison: Comparison) -> str:
    if comparison.low is None or comparison.difference is None:
        return f"{comparison.where}: {comparison.note}"
    return (
        f"{comparison.where}: {comparison.metric} {comparison.difference:+.4f} "
        f"[{comparison.low:+.4f}, {comparison.high:+.4f}] on {comparison.rows:,} rows"
    )
