"""One feature, or the prediction, of a monitoring report: histogram, distance, trend."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from homeostat.domain.monitor import FeatureReport, Histogram
from homeostat.features.references import PREDICTION
from homeostat.monitoring.drift import Looked, answers_of, features_of
from homeostat.stats.drift.portfolio import FeatureDrift
from homeostat.stats.profile import Bins, Profile


def features_reported(looked: Looked, trend: Sequence[Looked]) -> tuple[FeatureReport, ...]:
    """Every feature in the order of the model; ``trend`` are earlier looks, the oldest first."""
    seen = features_of(looked.profile)
    return tuple(
        _reported(drift, n, looked.before, seen, [look.features.features[n] for look in trend])
        for n, drift in enumerate(looked.features.features)
    )


def prediction_reported(looked: Looked, trend: Sequence[Looked]) -> FeatureReport | None:
    """The version's answers; None when it has no reference for them."""
    if looked.prediction is None or looked.answers_before is None:
        return None
    past = [look.prediction.features[0] for look in trend if look.prediction is not None]
    seen = answers_of(looked.profile)
    return _reported(looked.prediction.features[0], 0, looked.answers_before, seen, past)


def _reported(
    drift: FeatureDrift, place: int, before: Profile, seen: Profile, past: Sequence[FeatureDrift]
) -> FeatureReport:
    bins = before.bins[place]
    return FeatureReport(
        name="prediction" if bins.name == PREDICTION else bins.name,
        kind=bins.kind,
        verdict=drift.verdict,
        distance=drift.distance,
        typical=drift.typical,
        p_value=drift.adjusted,
        null_share=drift.null_share,
        null_share_before=before.null_shares()[bins.name],
        importance=drift.importance,
        explained=drift.explained,
        reason=drift.reason,
        histogram=Histogram(
            bin_labels(bins),
            _shares(before.counts[place], before.rows),
            _shares(seen.counts[place], seen.rows),
        ),
        trend=tuple(one.distance for one in past),
        alarms=tuple(one.verdict for one in past),
    )


def bin_labels(bins: Bins) -> tuple[str, ...]:
    """What each bin holds, for people.

    >>> bin_labels(Bins("x", "number", (1.0, 2.5)))
    ('< 1', '1 to 2.5', '> 2.5', 'null')
    >>> bin_labels(Bins("x", "category", categories=("a",)))
    ('a', 'other', 'null')
    """
    if bins.kind == "category":
        return (*bins.categories, "other", "null")
    if not bins.edges:
        return ("any", "null")
    told = [f"{edge:.4g}" for edge in bins.edges]
    between = [f"{low} to {high}" for low, high in pairwise(told)]
    return (f"< {told[0]}", *between, f"> {told[-1]}", "null")


def _shares(counts: Sequence[int], rows: int) -> tuple[float, ...]:
    return tuple(count / rows if rows else 0.0 for count in counts)
