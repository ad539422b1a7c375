"""From the project file to what the loop decides by."""

from __future__ import annotations

from datetime import UTC, datetime

from homeostat.policy.expression import compile_expression
from homeostat.policy.schedule import next_after
from homeostat.policy.settings import (
    CanaryStep,
    GatePolicy,
    GuardPolicy,
    LoopPolicy,
    RolloutPolicy,
    RulePolicy,
    SlicePolicy,
    SourcePolicy,
    TriggerPolicy,
)
from homeostat.spec.decisions import Rollout, Trigger
from homeostat.spec.gates import Gate
from homeostat.spec.project import Project
from homeostat.stats.metrics import LOSSES, less_is_better


def settings_of(project: Project) -> LoopPolicy:
    """The loop's settings; ProjectFileError for a schedule or condition that does not parse."""
    return LoopPolicy(
        primary=project.metrics.primary,
        losses=_losses(project),
        sources=tuple(
            SourcePolicy(name, source.every, project.start, source.retries)
            for name, source in project.sources.items()
        ),
        triggers=tuple(_trigger(name, given) for name, given in project.triggers.items()),
        rules=tuple(
            RulePolicy(name, compile_expression(rule.when), rule.do, rule.hold, rule.severity)
            for name, rule in project.policy.rules.items()
        ),
        evaluation=_gate(project.gates.evaluation),
        holdout=_gate(project.gates.holdout),
        holdout_used=project.split.holdout_share > 0,
        slices=_gate(project.gates.slices),
        minimum=dict(project.gates.minimum),
        rollout=_rollout(project.rollout),
        seed=project.training.seed,
        search_again_after=project.training.search.again_after if project.training.search else None,
        cool_down=project.policy.cool_down,
        retrain_budget=project.policy.retrain_budget,
        max_failures=project.policy.max_failures,
        every=project.every,
        metrics={name: _gate(gate) for name, gate in project.gates.metrics.items()},
        parts=SlicePolicy(
            project.gates.slice_control,
            tuple(project.metrics.segments),
            project.metrics.slice_min_rows,
        ),
        cost={
            name: limit
            for name, limit in project.gates.cost.model_dump().items()
            if limit is not None
        },
        explanation=project.gates.explanation,
    )


def _gate(gate: Gate) -> GatePolicy:
    return GatePolicy(gate.margin, gate.min_rows, gate.confidence, gate.test == "superior")


def _losses(project: Project) -> frozenset[str]:
    """Metrics of this project of which less is better."""
    own = project.metrics.own
    built_in = (name for name in project.metrics.names if name not in own)
    return LOSSES | {
        *(name for name, metric in own.items() if metric.better == "less"),
        *(name for name in built_in if less_is_better(name)),
    }


def _trigger(name: str, given: Trigger) -> TriggerPolicy:
    if given.schedule is not None:
        next_after(given.schedule, datetime(2000, 1, 1, tzinfo=UTC))
    when = compile_expression(given.when) if given.when is not None else None
    return TriggerPolicy(name, given.schedule, given.new_labels, when, given.hold)


def _rollout(given: Rollout) -> RolloutPolicy:
    return RolloutPolicy(
        strategy=given.strategy,
        shadow=given.shadow,
        shadow_min_labels=given.shadow_min_labels,
        steps=tuple(CanaryStep(step.share, step.hold, step.min_labels) for step in given.steps),
        margin=given.margin,
        give_up=given.give_up,
        watch=given.watch,
        look_every=given.look_every,
        approval=given.approval == "required",
        assignment=given.assignment,
        explore=given.explore,
        guards=GuardPolicy(
            given.guards.disagreement, given.guards.mistakes, given.guards.slower_ms
        ),
    )
