import itertools
from datetime import UTC, datetime, timedelta

from homeostat.simulation.spans import months, weeks


def test_months_cover_the_span_without_gap_or_overlap():
    since = datetime(2023, 11, 17, 5, tzinfo=UTC)
    until = datetime(2024, 3, 3, tzinfo=UTC)
    found = months(since, until)
    assert found[0].since == since
    assert found[-1].until == until
    assert all(a.until == b.since for a, b in itertools.pairwise(found))
    assert [month.whole for month in found] == [False, True, True, True, False]


def test_a_month_that_ends_with_the_span_is_whole():
    found = months(datetime(2024, 2, 1, tzinfo=UTC), datetime(2024, 3, 1, tzinfo=UTC))
    assert [month.whole for month in found] == [True]


def test_weeks_begin_where_the_span_begins_and_the_last_may_be_cut():
    since = datetime(2024, 2, 1, tzinfo=UTC)
    found = weeks(since, since + timedelta(days=10))
    assert [(week.until - week.since).days for week in found] == [7, 3]
    assert [week.whole for week in found] == [True, False]


def test_an_empty_span_has_no_months_and_no_weeks():
    at = datetime(2024, 2, 1, tzinfo=UTC)
    assert months(at, at) == weeks(at, at) == ()
