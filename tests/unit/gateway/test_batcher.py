import asyncio

import pytest

from homeostat.errors import InputError
from homeostat.gateway.batcher import Batcher
from homeostat.spec.serving import MicroBatch


def run(rows, declared, bad=()):
    """Ask for all ``rows`` at once; the calls that were made, and each row's outcome."""
    calls = []

    def answer(taken):
        calls.append(list(taken))
        if set(taken) & set(bad):
            raise InputError("bad", subject="row", next_step="mend it")

    async def go():
        batcher = Batcher(declared, answer)
        asked = [batcher.answered(row) for row in rows]
        return await asyncio.gather(*asked, return_exceptions=True)

    return calls, asyncio.run(go())


def test_requests_that_arrive_together_are_one_call():
    calls, outcomes = run(range(10), MicroBatch(max_rows=64, budget_ms=5))
    assert calls == [list(range(10))]
    assert outcomes == [None] * 10


def test_a_call_has_no_more_rows_than_declared():
    calls, _ = run(range(10), MicroBatch(max_rows=4, budget_ms=5))
    assert [len(call) for call in calls] == [4, 4, 2]
    assert [row for call in calls for row in call] == list(range(10))


def test_one_bad_row_does_not_spoil_the_others():
    _, outcomes = run(range(4), MicroBatch(max_rows=64, budget_ms=5), bad={2})
    assert [type(outcome) for outcome in outcomes] == [
        type(None),
        type(None),
        InputError,
        type(None),
    ]


def test_a_lone_request_sets_no_timer(monkeypatch):
    async def go():
        loop = asyncio.get_running_loop()
        monkeypatch.setattr(loop, "call_later", lambda *_: pytest.fail("it waits for others"))
        await Batcher(MicroBatch(max_rows=64, budget_ms=1000), lambda rows: None).answered("alone")

    asyncio.run(go())


def test_a_client_that_went_away_leaves_the_others_their_answers():
    async def go():
        batcher = Batcher(MicroBatch(max_rows=64, budget_ms=5), lambda rows: None)
        gone = asyncio.ensure_future(batcher.answered("gone"))
        stays = asyncio.ensure_future(batcher.answered("stays"))
        await asyncio.sleep(0)
        gone.cancel()
        await stays
        with pytest.raises(asyncio.CancelledError):
            await gone

    asyncio.run(go())
