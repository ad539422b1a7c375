from datetime import UTC, datetime, timedelta

import pytest

from homeostat.monitoring.label_outcome import (
    LATE_AFTER,
    Counting,
    Label,
    Outcome,
    contradicted,
    counts,
    decide,
)

NOW = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("label", "counting", "outcome"),
    [
        (Label("e", 1, predicted_at=NOW - HOUR), None, Outcome.ACCEPTED),
        (Label("e", 1), None, Outcome.EARLY),
        (Label("e", 1, predicted_at=NOW - LATE_AFTER), None, Outcome.ACCEPTED),
        (Label("e", 1, predicted_at=NOW - LATE_AFTER - HOUR), None, Outcome.LATE),
        (Label("e", 1), Counting(1, None), Outcome.REPEATED),
        (Label("e", 0), Counting(1, None), Outcome.CORRECTED),
        (Label("e", 0, NOW), Counting(1, None), Outcome.CORRECTED),
        (Label("e", 0), Counting(1, NOW), Outcome.CORRECTED),
        (Label("e", 0, NOW), Counting(1, NOW), Outcome.CORRECTED),
        (Label("e", 0, NOW - HOUR), Counting(1, NOW), Outcome.SUPERSEDED),
        (Label("e", 1, NOW - HOUR), Counting(1, NOW), Outcome.REPEATED),
    ],
)
def test_each_label_has_one_outcome(label, counting, outcome):
    assert decide(label, counting, NOW) is outcome


def test_only_new_knowledge_is_stored():
    stored = {outcome for outcome in Outcome if outcome.stored}
    assert stored == {Outcome.ACCEPTED, Outcome.EARLY, Outcome.LATE, Outcome.CORRECTED}


def test_two_values_of_one_event_contradict_each_other_and_one_value_twice_does_not():
    labels = [Label("a", 1), Label("b", 1), Label("b", 1), Label("a", 0), Label("a", 1)]
    assert contradicted(labels) == {"a"}


def test_every_outcome_is_counted_also_those_that_did_not_happen():
    found = counts([Outcome.LATE, Outcome.LATE])
    assert found["late"] == 2
    assert sum(found.values()) == 2
    assert set(found) == {str(outcome) for outcome in Outcome}
