"""Profiles of any window as sums of the profiles of the log's hours."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from homeostat.domain.version import Version
from homeostat.features.profile_columns import columns_of
from homeostat.monitoring.prediction_log import PredictionLog
from homeostat.ports.blobs import Blobs
from homeostat.stats.profile import Profile, count, from_json

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
        self._references: dict[str, Profile] = {}

    def reference(self, digest: str) -> Profile:
        """The reference profile stored under ``digest``."""
        if digest not in self._references:
            whole = from_json(self._blobs.get(digest))
            self._references[digest] = without(whole, self._personal)
        return self._references[digest]

    def window(
        self, version: Version, reference: Profile, since: datetime, until: datetime
    ) -> Profile:
        """Counts of the rows that ``version`` scored in [since, until), in any arm."""
        whole = empty(reference)
        begin = since
        while begin < until:
            end = min(_next_midnight(begin), until)
            full = begin == _midnight(begin) and end == _next_midnight(begin)
            part = self._part(version, reference, begin, end, keep=full)
            whole = whole + part if part.rows else whole
            begin = end
        return whole

    def _part(
        self, version: Version, reference: Profile, since: datetime, until: datetime, keep: bool
    ) -> Profile:
        key = (version.candidate.profile_digest or "", version.number, since)
        signature = self._log.signature(since, until)
        if keep and key in self._parts and self._parts[key][0] == signature:
            return self._parts[key][1]
        profile = self._count(version, reference, since, until)
        if keep:
            self._parts[key] = (signature, profile)
            while len(self._parts) > KEPT:
                self._parts.popitem(last=False)
        return profile

    def _count(
        self, version: Version, reference: Profile, since: datetime, until: datetime
    ) -> Profile:
        rows = self._log.read(since, until, ("at", "version", "event", "inputs"))
        mine = rows.filter(rows["version"] == version.number)
        if not mine.height:
            return empty(reference)
        inputs: pl.DataFrame = mine.unique("event", keep="last")["inputs"].struct.unnest()
        names = [bins.name for bins in reference.bins]
        return count(reference.bins, columns_of(inputs, names))


def without(profile: Profile, left_out: Collection[str]) -> Profile:
    """A profile without some features."""
    kept = [
        (bins, counts)
        for bins, counts in zip(profile.bins, profile.counts, strict=True)
        if bins.name not in left_out
    ]
    return Profile(
        tuple(bins for bins, _ in kept), tuple(counts for _, counts in kept), profile.rows
    )


def empty(reference: Profile) -> Profile:
    """No rows, over the reference's bins."""
    return Profile(reference.bins, tuple((0,) * bins.size for bins in reference.bins), 0)


def _midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def _next_midnight(at: datetime) -> datetime:
    return _midnight(at) + PART
