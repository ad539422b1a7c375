"""The whole project file."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from homeostat.spec.base import Duration, Instant, Section
from homeostat.spec.decisions import Gates, Monitors, Policy, Rollout, Trigger
from homeostat.spec.features import Features
from homeostat.spec.sources import Source
from homeostat.spec.training import Metrics, Split, Training

FORMAT = 1
"""The project-file format that this Homeostat writes and reads."""


class Events(Section):
    """The rows to predict: one row is one event."""

    source: str
    id: str
    """Column that names a row; unique."""
    time: str
    """Column with the prediction time: features are as known at this instant."""
    entity: str | None = None
    """Column by which traffic is split, so that an entity keeps its version; default: id."""


class Labels(Section):
    """What turned out to be true. Joined to events by the same id column."""

    source: str
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
    owner: str = Field(min_length=1)
    """Who answers for the model: a team or an address."""
    description: str = ""
    task: Literal["binary", "regression"]
    events: Events
    labels: Labels
    start: Instant | None = None
    """First instant to ask sources for (ISO 8601); default: 30 days before the first pass."""
    sources: dict[str, Source] = Field(min_length=1)
    features: Features
    split: Split = Split()
    training: Training = Training()
    metrics: Metrics
    gates: Gates = Gates()
    rollout: Rollout = Rollout()
    monitors: Monitors = Monitors()
    triggers: dict[str, Trigger] = {}
    policy: Policy = Policy()
    tracking: Tracking = Tracking()
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
