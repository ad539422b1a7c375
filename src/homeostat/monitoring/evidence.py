"""From the prediction log and the labels to what the loop decides on.

Both answers are functions of the record, the logs and ``now``; they are kept until one of these
changes, because a pass asks for them again after each action.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

from homeostat.domain.evidence import Comparison, Signal
from homeostat.domain.recorded import Recorded
from homeostat.domain.version import Version
from homeostat.monitoring import signals as make
from homeostat.monitoring.live import Pair, compare_live
from homeostat.monitoring.prediction_log import PredictionLog
from homeostat.monitoring.window_profile import WindowProfiles
from homeostat.ports.blobs import Blobs
from homeostat.spec.project import Project

T = TypeVar("T")


class LogEvidence:
    """Implements :class:`homeostat.ports.evidence.Evidence` over the prediction log."""

    def __init__(self, project: Project, blobs: Blobs, log: PredictionLog) -> None:
        self._project = project
        self._blobs = blobs
        self._log = log
        self._profiles = WindowProfiles(blobs, log, project.serving.log.personal)
        self._kept: dict[str, tuple[Any, Any]] = {}

    def signals(self, recorded: Recorded, now: datetime) -> Mapping[str, Signal]:
        """All signals; see docs/signals.md for each."""
        project, champion = self._project, recorded.champion
        number = champion.number if champion is not None else None
        quality = self._once(
            "quality",
            (now, self._log.version, number, self._labels(recorded)),
            lambda: make.quality_signals(project, self._blobs, self._log, recorded, now),
        )
        drift = self._once(
            "drift",
            (now, self._log.version, number),
            lambda: self._drift(champion, now, project.monitors.window),
        )
        data = make.data_signals(project, recorded, now)
        return data | make.training_signals(project, recorded, now) | quality | drift

    def live(self, recorded: Recorded, now: datetime) -> tuple[Comparison, ...]:
        """The pair of the rollout, or else of the watch, on the same labelled rows."""
        pair = _pair(recorded)
        if pair is None:
            return ()
        key = (now, self._log.version, pair, self._labels(recorded))
        return self._once(
            "live",
            key,
            lambda: compare_live(self._project, self._blobs, self._log, recorded, pair, now),
        )

    def _labels(self, recorded: Recorded) -> tuple[str, ...]:
        """The accepted deliveries of labels, by id: a late or corrected one changes the answer."""
        record = recorded.sources.get(self._project.labels.source)
        return tuple(delivery.id for delivery in record.accepted) if record else ()

    def _once(self, name: str, key: Any, work: Callable[[], T]) -> T:
        if name not in self._kept or self._kept[name][0] != key:
            self._kept[name] = (key, work())
        kept: T = self._kept[name][1]
        return kept

    def _drift(
        self, champion: Version | None, now: datetime, window: timedelta
    ) -> dict[str, Signal]:
        names = self._project.features.names
        if champion is None or champion.candidate.profile_digest is None:
            return make.drift_signals(names, None, None, now, window, 0)
        reference = self._profiles.reference(champion.candidate.profile_digest)
        seen = self._profiles.window(champion, reference, now - window, now)
        return make.drift_signals(
            names, reference, seen, now, window, self._project.monitors.min_rows
        )


def _pair(recorded: Recorded) -> Pair | None:
    """The newer version is the challenger of a pair, also in a watch after its promotion."""
    rollout, watch = recorded.rollout, recorded.watch
    if rollout is not None and rollout.replaces is not None:
        return Pair(rollout.version, rollout.replaces, rollout.began_at, rollout.phase_since)
    if watch is not None:
        return Pair(watch.version, watch.predecessor, watch.since, watch.since)
    return None
