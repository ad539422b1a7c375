"""Which features of the champion's rows, and whether its answers, drifted at the last look."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from homeostat.domain.codec import digest_of
from homeostat.domain.version import Version
from homeostat.features.references import PREDICTION, References
from homeostat.monitoring.window_profile import WindowProfiles
from homeostat.spec.monitors import Monitors
from homeostat.stats.drift.portfolio import Asked, Drift, drift_of
from homeostat.stats.drift.reference import Reference
from homeostat.stats.estimate.trust import Outside, outside_profile
from homeostat.stats.profile import Profile

WEEK = timedelta(days=7)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Looked:
    """One look: the window [since, until), its features and its answers.

    ``prediction`` is None when the version has no reference for its answers. ``profile`` counts
    the window, ``before`` and ``answers_before`` what it was compared with.
    """

    since: datetime
    until: datetime
    features: Drift
    prediction: Drift | None
    profile: Profile
    before: Profile
    answers_before: Profile | None
    outside: Outside | None = None
    """The feature that puts most rows outside of the training rows; None without rows."""


def last_look(now: datetime, every: timedelta) -> datetime:
    """The latest multiple of ``every`` since 1970 that is not after ``now``.

    >>> last_look(datetime(2024, 1, 2, 15, tzinfo=UTC), timedelta(days=1)).isoformat()
    '2024-01-02T00:00:00+00:00'
    """
    return _EPOCH + (now - _EPOCH) // every * every


def look(profiles: WindowProfiles, champion: Version, monitors: Monitors, now: datetime) -> Looked:
    """Judge the window that ends at the last look before ``now``.

    Fewer rows than ``min_rows`` leave every feature inconclusive.
    """
    until = last_look(now, monitors.drift.look_every)
    return judge(profiles, champion, monitors, until - monitors.window, until)


def judge(
    profiles: WindowProfiles,
    champion: Version,
    monitors: Monitors,
    since: datetime,
    until: datetime,
) -> Looked:
    """Judge the window [since, until), of any length."""
    references = profiles.references(champion.candidate.profile_digest or "")
    features, prediction = _compared_with(
        profiles, champion, references, monitors, since, until - since
    )
    seen = profiles.window(champion, since, until)
    if seen.rows < max(monitors.min_rows, 1):
        seen = Profile(seen.bins, tuple((0,) * bins.size for bins in seen.bins), 0)
    inputs, answers = features_of(seen), answers_of(seen)
    importances = champion.candidate.importances
    of_features = _asked(monitors, features, champion, until - since)
    digest = champion.candidate.profile_digest or ""
    stays = monitors.drift.reference == "training"
    judged = None
    if prediction is not None:
        asked = _asked(monitors, prediction, champion, until - since)
        known = profiles.calibrations(f"{digest} answers") if stays else None
        judged = drift_of(prediction, answers, asked, {}, known)
    known = profiles.calibrations(digest) if stays else None
    return Looked(
        since,
        until,
        drift_of(features, inputs, of_features, importances, known),
        judged,
        seen,
        features.profile,
        prediction.profile if prediction is not None else None,
        max(
            outside_profile(references.features.profile, inputs),
            key=lambda one: one.share,
            default=None,
        ),
    )


def _asked(monitors: Monitors, reference: Reference, champion: Version, window: timedelta) -> Asked:
    block = reference.block_s or window.total_seconds()
    return Asked(
        monitors.drift.distance,
        max(round(window.total_seconds() / block), 1),
        monitors.drift.look_every / monitors.drift.false_alarm_every,
        monitors.drift.control,
        int(digest_of([champion.number, monitors.drift.distance])[:8], 16),
    )


def _compared_with(
    profiles: WindowProfiles,
    champion: Version,
    references: References,
    monitors: Monitors,
    since: datetime,
    window: timedelta,
) -> tuple[Reference, Reference | None]:
    """The references of features and answers: of training, or of the time before the window."""
    kind, span = monitors.drift.reference, monitors.drift.reference_span
    if kind == "training":
        return references.features, references.prediction
    if kind == "sliding":
        length = step = timedelta(days=1)
    else:
        length, step = window, -(-window // WEEK) * WEEK
    begins = [since - n * step for n in range(max(span // step, 1), 0, -1)]
    parts = [profiles.window(champion, begin, begin + length) for begin in begins]
    parts = [part for part in parts if part.rows]
    found = [
        _of_blocks([side(part) for part in parts], own, length.total_seconds())
        for side, own in ((features_of, references.features), (answers_of, references.prediction))
        if own is not None
    ]
    return found[0], found[1] if len(found) > 1 else None


def _of_blocks(parts: list[Profile], own: Reference, block_s: float) -> Reference:
    if not parts:
        counts = tuple((0,) * bins.size for bins in own.profile.bins)
        return replace(own, profile=Profile(own.profile.bins, counts, 0), blocks=())
    whole = sum(parts[1:], parts[0])
    blocks = tuple(tuple(part.counts[n] for part in parts) for n in range(len(own.profile.bins)))
    return replace(own, profile=whole, block_s=block_s, blocks=blocks)


def features_of(seen: Profile) -> Profile:
    """The counts of features, without those of the prediction."""
    return _only(seen, answers=False)


def answers_of(seen: Profile) -> Profile:
    """The counts of the prediction."""
    return _only(seen, answers=True)


def _only(seen: Profile, *, answers: bool) -> Profile:
    kept = [n for n, bins in enumerate(seen.bins) if (bins.name == PREDICTION) is answers]
    return Profile(
        tuple(seen.bins[n] for n in kept), tuple(seen.counts[n] for n in kept), seen.rows
    )
