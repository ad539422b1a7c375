"""What the ledger says of a disturbance, whichever way it went."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from homeostat.domain.action import Accept, Action, Alert, Quarantine, Refuse, Register, Resolve
from homeostat.domain.backtest import Handling
from homeostat.domain.entry import Kind, chain, draft
from homeostat.domain.event import Done, Failed
from homeostat.simulation.chronicle import read_chronicle
from homeostat.simulation.disturb import Damage
from homeostat.simulation.disturbances import judge_disturbances
from homeostat.simulation.scenario import Scenario
from homeostat.simulation.traffic import Answered

DAY = timedelta(days=1)
START = datetime(2024, 3, 1, tzinfo=UTC)


def day(number: int) -> datetime:
    return START + number * DAY


def name(number: int, attempt: int = 1) -> str:
    window = f"{day(number):%Y%m%dT%H%M%S}-{day(number + 1):%Y%m%dT%H%M%S}"
    return f"orders/{window}/{attempt}"


def chronicle(*deeds: tuple[int, Action]):
    entries, head = [], "0" * 64
    for number, action in deeds:
        for kind, value in ((Kind.INTENT, action), (Kind.OUTCOME, Done())):
            seq = len(entries) + 1
            cause = seq - 1 if kind is Kind.OUTCOME else None
            entries.append(chain(head, seq, "m", draft(day(number), kind, value, cause)))
            head = entries[-1].hash
    return read_chronicle(entries)


NULLS = {
    "name": "n", "kind": "nulls", "source": "orders", "columns": ["x"],
    "from": day(1), "until": day(3),
}  # fmt: skip
SHUFFLE = {"name": "s", "kind": "shuffle_labels", "on": day(1)}


def judged(each: dict, damage: Damage, *deeds: tuple[int, Action]):
    answered = Answered()
    for number in range(9):
        fallback = {"orders": 4} if number in (1, 2) else {}
        answered.add(day(number), day(number + 1), 10, Counter(fallback))
    scenario = Scenario.model_validate({"disturbances": [each]})
    (found,) = judge_disturbances(scenario, {each["name"]: damage}, chronicle(*deeds), answered)
    return found


BOTH = Damage({name(1): 5, name(2): 7})


def test_stopped_and_taken_later_is_handled():
    found = judged(
        NULLS,
        BOTH,
        (2, Quarantine(delivery=name(1), reason="x is null; y is null")),
        (2, Alert(name="quarantine:orders", severity="warning", reason="bad")),
        (3, Quarantine(delivery=name(2), reason="x is null")),
        (4, Accept(delivery=name(1, 2), reason="all checks")),
        (4, Accept(delivery=name(2, 2), reason="all checks")),
        (4, Resolve(name="quarantine:orders", reason="good again")),
    )
    assert found.handling is Handling.HANDLED
    assert (found.noticed_at, found.recovered_at) == (day(2), day(4))
    assert found.injected == "'x' empty in 2 windows of 'orders' (12 rows)"
    assert found.answered == 30
    assert "8 predictions used the last good row of 'orders'" in found.verdict
    assert found.entries == (1, 3, 5, 7, 9, 11)
    assert found.story[0].endswith("x is null; and 1 more")


def test_taken_as_if_nothing_were_wrong_is_missed():
    found = judged(
        NULLS,
        BOTH,
        (2, Accept(delivery=name(1), reason="all checks")),
        (3, Accept(delivery=name(2), reason="all checks")),
    )
    assert found.handling is Handling.MISSED
    assert found.noticed_at is None
    assert "was used" in found.verdict


def test_stopped_once_and_taken_once_is_partly_handled():
    found = judged(
        NULLS,
        BOTH,
        (2, Quarantine(delivery=name(1), reason="x is null")),
        (3, Accept(delivery=name(2), reason="all checks")),
    )
    assert found.handling is Handling.PARTLY
    assert found.verdict == "1 of 2 damaged deliveries were quarantined."


def test_stopped_but_never_good_again_is_partly_handled():
    found = judged(
        NULLS, Damage({name(1): 5}), (2, Quarantine(delivery=name(1), reason="x is null"))
    )
    assert found.handling is Handling.PARTLY
    assert found.recovered_at is None


def test_a_window_that_never_comes_whole_is_told_and_later_data_ends_it():
    found = judged(
        NULLS,
        Damage({name(1): 5}),
        (2, Quarantine(delivery=name(1), reason="x is null")),
        (4, Accept(delivery=name(3), reason="all checks")),
    )
    assert found.handling is Handling.HANDLED
    assert "One window never came whole" in found.verdict
    assert found.recovered_at == day(4)


def test_what_was_not_injected_is_called_absent():
    assert judged(NULLS, Damage()).handling is Handling.ABSENT
    assert judged(SHUFFLE, Damage()).handling is Handling.ABSENT


def test_a_shuffled_run_that_is_refused_is_handled_and_one_that_passes_is_missed():
    hit = Damage(run_id="run-0002")
    refused = judged(SHUFFLE, hit, (2, Refuse(run_id="run-0002", reason="holdout: auc 0.5")))
    assert refused.handling is Handling.HANDLED
    assert refused.entries == (1,)
    passed = judged(SHUFFLE, hit, (2, Register(run_id="run-0002", reason="fine")))
    assert passed.handling is Handling.MISSED
    nothing = judged(SHUFFLE, hit, (2, Refuse(run_id="run-0001", reason="another run")))
    assert nothing.handling is Handling.PARTLY


def test_what_failed_was_not_done():
    entries = [
        chain("0" * 64, 1, "m", draft(day(1), Kind.INTENT, Accept(delivery=name(1), reason=""))),
    ]
    failed = draft(day(1), Kind.OUTCOME, Failed("H406", "no room"), cause=1)
    entries.append(chain(entries[0].hash, 2, "m", failed))
    assert read_chronicle(entries).of(Accept) == ()
