"""What is observed about a model's live traffic."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from homeostat.domain.evidence import Comparison, Signal
from homeostat.domain.recorded import Recorded


class Evidence(Protocol):
    """Turns the prediction log, labels and profiles into signals and comparisons.

    Both answers depend on ``recorded``, ``now`` and the stored logs only. A signal that the
    project declares is always there, with value None when there is no data.
    """

    def signals(self, recorded: Recorded, now: datetime) -> Mapping[str, Signal]:
        """All signals of the model as of ``now``."""
        ...

    def live(self, recorded: Recorded, now: datetime) -> tuple[Comparison, ...]:
        """Comparisons of the rollout's or the watch's pair on the same labelled rows."""
        ...
