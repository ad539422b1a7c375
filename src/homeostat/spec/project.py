"""The whole project file."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from homeostat.spec.base import Duration, Instant, Section
from homeostat.spec.decisions import Policy, Rollout, Trigger
from homeostat.spec.features import Features
from homeostat.spec.gates import Gates
from homeostat.spec.monitors import Monitors
from homeostat.spec.serving import Serving
from homeostat.spec.sources import Source
from homeostat.spec.training import Metrics, Split, Training

FORMAT = 1
"""The project-file format that this Homeostat writes and reads."""


class Events(Section):
    """The rows to predict: one row is one event."""

    source: str
    """Source of the events."""
    id: str
    """Column that names a row; unique."""
    time: str
    """Column with the prediction time: features are as known at this instant."""
    entity: str | None = None
    """Column by which traffic is split, so that an entity keeps its version; default: id."""


class Labels(Section):
    """What turned out to be true. Joined to events by the same id column."""

    source: str
    """Source of the labels."""
    column: str
    """The target. For ``binary``: boolean, or 0 and 1."""


class Tracking(Section):
    """Where runs and versions are shown to other tools."""

    mlflow: str | None = "local"
    """``local`` (SQLite in the state folder), an MLflow server's URL, or null for none."""


class Project(Section):
    """One model, declared once."""

    homeostat: Literal[1] = Field(description="Format version of this file.")
    model: str = Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$")
    """Name of the model: small letters, digits and hyphens."""
    owner: str = Field(min_length=1)
    """Who answers for the model: a team or an address."""
    description: str = ""
    """What it predicts, for people."""
    task: Literal["binary", "regression"]
    """What kind of target."""
    events: Events
    """The rows to predict."""
    labels: Labels
    """What turned out to be true."""
    start: Instant | None = None
    """First instant to ask sources for (ISO 8601); default: 30 days before the first pass."""
    sources: dict[str, Source] = Field(min_length=1)
    """Where data comes from, by name."""
    features: Features
    """What the model sees."""
    split: Split = Split()
    """Which rows train, evaluate, and are held out."""
    training: Training = Training()
    """The estimator and how to fit it."""
    metrics: Metrics
    """What is measured."""
    gates: Gates = Gates()
    """What a candidate must show."""
    rollout: Rollout = Rollout()
    """How a version gets traffic."""
    serving: Serving = Serving()
    """How the gateway answers."""
    monitors: Monitors = Monitors()
    """What is watched on live traffic."""
    triggers: dict[str, Trigger] = {}
    """Reasons to train, by name."""
    policy: Policy = Policy()
    """What the loop may do on its own."""
    tracking: Tracking = Tracking()
    """Where other tools see runs and versions."""
    every: Duration = Field(default="1h", validate_default=True)
    """How often the controller makes a pass when nothing wakes it."""

    @model_validator(mode="after")
    def _sources_exist(self) -> Project:
        named = {"events.source": self.events.source, "labels.source": self.labels.source}
        named |= {f"features.views.{n}.source": v.source for n, v in self.features.views.items()}
        for where, source in named.items():
            if source not in self.sources:
                known = ", ".join(sorted(self.sources))
                raise ValueError(f"{where}: no source '{source}'; declared are {known}")
        return self

    @model_validator(mode="after")
    def _personal_fields_exist(self) -> Project:
        known = {*self.features.names, self.events.entity} - {self.events.id}
        for name in self.serving.log.personal:
            if name not in known:
                raise ValueError(
                    f"serving.log.personal: '{name}' is neither a feature nor the entity"
                )
        return self
