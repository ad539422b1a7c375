from datetime import UTC, datetime

from homeostat.domain import action as act
from homeostat.domain.action import ACTIONS
from homeostat.domain.backtest import Happening
from homeostat.domain.delivery import Window
from homeostat.domain.entry import Kind, chain, draft
from homeostat.domain.event import Done, Ended, Failed, Order
from homeostat.domain.recorded import Recorded
from homeostat.domain.rollout import Routing
from homeostat.simulation.chronicle import _TELL, decisions_of, read_chronicle

AT = datetime(2024, 3, 1, tzinfo=UTC)
WINDOW = Window(AT, datetime(2024, 3, 2, tzinfo=UTC))
FIRST = "orders/20240301T000000-20240302T000000/1"
SECOND = "orders/20240301T000000-20240302T000000/2"

ONE_OF_EACH = (
    act.Fetch(source="orders", window=WINDOW, attempt=1, reason="due"),
    act.Accept(delivery=FIRST, reason="fine"),
    act.Accept(delivery=SECOND, reason="fine now"),
    act.Quarantine(delivery=FIRST, reason="bad"),
    act.Train(run_id="run-0001", trigger="t", seed=1, search=True, reason="due"),
    act.Refuse(run_id="run-0001", reason="worse"),
    act.Register(run_id="run-0001", reason="better"),
    act.BeginRollout(version=2, run_id="run-0001", reason="new"),
    act.Advance(rollout="rollout-9", step=0, share=0.1, reason="good"),
    act.Abort(rollout="rollout-9", reason="bad"),
    act.Promote(rollout="r", version=2, replaces=1, watch=WINDOW.until - AT, reason="good"),
    act.Rollback(from_version=2, to_version=1, cause="c", reason="bad"),
    act.LookAt(version=2, predecessor=1, look=1, last=False, reason="look"),
    act.Route(routing=Routing(), reason="follow"),
    act.Alert(name="a", severity="info", reason="a > 1"),
    act.Resolve(name="a", reason="a < 1"),
    act.Obey(order=3, reason="ordered"),
    act.Pause(rule="r", reason="rule"),
)


def told(*values: tuple[Kind, object]):
    entries, head = [], "0" * 64
    for kind, value in values:
        seq = len(entries) + 1
        cause = seq - 1 if kind is Kind.OUTCOME else None
        entries.append(chain(head, seq, "m", draft(AT, kind, value, cause)))
        head = entries[-1].hash
    return decisions_of(read_chronicle(entries), Recorded())


def done(action: act.Action):
    return told((Kind.INTENT, action), (Kind.OUTCOME, Done()))


def test_every_kind_of_action_is_either_told_or_left_out_on_purpose():
    assert {kind.__name__ for kind in _TELL} == set(ACTIONS)
    assert {type(action) for action in ONE_OF_EACH} == set(_TELL)


def test_what_changes_something_is_told_with_its_reason_and_its_entry():
    quiet = (act.Fetch, act.Route)
    for action in ONE_OF_EACH:
        if isinstance(action, quiet) or getattr(action, "delivery", "") == FIRST:
            continue
        (decision,) = done(action)
        assert decision.reason == action.reason
        assert decision.entry == 1


def test_data_that_came_as_it_should_is_not_told():
    assert done(act.Fetch(source="o", window=WINDOW, attempt=1, reason="")) == ()
    assert done(act.Accept(delivery=FIRST, reason="fine")) == ()
    (again,) = done(act.Accept(delivery=SECOND, reason="fine now"))
    assert again.kind is Happening.RECOVERY
    assert again.title == "Took orders of 1 Mar 2024, attempt 2"


def test_whatever_fails_is_told_also_what_is_quiet_otherwise():
    for action in ONE_OF_EACH:
        (decision,) = told(
            (Kind.INTENT, action), (Kind.OUTCOME, Failed("H201", "the source is away"))
        )
        assert decision.kind is Happening.FAILURE
        assert decision.reason == "the source is away"


def test_a_failed_run_and_a_person_s_order_are_told():
    failed, ordered = told(
        (Kind.FACT, Ended("run-0001", error="no rows")),
        (Kind.ORDER, Order("pause", "ada", "holiday")),
    )
    assert failed.kind is Happening.FAILURE
    assert ordered.title == "ada ordered: pause"
