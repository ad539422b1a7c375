"""Many features at once: which of them drifted, at one false-alarm budget for the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from homeostat.domain.verdict import Verdict
from homeostat.stats.compare.multiplicity import benjamini_hochberg, holm
from homeostat.stats.drift.calibrated import Calibration, calibrate
from homeostat.stats.drift.distances import DISTANCES
from homeostat.stats.drift.reference import Reference
from homeostat.stats.metrics import Array
from homeostat.stats.profile import Profile


@dataclass(frozen=True, slots=True)
class FeatureDrift:
    """One feature of one window against the reference.

    ``p_value`` is that of a healthy window, ``adjusted`` the same among all features. The
    verdict is *fail* when the feature drifted, *inconclusive* when nothing is known of chance.
    ``explained`` is the change of the mean loss that this feature's shift alone would bring.
    """

    name: str
    verdict: Verdict
    distance: float | None
    p_value: float | None
    adjusted: float | None
    null_share: float | None
    importance: float
    explained: float | None
    reason: str = ""
    typical: float | None = None
    """The distance of healthy windows on average."""


@dataclass(frozen=True, slots=True)
class Drift:
    """All features of one window. ``level`` is the error rate of one look over all of them."""

    features: tuple[FeatureDrift, ...]
    level: float
    rows: int
    length: int

    @property
    def drifted(self) -> tuple[FeatureDrift, ...]:
        """Features that drifted, the most important first."""
        found = [one for one in self.features if one.verdict is Verdict.FAIL]
        return tuple(sorted(found, key=lambda one: (-one.importance, one.name)))

    @property
    def known(self) -> bool:
        """Whether anything could be told of any feature."""
        return any(one.verdict is not Verdict.INCONCLUSIVE for one in self.features)

    @property
    def weight(self) -> float | None:
        """Share of the importance that drifted features have; None without importances."""
        total = sum(one.importance for one in self.features)
        if not self.known or total <= 0:
            return None
        return sum(one.importance for one in self.drifted) / total


@dataclass(frozen=True, slots=True)
class Asked:
    """How drift is judged: by which distance, over how many blocks, at which error rate."""

    distance: str = "psi"
    length: int = 7
    level: float = 1 / 90
    control: str = "holm"
    seed: int = 0


Kept = dict[tuple[int, int, Asked], "Calibration | None"]
"""Calibrations of one reference by feature, rounded rows, and what was asked."""


def drift_of(
    reference: Reference,
    window: Profile,
    asked: Asked,
    importances: Mapping[str, float],
    kept: Kept | None = None,
) -> Drift:
    """Every feature of ``window`` against ``reference``.

    ``kept`` holds calibrations from one call to the next, for the same reference only.

    The probability that any feature of a healthy window is said to have drifted is at most
    ``asked.level`` (Holm), or among the drifted the expected share of healthy ones is
    (Benjamini-Hochberg), as far as the p values hold: see
    :func:`homeostat.stats.drift.calibrated.calibrate`. A window without rows, or a reference
    that is too short, leaves every feature *inconclusive*.
    """
    assert window.bins == reference.profile.bins, "a window over other bins than the reference's"
    kept = {} if kept is None else kept
    measured = [_measured(reference, window, n, asked, kept) for n in range(len(window.bins))]
    adjust = holm if asked.control == "holm" else benjamini_hochberg
    p_values = [float("nan") if p is None else p for _, p, _, _ in measured]
    adjusted = adjust(p_values)
    nulls = window.null_shares()
    found = []
    for n, (bins, (distance, p, reason, typical), fair) in enumerate(
        zip(window.bins, measured, adjusted, strict=True)
    ):
        verdict = Verdict.INCONCLUSIVE
        if p is not None:
            verdict = Verdict.FAIL if fair <= asked.level else Verdict.PASS
        found.append(
            FeatureDrift(
                bins.name,
                verdict,
                distance,
                p,
                None if p is None else float(fair),
                nulls[bins.name],
                max(importances.get(bins.name, 0.0), 0.0),
                explained_loss(reference, window, n),
                reason,
                typical,
            )
        )
    return Drift(tuple(found), asked.level, window.rows, asked.length)


def explained_loss(reference: Reference, window: Profile, feature: int) -> float | None:
    """Change of the mean loss if only the shares of this feature's bins had moved.

    ``sum((window share - reference share) * mean loss in the bin)``: the covariate-shift part of
    a decomposition by one feature (as in Cai, Namkoong & Yadlowsky 2023), with the loss within
    a bin as it was. A bin without a known loss, such as those beyond the range of the reference,
    takes that of the nearest bin of numbers that has one, or the mean of all. Features that move
    together each claim the same change, so the parts do not add up. None without losses or rows.
    """
    if not reference.losses or not window.rows or not reference.profile.rows:
        return None
    before = np.asarray(reference.profile.counts[feature]) / reference.profile.rows
    after = np.asarray(window.counts[feature]) / window.rows
    change = after - before
    losses = _filled(reference, feature, before)
    return None if losses is None else float(change @ losses)


def _filled(reference: Reference, feature: int, before: Array) -> Array | None:
    """The loss of each bin, of those without one the nearest; None when none is known."""
    given = np.array([np.nan if x is None else x for x in reference.losses[feature]])
    known = np.flatnonzero(np.isfinite(given))
    if not known.size:
        return None
    weights = before[known]
    mean = np.average(given[known], weights=weights if weights.sum() > 0 else None)
    filled = np.where(np.isfinite(given), given, mean)
    inner = known[known < given.size - 1]  # the last bin holds nulls
    if reference.profile.bins[feature].kind == "number" and inner.size:
        for place in np.flatnonzero(~np.isfinite(given[:-1])):
            filled[place] = given[inner[np.argmin(np.abs(inner - place))]]
    return np.asarray(filled)


def rounded_rows(rows: int) -> int:
    """Rows with two digits, rounded down: windows of nearly one size share a calibration."""
    scale = 10 ** max(len(str(rows)) - 2, 0)
    return int(rows // scale * scale)


def _measured(
    reference: Reference, window: Profile, feature: int, asked: Asked, kept: Kept
) -> tuple[float | None, float | None, str, float | None]:
    """Distance, p value, why there is none, and the distance of healthy windows."""
    before = reference.profile.counts[feature]
    distance = DISTANCES[asked.distance](before, window.counts[feature])
    if distance is None:
        return None, None, "no rows to compare", None
    rows = rounded_rows(window.rows)
    key = feature, rows, asked
    if key not in kept:
        blocks = reference.of(feature)
        kept[key] = calibrate(
            asked.distance, blocks, rows=rows, length=asked.length, seed=asked.seed
        )
    found = kept[key]
    if found is None:
        held = reference.of(feature).shape[0]
        return distance, None, (
            f"the reference has {held} stretches of time, {3 * asked.length} are asked to "
            f"know what is chance"
        ), None  # fmt: skip
    return distance, found.p_value(distance), "", found.mean ** (1 / found.power)
