"""What the labels route does: find the event of each label, store it, say what came of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from homeostat.gateway.label_requests import Given, details_asked, labels_of
from homeostat.monitoring.label_log import LabelLog
from homeostat.monitoring.label_outcome import Label, Outcome, counts
from homeostat.monitoring.prediction_index import TOLERANCE, PredictionIndex
from homeostat.monitoring.prediction_log import PredictionLog
from homeostat.ports.clock import Clock


class LabelRoute:
    """Takes labels by prediction id, by event id, or by entity and time.

    ``tolerance`` is how long before the time that a label names the prediction may lie; ``shown``
    gives an entity as the log has it, which is hashed where it is personal.
    Safe to call from several threads; several processes may serve one folder.
    """

    def __init__(
        self,
        labels: LabelLog,
        predictions: PredictionLog,
        clock: Clock,
        *,
        binary: bool,
        tolerance: timedelta = TOLERANCE,
        shown: Callable[[str], str] = str,
    ) -> None:
        self._labels = labels
        self._index = PredictionIndex(predictions)
        self._clock = clock
        self._binary = binary
        self._tolerance = tolerance
        self._shown = shown

    def answer(self, document: Any) -> dict[str, Any]:
        """The answer to a post: a count per outcome, and ``labels`` where details are asked.

        Raises InputError naming the field; DiskFullError, StateLockedError or
        StateCorruptError; none of the labels is stored then.
        """
        details = details_asked(document)
        given = labels_of(document, self._binary)
        resolved = self._resolved(given, self._clock.now())
        known = [label for label in resolved if label is not None]
        stored = iter(self._labels.store(known, self._clock.now) if known else ())
        outcomes = [Outcome.UNKNOWN if label is None else next(stored) for label in resolved]
        answer: dict[str, Any] = counts(outcomes)
        if details:
            answer["labels"] = [
                {"outcome": outcome, "event_id": label.event if label else None}
                for label, outcome in zip(resolved, outcomes, strict=True)
            ]
        return answer

    def _resolved(self, given: Sequence[Given], now: datetime) -> list[Label | None]:
        """Each label with its event; None where there is none."""
        by_id = self._index.by_id({one.name for one in given if one.by == "prediction_id"}, now)
        by_event = self._index.by_event({one.name for one in given if one.by == "id"}, now)
        asked = [(self._shown(one.name), one.at) for one in given if one.at is not None]
        by_entity = iter(self._index.by_entity(asked, self._tolerance))
        resolved: list[Label | None] = []
        for one in given:
            if one.by == "entity":
                found = next(by_entity)
            else:
                found = (by_id if one.by == "prediction_id" else by_event).get(one.name)
            if found is not None:
                resolved.append(Label(found.event, one.value, one.observed_at, found.at))
            else:
                early = one.by == "id"
                resolved.append(Label(one.name, one.value, one.observed_at) if early else None)
        return resolved
