"""From the prediction log and the labels to what the loop decides on.

Both answers are functions of the record, the logs and ``now``; they are kept until one of these
changes, because a pass asks for them again after each action.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from homeostat.domain.evidence import Comparison, Signal
from homeostat.domain.recorded import Recorded
from homeostat.domain.version import Version
from homeostat.features.own_metrics import NONE, OwnMetrics
from homeostat.monitoring import signals as make
from homeostat.monitoring.change import change_signals
from homeostat.monitoring.drift import Looked, last_look, look
from homeostat.monitoring.estimates import FEW_DRAWS, ReadLoss, foretold, window_rows
from homeostat.monitoring.health import HEALTH, health_of, health_signal
from homeostat.monitoring.live import Pair, compare_live
from homeostat.monitoring.prediction_log import PredictionLog
from homeostat.monitoring.service import service_signals
from homeostat.monitoring.window_profile import WindowProfiles
from homeostat.ports.blobs import Blobs
from homeostat.spec.project import Project
from homeostat.stats.health import Health
from homeostat.stats.result import Result

T = TypeVar("T")


class LogEvidence:
    """Implements :class:`homeostat.ports.evidence.Evidence` over the prediction log."""

    def __init__(
        self,
        project: Project,
        blobs: Blobs,
        log: PredictionLog,
        own: OwnMetrics = NONE,
        reader: Callable[[Blobs, Version], ReadLoss] | None = None,
        load_file: Path | None = None,
    ) -> None:
        self._project = project
        self._blobs = blobs
        self._log = log
        self._own = own
        self._reader = reader
        self._load_file = load_file
        self._profiles = WindowProfiles(blobs, log, project.serving.log.personal)
        self._kept: dict[str, tuple[Any, Any]] = {}

    def signals(self, recorded: Recorded, now: datetime) -> Mapping[str, Signal]:
        """All signals; see docs/signals.md for each."""
        project, champion = self._project, recorded.champion
        number = champion.number if champion is not None else None
        at_look = last_look(now, project.monitors.drift.look_every)
        version = self._log.version
        seen = self._log.signature(at_look - project.monitors.window, at_look)
        found: dict[str, Signal] = {}
        for name, key, work in (
            (
                "quality",
                (version, now, number, self._labels(recorded)),
                lambda: make.quality_signals(
                    project, self._blobs, self._log, recorded, now, self._own
                ),
            ),
            (
                "change",
                (version, at_look, number, self._labels(recorded))
                if project.monitors.change
                else (),
                lambda: change_signals(project, self._blobs, self._log, recorded, at_look),
            ),
            ("window", (version, now, number), lambda: self._window(champion, now)),
            ("drift", (seen, at_look, number), lambda: self._drift(champion, now)),
            ("estimates", (seen, at_look, number), lambda: self._estimates(champion, at_look)),
            (
                "service",
                (version, now, number),
                lambda: service_signals(project, self._log, self._load_file, recorded, now),
            ),
        ):
            found |= self._once(name, key, work)
        data = make.data_signals(project, recorded, now)
        found |= data | make.training_signals(project, recorded, now)
        return found | {HEALTH: health_signal(project, found, recorded, now, self._own)}

    def health(self, recorded: Recorded, now: datetime) -> Health:
        """The score of the signal ``health``, with a reason for each point that is lost."""
        alerts = tuple(recorded.alerts.values())
        return health_of(self._project, self.signals(recorded, now), alerts, self._own)

    def looked(self, champion: Version | None, now: datetime) -> Looked | None:
        """The last look at drift; None without a champion that has a reference."""
        if champion is None or champion.candidate.profile_digest is None:
            return None
        return look(self._profiles, champion, self._project.monitors, now)

    def foretold(self, champion: Version | None, until: datetime) -> Mapping[str, Result]:
        """An estimate of each metric of the window that ends at ``until``, by its name."""
        project = self._project
        if champion is None or champion.candidate.profile_digest is None:
            return {}
        since = until - project.monitors.window
        rows = window_rows(self._log, champion, since, until)
        references = self._profiles.references(champion.candidate.profile_digest)
        read = self._reader
        return foretold(
            project.task,
            project.metrics.names,
            references,
            rows,
            self._profiles.window(champion, since, until),
            read(self._blobs, champion) if read is not None and references.loss_model else None,
            champion.number,
            FEW_DRAWS,
        )

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

    def _window(self, champion: Version | None, now: datetime) -> dict[str, Signal]:
        """PSI and nulls of the window that ends now."""
        names, monitors = self._project.features.names, self._project.monitors
        if champion is None or champion.candidate.profile_digest is None:
            return make.window_signals(names, None, None, now, monitors.window, 0)
        references = self._profiles.references(champion.candidate.profile_digest)
        seen = self._profiles.window(champion, now - monitors.window, now)
        return make.window_signals(names, references, seen, now, monitors.window, monitors.min_rows)

    def _drift(self, champion: Version | None, now: datetime) -> dict[str, Signal]:
        monitors = self._project.monitors
        looked = self.looked(champion, now)
        return make.drift_signals(self._project.features.names, looked, now, monitors.window)

    def _estimates(self, champion: Version | None, until: datetime) -> dict[str, Signal]:
        project = self._project
        found = self.foretold(champion, until) if project.monitors.estimates else {}
        return make.estimate_signals(
            project.task, project.metrics.names, found, until, project.monitors.window
        )


def _pair(recorded: Recorded) -> Pair | None:
    """The newer version is the challenger of a pair, also in a watch after its promotion."""
    rollout, watch = recorded.rollout, recorded.watch
    if rollout is not None and rollout.replaces is not None:
        return Pair(rollout.version, rollout.replaces, rollout.began_at, rollout.phase_since)
    if watch is not None:
        return Pair(watch.version, watch.predecessor, watch.since, watch.since)
    return None
