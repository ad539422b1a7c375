"""When to train, how a version gets traffic, and what to do when it fails."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import Field, field_validator, model_validator

from homeostat.spec.base import Duration, Section


class Step(Section):
    """One canary step: a share of traffic, for at least a time and a number of labelled rows."""

    share: float = Field(gt=0, lt=1)
    """Share of traffic."""
    hold: Duration
    """Least time in the step."""
    min_labels: int = Field(100, ge=1)
    """Least number of labelled rows in the step."""


class Guards(Section):
    """What stops a rollout beside its losses, mostly before labels. Looked at on every pass."""

    disagreement: float | None = Field(None, gt=0, lt=1)
    """Greatest mean difference between the predictions of challenger and champion for the same
    rows. ``task: binary``."""
    mistakes: float | None = Field(None, ge=0, lt=1)
    """How much larger the challenger's share of wrong decisions (prediction of 0.5 or more) may
    be, each counted on the labelled rows that it answered itself. ``task: binary``."""
    slower_ms: float | None = Field(None, ge=0)
    """How much slower the challenger may answer, in milliseconds, at ``quantile``."""
    quantile: float = Field(0.95, gt=0, lt=1)
    """Quantile of the latency."""


class Rollout(Section):
    """How a registered version becomes champion."""

    strategy: Literal["canary", "blue_green", "ab"] = "canary"
    """``canary``: step by step. ``blue_green``: all at once. ``ab``: a fixed assignment for the
    time of the first step, then a verdict."""
    assignment: Literal["sticky", "random"] = "sticky"
    """``sticky``: an entity keeps its arm while weights only grow. ``random``: each request is
    drawn anew."""
    explore: float = Field(0.0, ge=0, le=0.5)
    """Share of requests answered by an arm drawn uniformly, whatever the weights. Choices are
    logged with their propensity, so that training data can be weighted without bias."""
    shadow: Duration = timedelta(days=1)
    """With canary: how long to score beside the champion first."""
    shadow_min_labels: int = Field(100, ge=1)
    """Labelled rows that the shadow phase needs."""
    steps: tuple[Step, ...] = (Step(share=0.1, hold=timedelta(days=1)),)
    """Canary steps, in order."""
    margin: float = Field(0.02, ge=0)
    """Stop when the challenger is worse than this, in mean loss per row, with confidence."""
    confidence: float = Field(0.99, gt=0.5, lt=1)
    """Confidence of the judgement on live traffic, over all looks at it."""
    guards: Guards = Guards()
    """Proxies that need no labels; one that cannot tell yet lets nothing advance."""
    block: Duration = timedelta(hours=1)
    """Rows predicted within so long a time may share what they are like; from one such block to
    the next little may be shared. A judgement needs labelled rows in 20 blocks, so a rollout of
    less than a day needs shorter ones: write them only when rows that far apart are unlike."""
    give_up: Duration = timedelta(days=14)
    """A step without enough labelled rows for so long ends the rollout as inconclusive."""
    watch: Duration = timedelta(days=28)
    """After promotion the predecessor goes on scoring; rollback if the champion is worse."""
    look_every: Duration = timedelta(days=7)
    """How often the judgement is written down during the watch; it is made at every pass."""
    approval: Literal["none", "required"] = "none"
    """Required: a person must ``homeostat promote`` before the last step."""

    @field_validator("block")
    @classmethod
    def _some_time(cls, value: timedelta) -> timedelta:
        if value < timedelta(seconds=1):
            raise ValueError("a block is a second or longer")
        return value


class Trigger(Section):
    """A reason to train. Exactly one of ``schedule``, ``new_labels``, ``when``."""

    schedule: str | None = None
    """Cron expression, UTC."""
    new_labels: int | None = Field(None, ge=1)
    """So many labels since the last training."""
    when: str | None = None
    """CEL expression over signals, e.g. ``auc < 0.65 && labels > 1000``."""
    hold: Duration = timedelta(0)
    """Debounce: the condition must hold for so long."""

    @model_validator(mode="after")
    def _one(self) -> Trigger:
        given = [n for n in ("schedule", "new_labels", "when") if getattr(self, n) is not None]
        if len(given) != 1:
            raise ValueError("give exactly one of 'schedule', 'new_labels', 'when'")
        return self


class Rule(Section):
    """A policy rule: when a CEL expression over signals holds for ``hold``, do something."""

    when: str
    """CEL expression over signals."""
    do: Literal["alert", "retrain", "rollback", "pause"]
    """What to do."""
    hold: Duration = timedelta(0)
    """How long the condition must hold."""
    severity: Literal["info", "warning", "critical"] = "warning"
    """How urgent the alert is."""


class Policy(Section):
    """What the loop may do on its own."""

    cool_down: Duration = timedelta(days=7)
    """Least time between the starts of two training runs."""
    retrain_budget: int = Field(8, ge=1)
    """Most training runs in any 30 days."""
    max_failures: int = Field(3, ge=1)
    """An action that failed so often in a row is left alone and a person is told."""
    rules: dict[str, Rule] = {}
    """Rules by name."""
