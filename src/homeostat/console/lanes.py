"""The lanes under the quality plot: who served, what was decided, what was disturbed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from homeostat.console import words
from homeostat.console.axes import TimeAxis
from homeostat.domain.backtest import BacktestResult, Decision, Happening

WIDE_ENOUGH = 2.6
"""A span narrower than this percentage of the plot has no label of its own."""
LETTER = 0.95
"""Width of a letter in percent of the plot, on a wide screen."""
MARKS = {
    Happening.PROMOTION: "promotion",
    Happening.ROLLBACK: "rollback",
    Happening.REFUSAL: "refusal",
    Happening.ABORT: "abort",
    Happening.QUARANTINE: "quarantine",
    Happening.RECOVERY: "recovery",
    Happening.FAILURE: "failure",
}


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time in a lane."""

    left: float
    width: float
    label: str
    tip: str
    shade: int = 0
    row: int = 0
    """In which of several lines the label of a band stands."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One decision in a lane, linked to its row in the table of decisions."""

    left: float
    symbol: str
    tip: str
    entry: int


@dataclass(frozen=True, slots=True)
class Lane:
    """One row of spans, marks or thin strokes."""

    title: str
    spans: tuple[Span, ...] = ()
    marks: tuple[Mark, ...] = ()
    strokes: tuple[float, ...] = ()
    name: str = ""
    note: str = ""


def lanes(result: BacktestResult, axis: TimeAxis) -> tuple[Lane, ...]:
    """All lanes that have something in them."""
    weekly = result.curve("weekly")
    loop = result.curve("loop")
    trained = tuple(axis.place(at) for at in (loop.trained_at if loop else ()))
    every_week = tuple(axis.place(at) for at in (weekly.trained_at if weekly else ()))
    found = (
        Lane("Champion", spans=_served(result, axis), name="champion"),
        Lane("Decisions", marks=_marks(result, axis, _CHANGES), name="decisions"),
        Lane("Data", marks=_marks(result, axis, _DATA), name="data"),
        Lane("Open alerts", spans=_alerts(result, axis), name="alerts"),
        Lane("Trainings", strokes=trained, name="loop", note=f"{len(trained)}"),
        Lane("… every week", strokes=every_week, name="weekly", note=f"{len(every_week)}"),
    )
    return tuple(lane for lane in found if lane.spans or lane.marks or lane.strokes)


def disturbed_spans(result: BacktestResult, axis: TimeAxis) -> tuple[Span, ...]:
    """Injected disturbances as bands behind everything; never thinner than can be seen."""
    bands = sorted(result.disturbed, key=lambda each: each.since)
    lefts = [axis.place(each.since) for each in bands]
    rows = label_rows(lefts, [each.name for each in bands])
    row_of = {each.name: row for each, row in zip(bands, rows, strict=True)}
    return tuple(
        Span(
            axis.place(each.since),
            max(axis.width(each.since, each.until), 0.35),
            each.name,
            f"injected: {each.name}, {each.handling}",
            row=row_of[each.name],
        )
        for each in result.disturbed
    )


def label_rows(lefts: list[float], labels: list[str]) -> list[int]:
    """In which line each label stands so that none runs into another; places from the left.

    >>> label_rows([10.0, 40.0, 44.0, 70.0], ["one", "another", "a third one", "the last"])
    [0, 0, 1, 0]
    """
    rows: list[int] = []
    ends: list[float] = []
    for left, label in zip(lefts, labels, strict=True):
        row = next((place for place, end in enumerate(ends) if end <= left), len(ends))
        ends[row : row + 1] = [left + 2.5 + len(label) * LETTER]
        rows.append(row)
    return rows


_CHANGES = (Happening.PROMOTION, Happening.ROLLBACK, Happening.REFUSAL, Happening.ABORT)
_DATA = (Happening.QUARANTINE, Happening.RECOVERY, Happening.FAILURE)


def _served(result: BacktestResult, axis: TimeAxis) -> tuple[Span, ...]:
    spans = []
    for tenure in result.served:
        until = tenure.until or result.until
        width = axis.width(tenure.since, until)
        label = f"v{tenure.version}" if width >= WIDE_ENOUGH else ""
        tip = f"v{tenure.version} served from {words.moment(tenure.since)} " + (
            f"to {words.moment(tenure.until)}" if tenure.until else "to the end"
        )
        spans.append(Span(axis.place(tenure.since), width, label, tip, tenure.version % 2))
    return tuple(spans)


def _marks(
    result: BacktestResult, axis: TimeAxis, kinds: tuple[Happening, ...]
) -> tuple[Mark, ...]:
    return tuple(
        Mark(axis.place(each.at), MARKS[each.kind], tip_of(each), each.entry)
        for each in result.decisions
        if each.kind in kinds
    )


def tip_of(decision: Decision) -> str:
    """What a mark says when it is pointed at."""
    head = f"{words.moment(decision.at)}: {decision.title}."
    return f"{head} {words.shortened(decision.reason, 180)}".strip()


def _alerts(result: BacktestResult, axis: TimeAxis) -> tuple[Span, ...]:
    """From each alert to the decision that closed it, or to the end."""
    opened: dict[str, datetime] = {}
    spans = []
    for decision in result.decisions:
        if decision.kind is Happening.ALERT:
            opened.setdefault(decision.subject, decision.at)
        elif decision.kind is Happening.RESOLVED and decision.subject in opened:
            spans.append(_alert(axis, decision.subject, opened.pop(decision.subject), decision.at))
    spans += [_alert(axis, name, since, result.until) for name, since in opened.items()]
    return tuple(spans)


def _alert(axis: TimeAxis, name: str, since: datetime, until: datetime) -> Span:
    tip = f"{name}: open from {words.moment(since)} to {words.moment(until)}"
    return Span(axis.place(since), max(axis.width(since, until), 0.35), "", tip)
