"""How a candidate is split off, trained, tuned and measured."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from homeostat.spec.base import Duration, Section

METRIC_NAME = r"^[a-z][a-z0-9_]*$"
MetricName = Annotated[str, StringConstraints(pattern=METRIC_NAME)]
"""A metric that is built in, ``pinball_<percent>``, or one of ``metrics.own``."""


class Split(Section):
    """Which labelled rows train and which evaluate. The holdout is cut out before."""

    by: Literal["time", "random", "group"] = "time"
    """How rows are split: the latest span, a share of ids, or a share of groups."""
    evaluate: Duration = timedelta(days=14)
    """With ``by: time``: the latest span, never trained on."""
    share: float = Field(0.2, gt=0, lt=1)
    """With ``by: random`` or ``group``: share of rows or groups to evaluate on."""
    group: str | None = None
    """With ``by: group``: the column whose values stay together."""
    holdout_share: float = Field(0.05, ge=0, lt=0.5)
    """Fixed long-term holdout: ids whose hash falls in this share are never trained on, ever."""

    @model_validator(mode="after")
    def _group(self) -> Split:
        if (self.by == "group") != (self.group is not None):
            raise ValueError("'group' goes with 'by: group'")
        return self


class Parameter(Section):
    """One dimension of the search space: a range, or a choice."""

    low: float | None = None
    """Least value."""
    high: float | None = None
    """Greatest value."""
    integer: bool = False
    """Whole numbers only."""
    log: bool = False
    """Search on a logarithmic scale."""
    choices: tuple[Any, ...] | None = None
    """Values to choose from."""

    @model_validator(mode="after")
    def _range_or_choice(self) -> Parameter:
        ranged = self.low is not None and self.high is not None
        if ranged == (self.choices is not None):
            raise ValueError("give 'low' and 'high', or 'choices'")
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError("'low' must be below 'high'")
        return self


class Search(Section):
    """Hyper-parameter search on the training part; the evaluation rows are not touched."""

    space: dict[str, Parameter]
    """Parameters to search, by name."""
    trials: int = Field(20, ge=1)
    """Number of trials."""
    sampler: Literal["tpe", "random", "nsga2"] = "tpe"
    """How the next trial is chosen."""
    pruner: Literal["hyperband", "none"] = "hyperband"
    """Whether hopeless trials are stopped early."""
    objectives: tuple[MetricName, ...] = ()
    """Default: the primary metric. Several objectives need ``nsga2``."""
    sample_rows: int = Field(40_000, ge=100)
    """Search on at most so many rows, the latest ones."""
    again_after: Duration = timedelta(days=180)
    """Runs in between reuse the best parameters found."""

    @model_validator(mode="after")
    def _objectives(self) -> Search:
        if len(self.objectives) > 1 and self.sampler != "nsga2":
            raise ValueError("several objectives need 'sampler: nsga2'")
        return self


class Training(Section):
    """The estimator and how to fit it."""

    estimator: str = "lightgbm:LGBMClassifier"
    """``module:Class`` (any scikit-learn-style estimator) or a ``module:function`` beside the
    project file, called with the parameters, that returns one."""
    parameters: dict[str, Any] = {}
    """Parameters of the estimator that are not searched."""
    history: Duration | None = None
    """Train on this much of the past; none: all of it."""
    min_rows: int = Field(200, ge=20)
    """Fewer rows to train on stop the run."""
    seed: int = Field(7, ge=0)
    """Seed of everything random in a run."""
    search: Search | None = None
    """Search for the other parameters; none: no search."""
    onnx: bool = True
    """Compile to ONNX; used only when equal on the evaluation rows."""
    executor: Literal["inline", "process"] = "process"
    """Where a run is executed: in the controller, or in a process of its own."""


class OwnMetric(Section):
    """A metric of the project's own: a function beside the project file."""

    function: str
    """``module:function``, called with the true values and the predictions, both arrays of shape
    (rows,); gives one number."""
    better: Literal["more", "less"]
    """Which way is better."""


class Metrics(Section):
    """What is measured. The primary metric decides; the others are reported."""

    primary: MetricName
    """The metric that decides."""
    also: tuple[MetricName, ...] = ()
    """Metrics that are reported."""
    own: dict[MetricName, OwnMetric] = {}
    """Metrics of the project's own, by name, to be used like those built in."""
    slices: tuple[str, ...] = ()
    """Features whose values are measured one by one."""
    segments: dict[MetricName, str] = {}
    """Named parts of the rows, as SQL conditions over features, e.g. ``night: hour >= 22``. They
    are measured like slices, each must have enough rows, and they are watched on live traffic."""
    slice_min_rows: int = Field(200, ge=20)
    """Slices with fewer rows are left out; a segment with fewer refuses the candidate."""

    @property
    def names(self) -> tuple[str, ...]:
        """Primary first."""
        return (self.primary, *(name for name in self.also if name != self.primary))
