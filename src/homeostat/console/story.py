"""The report's words: its headline, its five numbers, and how they were computed."""

from __future__ import annotations

from dataclasses import dataclass

from homeostat.console import words
from homeostat.domain.backtest import BacktestResult, Disturbed, Gap, Handling


@dataclass(frozen=True, slots=True)
class Number:
    """One of the numbers at the top."""

    value: str
    title: str
    detail: str


def headline(result: BacktestResult) -> str:
    """One sentence that says how it came out, whichever way it did."""
    loop, never = result.curve("loop"), result.curve("never")
    metric = words.metric_name(result.metric)
    if loop is None or loop.mean is None:
        return f"{result.model} was never compared: too few labelled predictions."
    held = f"{words.value(loop.mean)} {metric}"
    if never is None or never.mean is None:
        return f"{result.model} held {held} on average."
    gap = result.gap("never")
    alone = words.value(never.mean)
    if gap is None or gap.low is None or gap.low <= 0:
        return f"{result.model} held {held}; left alone, it would have held {alone}."
    return f"Kept at {held}. Left alone, it would have drifted to {alone}."


def deck(result: BacktestResult) -> str:
    """What was done, in one paragraph under the headline."""
    tally = result.tally
    return (
        f"{words.count(tally.events, 'event')} from {words.day(result.since)} to "
        f"{words.day(result.until)}, replayed in simulated time through the same loop that runs "
        f"in production. {words.count(tally.trainings, 'training')}, "
        f"{words.count(tally.promotions, 'promotion')}, "
        f"{words.count(tally.refused, 'refusal')} and "
        f"{words.count(tally.rollbacks, 'rollback')}, each with its reason in a hash-chained "
        f"ledger of {words.count(tally.entries, 'entry', 'entries')}."
    )


def numbers(result: BacktestResult) -> tuple[Number, ...]:
    """Five numbers: quality, both baselines, trainings, disturbances."""
    metric = words.metric_name(result.metric)
    loop = result.curve("loop")
    since = f"from {words.day(result.compared_from)}" if result.compared_from else ""
    tally = result.tally
    return (
        Number(
            words.value(loop.mean if loop else None),
            f"mean monthly {metric}",
            f"whole months {since}".strip(),
        ),
        _against(result.gap("never"), "against never retraining"),
        _against(result.gap("weekly"), "against retraining every week"),
        _trainings(result),
        Number(
            f"{_handled(result.disturbed)} of {len(result.disturbed)}",
            "disturbances handled",
            f"{words.count(tally.quarantined, 'delivery', 'deliveries')} quarantined"
            if result.disturbed
            else "none were declared",
        ),
    )


def _against(gap: Gap | None, title: str) -> Number:
    if gap is None or gap.difference is None:
        return Number(words.NOTHING, title, "not computed")
    return Number(words.signed(gap.difference), title, f"95 %: {words.interval(gap.low, gap.high)}")


def _trainings(result: BacktestResult) -> Number:
    weekly, tally = result.curve("weekly"), result.tally
    title = "trainings" if tally.trainings != 1 else "training"
    if weekly is not None and weekly.trainings:
        title += f", not {weekly.trainings:,}"
    detail = f"{tally.registered:,} registered, {tally.refused:,} refused"
    return Number(f"{tally.trainings:,}", title, detail)


def _handled(disturbed: tuple[Disturbed, ...]) -> int:
    return sum(each.handling is Handling.HANDLED for each in disturbed)


def method(result: BacktestResult) -> tuple[tuple[str, str], ...]:
    """How each number was computed: a title and a paragraph each."""
    metric = words.metric_name(result.metric)
    return (
        (
            "Same rows, three ways",
            "Every curve is measured on exactly the same rows: those that the loop answered and "
            "whose label became known. All three ways begin with the same first version, at the "
            "same instant.",
        ),
        (
            "Homeostat",
            "What callers were answered, by the version that answered them, from the prediction "
            "log. Features were computed from accepted deliveries only. Rows of an accepted "
            "delivery count from the instant at which they became known, as a streaming feed "
            "would provide them; within a day the delivery is judged before its rows are used.",
        ),
        (
            "Never retrained",
            "The loop's first champion, scored on all later rows.",
        ),
        (
            "Retrained every week",
            "A new model every seven days on all labelled history, with the first champion's "
            "parameters, its preprocessing and its estimator; no gate, promoted at once. Both "
            "baselines read the undisturbed feed, so disturbances only count against the loop.",
        ),
        (
            "Means and intervals",
            f"{metric} is computed for each month; the mean gives every whole month the same "
            "weight. Intervals are 95 % percentile intervals of a bootstrap that draws whole days "
            "within each month, all three ways on the same draw.",
        ),
        (
            "Promotions judged",
            "The version that was replaced and the one that replaced it are both scored on all "
            "rows answered in the four weeks after the change, on the inputs in the prediction "
            "log. The interval comes from a paired bootstrap of whole days (hours when there are "
            "few days); all of them hold together at 95 % (Bonferroni).",
        ),
        (
            "Disturbances",
            "What was injected is declared in the scenario file. What came of it is read from the "
            "ledger alone: the deliveries that were damaged, and what the loop decided about them.",
        ),
    )
