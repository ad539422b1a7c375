from dataclasses import replace

import pytest

from homeostat.domain.action import Accept, Alert, Quarantine, Resolve
from homeostat.domain.delivery import Delivery, Window
from homeostat.domain.evidence import Finding
from homeostat.domain.recorded import Recorded, SourceRecord
from homeostat.domain.verdict import Verdict
from homeostat.loop import ingest, validate
from tests.worlds import DAY, NOW, policy, world


def delivery(since=NOW - DAY, verdict=Verdict.PASS, attempt=1, findings=(), fetched=NOW):
    window = Window(since, since + DAY)
    return Delivery(
        f"orders/{since:%d}/{attempt}", "orders", window, attempt, fetched, 10, "d", "s",
        verdict, findings,
    )  # fmt: skip


def record(**fields):
    return Recorded(first_at=NOW - 60 * DAY, sources={"orders": SourceRecord(**fields)})


def test_a_window_is_fetched_when_it_is_complete_and_not_before():
    complete = world(record(cursor=NOW - DAY))
    (fetch,) = ingest.decide(complete, policy(), NOW)
    assert fetch.window == Window(NOW - DAY, NOW)
    assert ingest.decide(complete, policy(), NOW - DAY / 24) == []


def test_a_source_that_is_far_behind_catches_up_in_bounded_windows():
    (fetch,) = ingest.decide(world(record(cursor=NOW - 400 * DAY)), policy(), NOW)
    assert fetch.window.until - fetch.window.since == 30 * DAY


def test_an_unjudged_delivery_holds_the_next_fetch_back():
    assert (
        ingest.decide(world(record(pending=(delivery(),), cursor=NOW - 3 * DAY)), policy(), NOW)
        == []
    )


def test_a_quarantined_window_is_asked_for_again_and_in_the_end_given_up():
    bad = delivery(NOW - 3 * DAY, Verdict.FAIL, fetched=NOW - DAY)
    (fetch,) = ingest.decide(world(record(quarantined=(bad,), cursor=NOW)), policy(), NOW)
    assert (fetch.window, fetch.attempt) == (bad.window, 2)
    young = replace(bad, fetched_at=NOW - DAY / 2)
    spent = replace(bad, attempt=4)
    for waiting in (young, spent):
        assert ingest.decide(world(record(quarantined=(waiting,), cursor=NOW)), policy(), NOW) == []


@pytest.mark.parametrize(
    ("verdict", "kind"),
    [
        (Verdict.PASS, Accept),
        (Verdict.INCONCLUSIVE, Accept),
        (Verdict.FAIL, Quarantine),
        (Verdict.ERROR, Quarantine),
    ],
)
def test_each_verdict_has_its_judgement(verdict, kind):
    finding = Finding("psi", verdict, "the finding's reason")
    actions = validate.decide(
        world(record(pending=(delivery(verdict=verdict, findings=(finding,)),)))
    )
    assert isinstance(actions[0], kind)
    if verdict is not Verdict.PASS:
        assert "the finding's reason" in actions[0].reason


def test_one_alert_while_a_source_is_bad_and_its_end_when_good_data_comes_again():
    bad = delivery(NOW - 2 * DAY, Verdict.FAIL)
    (alert,) = validate.decide(world(record(quarantined=(bad,))))
    assert isinstance(alert, Alert)
    open_alert = {"quarantine:orders": object()}
    still = replace(record(quarantined=(bad,)), alerts=open_alert)
    healed = replace(record(quarantined=(bad,), accepted=(delivery(NOW - DAY),)), alerts=open_alert)
    assert validate.decide(world(still)) == []
    (resolve,) = validate.decide(world(healed))
    assert isinstance(resolve, Resolve)
