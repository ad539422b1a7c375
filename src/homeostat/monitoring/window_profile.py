"""Profiles of any window as sums of the profiles of the log's hours."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from homeostat.domain.version import Version
from homeostat.features.profile_columns import columns_for
from homeostat.features.references import PREDICTION, References, from_json
from homeostat.monitoring.log_rows import rows_of
from homeostat.monitoring.prediction_log import PredictionLog
from homeostat.ports.blobs import Blobs
from homeostat.stats.drift.portfolio import Kept
from homeostat.stats.profile import Bins, Profile, count

if TYPE_CHECKING:
    import polars as pl

PART = timedelta(days=1)
"""Rows are counted once per part; a window is a sum of parts and of its two ragged ends."""
KEPT = 2_000


class WindowProfiles:
    """Counts the log's rows over a reference's bins, each whole day once.

    ``personal`` features are not counted: the log does not hold their values.
    """

    def __init__(self, blobs: Blobs, log: PredictionLog, personal: Collection[str] = ()) -> None:
        self._blobs = blobs
        self._personal = frozenset(personal)
        self._log = log
        self._parts: OrderedDict[tuple[str, int, datetime], tuple[tuple[str, ...], Profile]] = (
            OrderedDict()
        )
        self._references: dict[str, References] = {}
        self._calibrations: dict[str, Kept] = {}

    def calibrations(self, name: str) -> Kept:
        """What was found out of a reference that stays as it is, to be added to."""
        return self._calibrations.setdefault(name, {})

    def references(self, digest: str) -> References:
        """The references stored under ``digest``."""
        if digest not in self._references:
            whole = from_json(self._blobs.get(digest))
            self._references[digest] = whole.without(self._personal)
        return self._references[digest]

    def window(self, version: Version, since: datetime, until: datetime) -> Profile:
        """Counts of the rows that ``version`` scored in [since, until), in any arm.

        Over the bins of its features, and of its predictions where they have some.
        """
        bins = watched(self.references(version.candidate.profile_digest or ""))
        whole = empty(bins)
        spans = list(_days(since, until))
        for span, signature in zip(spans, self._log.signatures(spans), strict=True):
            if signature:  # a file may have rows of then
                part = self._part(version, bins, span, signature)
                whole = whole + part if part.rows else whole
        return whole

    def _part(
        self,
        version: Version,
        bins: tuple[Bins, ...],
        span: tuple[datetime, datetime],
        signature: tuple[str, ...],
    ) -> Profile:
        since, until = span
        key = (version.candidate.profile_digest or "", version.number, since)
        keep = since == _midnight(since) and until == _next_midnight(since)
        if keep and key in self._parts and self._parts[key][0] == signature:
            return self._parts[key][1]
        profile = self._count(version, bins, since, until)
        if keep:
            self._parts[key] = (signature, profile)
            while len(self._parts) > KEPT:
                self._parts.popitem(last=False)
        return profile

    def _count(
        self, version: Version, bins: tuple[Bins, ...], since: datetime, until: datetime
    ) -> Profile:
        wanted = ("at", "version", "event", "prediction", "inputs")
        rows = self._log.read(since, until, wanted)
        mine = rows_of(rows, version.number)
        if not mine.height:
            return empty(bins)
        inputs: pl.DataFrame = mine["inputs"].struct.unnest()
        own = [one for one in bins if one.name != PREDICTION]
        columns = columns_for(inputs, own)
        answers = mine["prediction"].to_numpy().astype(np.float64)
        return count(bins, {**columns, PREDICTION: ("number", answers)})


def watched(references: References) -> tuple[Bins, ...]:
    """The bins of all features, then of the prediction where it has some."""
    answers = references.prediction
    return references.features.profile.bins + (answers.profile.bins if answers else ())


def empty(bins: tuple[Bins, ...]) -> Profile:
    """No rows, over ``bins``."""
    return Profile(bins, tuple((0,) * one.size for one in bins), 0)


def _days(since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Whole days, and the ragged ends of the span."""
    begin = since
    while begin < until:
        end = min(_next_midnight(begin), until)
        yield begin, end
        begin = end


def _midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def _next_midnight(at: datetime) -> datetime:
    return _midnight(at) + PART
