"""A made-up year, the same at every call: what the golden report is drawn from."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from homeostat.domain.backtest import (
    BacktestResult,
    Commands,
    Curve,
    Decision,
    Disturbed,
    Drift,
    Gap,
    Handling,
    Happening,
    Point,
    Review,
    Served,
    Tally,
)

START = datetime(2013, 1, 1, tzinfo=UTC)
END = datetime(2014, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
FIRST = datetime(2013, 3, 4, tzinfo=UTC)

LOOP = (0.741, 0.738, 0.742, 0.747, 0.752, 0.741, 0.759, 0.744, 0.712, 0.768)
NEVER = (0.739, 0.729, 0.723, 0.715, 0.719, 0.708, 0.716, 0.701, 0.692, 0.722)
WEEKLY = (0.740, 0.739, 0.744, 0.749, 0.755, 0.740, 0.761, 0.746, 0.701, 0.771)


def at(month: int, day: int) -> datetime:
    return datetime(2013, month, day, tzinfo=UTC)


def _months(values: tuple[float, ...]) -> tuple[Point, ...]:
    points = []
    for place, value in enumerate(values):
        since = max(at(place + 3, 1), FIRST)
        until = at(place + 4, 1) if place < 9 else END
        points.append(Point(since, until, value, 26_000 + 311 * place, whole=place > 0))
    return tuple(points)


def _weeks(values: tuple[float, ...], phase: float) -> tuple[Point, ...]:
    points = []
    since = FIRST
    while since < END:
        until = min(since + 7 * DAY, END)
        base = values[min(max(since.month - 3, 0), 9)]
        value = round(base + 0.018 * math.sin(since.timetuple().tm_yday / 3.1 + phase), 4)
        points.append(Point(since, until, value, 6_100, whole=until - since == 7 * DAY))
        since = until
    return tuple(points)


def _curve(name: str, title: str, values: tuple[float, ...], every_days: int) -> Curve:
    mean = sum(values[2:]) / 8
    trained = tuple(FIRST + DAY * day for day in range(0, (END - FIRST).days, every_days or 10_000))
    return Curve(name, title, _months(values), _weeks(values, len(name)), mean, trained)


def _reviews(changes: list[tuple[datetime, int, int]]) -> tuple[Review, ...]:
    found = []
    for place, (when, version, replaced) in enumerate(changes):
        difference = 0.012 * math.sin(place * 1.7 + 0.6) + 0.006
        found.append(
            Review(
                at=when,
                entry=400 + 211 * place,
                kind=Happening.ROLLBACK if version < replaced else Happening.PROMOTION,
                version=version,
                replaced=replaced,
                until=min(when + 28 * DAY, END),
                metric="auc",
                rows=24_120 - 37 * place,
                new=0.742 + difference,
                old=0.742,
                difference=round(difference, 4),
                low=round(difference - 0.007, 4),
                high=round(difference + 0.006, 4),
            )
        )
    return tuple(found)


def _decisions(changes: list[tuple[datetime, int, int]]) -> tuple[Decision, ...]:
    found = []
    entry = 300
    for place in range(14):
        when = at(3, 4) + place * 21 * DAY
        entry += 190
        found.append(
            Decision(
                when, Happening.TRAINING, f"run-{place + 1:04d}",
                f"Trained run-{place + 1:04d}",
                f"schedule '0 3 * * 1' fell due at {when:%Y-%m-%d} 03:00", entry,
            )
        )  # fmt: skip
        if place in (3, 6, 8, 11):
            found.append(
                Decision(
                    when, Happening.REFUSAL, f"run-{place + 1:04d}",
                    f"Refused run-{place + 1:04d}",
                    "holdout: auc 0.5021 against 0.7461 on 9,214 rows, difference -0.2440 "
                    "[-0.2610, -0.2281], must be above -0.0050",
                    entry + 4,
                )
            )  # fmt: skip
    for review in _reviews(changes):
        back = review.kind is Happening.ROLLBACK
        found.append(
            Decision(
                review.at, review.kind, f"v{review.version}",
                f"{'Went back' if back else 'Promoted'} to v{review.version}",
                f"live: log_loss 0.4712 against 0.4731 on {review.rows // 6:,} rows, difference "
                "+0.0019 [-0.0004, +0.0041], must be above -0.0200",
                review.entry,
            )
        )  # fmt: skip
    found += [
        Decision(
            at(6, day + 1), Happening.QUARANTINE, "weather", "Quarantined weather",
            "temp: 100.0 % null, at most 20.0 % allowed; wind_speed: 100.0 % null, at most "
            "20.0 % allowed", 1500 + day,
        )
        for day in (9, 10, 11)
    ]  # fmt: skip
    found += [
        Decision(at(6, 10), Happening.ALERT, "quarantine:weather", "Alert quarantine:weather",
                 "a delivery of 'weather' is quarantined", 1512),
        Decision(at(6, 13), Happening.RESOLVED, "quarantine:weather",
                 "Closed quarantine:weather", "'weather' delivers good data again", 1540),
        Decision(at(8, 16), Happening.QUARANTINE, "flights", "Quarantined flights",
                 "column 'carrier' is missing", 2011),
        Decision(at(8, 17), Happening.RECOVERY, "flights", "Took flights at attempt 2",
                 "921 rows; all checks", 2023),
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda decision: (decision.at, decision.entry)))


def _drift() -> Drift:
    days = tuple(FIRST + 7 * DAY * week for week in range(1, 43))
    names = ("weather__temp", "weather__dewp", "holiday_days", "city__delay_2h", "dest", "carrier",
             "planned_speed", "origin__dep_delay_3h")  # fmt: skip
    features: dict[str, tuple[float | None, ...]] = {}
    for place, name in enumerate(names):
        features[name] = tuple(
            None
            if name.startswith("weather") and 14 <= week <= 14
            else round(abs(math.sin(week / 9 + place)) * 1.6 / (place + 1) ** 1.2, 4)
            for week in range(42)
        )
    columns = list(zip(*features.values(), strict=True))
    largest = tuple(max(v for v in column if v is not None) for column in columns)
    share = tuple(sum(v is not None and v > 0.2 for v in column) / 8 for column in columns)
    return Drift(days, largest, share, features)


def year() -> BacktestResult:
    """A whole result with every part filled."""
    changes = [
        (at(4, 2), 2, 1), (at(4, 30), 3, 2), (at(6, 4), 4, 3), (at(7, 9), 5, 4),
        (at(7, 23), 4, 5), (at(8, 20), 6, 4), (at(10, 1), 7, 6), (at(12, 3), 8, 7),
    ]  # fmt: skip
    starts = [(1, FIRST), *((version, when) for when, version, _ in changes)]
    ends = [when for _, when in starts[1:]] + [None]
    curves = (
        _curve("loop", "Homeostat", LOOP, 22),
        _curve("never", "Never retrained", NEVER, 0),
        _curve("weekly", "Retrained every week", WEEKLY, 7),
    )
    disturbed = (
        Disturbed(
            "weather goes dark", "nulls", at(6, 9), at(6, 12),
            "9 columns of 'weather' null in 3 deliveries, 216 rows",
            Handling.HANDLED, "Stopped at the data gate; the last good weather served meanwhile.",
            at(6, 10), at(6, 13), 2_712, (1509, 1510, 1511, 1540),
            ("2013-06-10 quarantined weather/20130609, attempt 1: temp 100 % null",
             "2013-06-11 quarantined weather/20130610, attempt 1: temp 100 % null",
             "2013-06-12 quarantined weather/20130611, attempt 1: temp 100 % null",
             "2013-06-13 closed quarantine:weather: it delivers good data again"),
        ),
        Disturbed(
            "a renamed column", "rename", at(8, 15), at(8, 16),
            "carrier → airline in 1 delivery of 'flights', 921 rows",
            Handling.HANDLED, "Stopped at the data gate, taken when it came right.",
            at(8, 16), at(8, 17), 0, (2011, 2023),
            ("2013-08-16 quarantined flights/20130815, attempt 1: column 'carrier' is missing",
             "2013-08-17 accepted flights/20130815, attempt 2: 921 rows; all checks"),
        ),
        Disturbed(
            "shuffled labels", "shuffle_labels", at(10, 21), at(10, 28),
            "the labels that run-0012 learned from were shuffled",
            Handling.HANDLED, "Refused at the evaluation gate.",
            at(10, 21), at(10, 21), 0, (2580,),
            ("2013-10-21 refused run-0012: holdout auc 0.5021 against 0.7461",),
        ),
    )  # fmt: skip
    return BacktestResult(
        model="flight-delay",
        owner="network-operations@example.com",
        description="Probability that a flight arrives 15 or more minutes late.",
        task="binary",
        metric="auc",
        less_is_better=False,
        since=START,
        until=END,
        compared_from=at(5, 1),
        first_served_at=FIRST,
        tally=Tally(336_776, 274_301, 267_944, 1_152, 4, 14, 0, 4, 8, 7, 2, 1, 3, 2_914),
        curves=curves,
        gaps=(
            Gap("never", 0.0337, 0.0311, 0.0365, 221_100, 8),
            Gap("weekly", -0.0004, -0.0021, 0.0012, 221_100, 8),
        ),
        decisions=_decisions(changes),
        served=tuple(
            Served(version, since, until)
            for (version, since), until in zip(starts, ends, strict=True)
        ),
        reviews=_reviews(changes),
        disturbed=disturbed,
        drift=_drift(),
        commands=Commands(
            serve="homeostat up --project examples/flights --state build/demo --no-controller",
            why="homeostat why champion --project examples/flights --state build/demo",
            served="homeostat served --at 2013-07-15 --project examples/flights --state build/demo",
            verify="homeostat ledger verify --project examples/flights --state build/demo",
            reproduce="homeostat reproduce champion --project examples/flights --state build/demo",
            status="homeostat status --project examples/flights --state build/demo",
        ),
        ledger_head="9f2c" * 16,
        champion=8,
        homeostat="0.1.0",
        took_s=151.0,
    )


def bare() -> BacktestResult:
    """A back-test in which nothing ever served: what every part must also be able to show."""
    return replace(
        year(),
        compared_from=None,
        first_served_at=None,
        tally=Tally(events=12, deliveries=3, entries=9),
        curves=(),
        gaps=(),
        decisions=(),
        served=(),
        reviews=(),
        disturbed=(),
        drift=Drift(),
        champion=None,
    )
