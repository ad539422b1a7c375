"""Each change of champion judged afterwards, as dots with intervals on one scale."""

from __future__ import annotations

from dataclasses import dataclass

from homeostat.console import words
from homeostat.console.axes import Tick
from homeostat.domain.backtest import BacktestResult, Happening, Review


@dataclass(frozen=True, slots=True)
class Judged:
    """One row: percent places of the dot and of the interval's ends, None where unknown."""

    title: str
    when: str
    kind: str
    dot: float | None
    low: float | None
    high: float | None
    said: str
    numbers: str
    verdict: str
    entry: int
    rows: str
    note: str


@dataclass(frozen=True, slots=True)
class JudgedPlot:
    """All rows on a scale that is the same to both sides of zero."""

    rows: tuple[Judged, ...]
    ticks: tuple[Tick, ...]


def judged_plot(result: BacktestResult) -> JudgedPlot:
    """The reviews of ``result`` as rows."""
    reach = max(
        (
            abs(end)
            for review in result.reviews
            for end in (review.difference, review.low, review.high)
            if end is not None
        ),
        default=0.01,
    ) or 0.01  # fmt: skip
    reach *= 1.08

    def place(value: float | None) -> float | None:
        return None if value is None else round(50 + 50 * value / reach, 3)

    rows = tuple(
        Judged(
            title=f"v{review.replaced} → v{review.version}",
            when=words.moment(review.at),
            kind=str(review.kind),
            dot=place(review.difference),
            low=place(review.low),
            high=place(review.high),
            said=words.signed(review.difference, 4),
            numbers=words.interval(review.low, review.high, 4),
            verdict=verdict(review),
            entry=review.entry,
            rows=words.count(review.rows, "row"),
            note=review.note,
        )
        for review in result.reviews
    )
    ticks = tuple(
        Tick(round(50 + 50 * share, 3), words.signed(reach * share, 3)) for share in (-0.8, 0.8)
    )
    return JudgedPlot(rows, (ticks[0], Tick(50.0, "0"), ticks[1]))


def verdict(review: Review) -> str:
    """What the interval says, in a word or two."""
    if review.low is None or review.high is None:
        return "not judged"
    if review.low > 0:
        return "better"
    if review.high < 0:
        return "worse"
    return "no clear difference"


def judged_sentence(result: BacktestResult) -> str:
    """How the promotions came out, counted."""
    promotions = [r for r in result.reviews if r.kind is Happening.PROMOTION]
    if not promotions:
        return "No version replaced another."
    said = [verdict(review) for review in promotions]
    parts = [
        f"{said.count(word)} {text}"
        for word, text in (
            ("better", "shown to be better"),
            ("no clear difference", "without a clear difference"),
            ("worse", "shown to be worse"),
            ("not judged", "not judged"),
        )
        if word in said
    ]
    return f"{words.count(len(promotions), 'promotion')}: " + ", ".join(parts) + "."
