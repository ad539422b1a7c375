"""Reference and window of one feature as bars over the same bins."""

from __future__ import annotations

from dataclasses import dataclass

from homeostat.console import words
from homeostat.domain.monitor import FeatureReport
from homeostat.domain.verdict import Verdict

MOST = 24
"""Bins that are drawn; of more, those with the largest shares."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bin; heights in percent of the tallest bar."""

    label: str
    window: float
    reference: float
    tip: str


@dataclass(frozen=True, slots=True)
class Bars:
    """All bins that are drawn, and how many are not."""

    bars: tuple[Bar, ...]
    hidden: int
    label: str


def bars(feature: FeatureReport) -> Bars:
    """Bars of a feature; nulls, and what lies beyond the range, only when a side has some."""
    shown = feature.histogram
    triples = list(zip(shown.labels, shown.reference, shown.window, strict=True))
    ends = (0, len(triples) - 2) if feature.kind == "number" else ()
    kept = [
        one
        for place, one in enumerate(triples)
        if max(one[1:]) > 0 or (one[0] not in ("null", "other") and place not in ends)
    ]
    hidden = 0
    if len(kept) > MOST:
        limit = sorted((max(one[1:]) for one in kept), reverse=True)[MOST - 1]
        fewer = [one for one in kept if max(one[1:]) >= limit][:MOST]
        hidden, kept = len(kept) - len(fewer), fewer
    tallest = max((max(one[1:]) for one in kept), default=0.0) or 1.0
    return Bars(
        tuple(
            Bar(
                label,
                round(100 * now / tallest, 2),
                round(100 * before / tallest, 2),
                f"{label}: {now:.1%} now, {before:.1%} before",
            )
            for label, before, now in kept
        ),
        hidden,
        f"{feature.name}: shares of rows by value, before and now",
    )


def sentence(feature: FeatureReport, distance: str) -> str:
    """How far, how surprising, at what possible cost."""
    if feature.distance is None:
        return f"Not compared: {feature.reason}."
    said = f"{distance} {feature.distance:.3g}"
    if feature.typical is not None:
        said += f", usually {feature.typical:.3g}"
    if feature.p_value is None:
        return f"{said}. What is chance is not known: {feature.reason}."
    healthy = feature.p_value
    often = "in fewer than 1 of 10,000" if healthy < 1e-4 else f"in {healthy:.2%} of"
    said += f"; a healthy window is so far away {often} looks over all features"
    if feature.explained is not None and feature.verdict is Verdict.FAIL:
        said += (
            f". Its shift alone would change the mean loss by {words.signed(feature.explained, 4)}"
        )
    return f"{said}."
