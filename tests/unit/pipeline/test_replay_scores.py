from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from homeostat.errors import InputError
from homeostat.pipeline.replay_scores import compared, replay_one, replay_window
from homeostat.pipeline.schema import Feature, Schema

AT = datetime(2024, 1, 1, tzinfo=UTC)


class Doubling:
    """Answers twice the input ``a``."""

    engine = "native"

    def __init__(self, task="regression"):
        self.schema = Schema(task, (Feature("a", "number", null_allowed=False),))

    def score(self, frame):
        return 2 * self.schema.conform(frame)["a"].to_numpy()


def rows(*pairs, version=1):
    return pl.DataFrame([
        {"id": f"p{n}", "event": f"e{n}", "at": AT, "version": version, "prediction": logged,
         "inputs": {"a": value, "b": "x"}}
        for n, (value, logged) in enumerate(pairs)
    ])  # fmt: skip


def row(value, logged):
    return rows((value, logged)).row(0, named=True)


def test_the_same_answer_is_equal():
    found = replay_one(row(0.3, 0.6), Doubling())
    assert (found.again, found.difference, found.equal, found.reason) == (0.6, 0.0, True, "")


def test_another_answer_is_not_equal_and_the_difference_is_now_minus_then():
    found = replay_one(row(0.5, 0.75), Doubling())
    assert (found.again, found.difference, found.equal) == (1.0, 0.25, False)
    assert found.reason == "the answers differ"


def test_equality_is_relative_for_a_regression_and_absolute_for_a_probability():
    assert replay_one(row(5e5, 1e6 + 0.5), Doubling()).equal
    assert not replay_one(row(5e-9, 1.1e-8), Doubling()).equal
    assert replay_one(row(5e-9, 1.1e-8), Doubling("binary")).equal
    single = Doubling()
    single.engine = "onnx"
    assert replay_one(row(0.5, 1 + 2e-6), Doubling()).equal is False
    assert replay_one(row(0.5, 1 + 2e-6), single).equal


def test_a_redacted_input_that_the_model_takes_gives_no_answer():
    found = replay_one(row("00ff", 0.6), Doubling(), ["a", "b"])
    assert (found.again, found.equal, found.reason) == (None, False, "redacted in the log: a")
    assert replay_one(row(0.3, 0.6), Doubling(), ["b"]).equal


def test_an_input_that_does_not_fit_is_the_reason():
    found = replay_one(row(None, 0.6), Doubling())
    assert found.again is None
    assert found.reason.startswith("a: ")
    assert replay_one({"prediction": 1.0, "inputs": {}}, Doubling()).reason.startswith("a: ")


def test_a_window_keeps_the_order_of_its_rows():
    found = replay_window(rows((0.5, 1.0), (1.0, 1.0), (0.25, 1.0)), Doubling())
    assert found["id"].to_list() == ["p0", "p1", "p2"]
    assert found["difference"].to_list() == [0.0, 1.0, -0.5]


def test_a_window_without_rows_has_the_columns_of_one_with_rows():
    whole = replay_window(rows((0.5, 1.0)), Doubling())
    assert replay_window(rows((0.5, 1.0))[:0], Doubling()).schema == whole.schema
    assert compared(whole[:0], binary=True) == []


def test_a_version_that_takes_other_inputs_is_told():
    scorer = Doubling()
    scorer.schema = Schema("regression", (Feature("c", "number"),))
    with pytest.raises(InputError, match="takes c"):
        replay_window(rows((0.5, 1.0)), scorer)


def test_numbers_logged_as_text_are_numbers_again():
    assert replay_window(rows(("0.5", 1.0)), Doubling())["again"].to_list() == [1.0]


def test_the_summary_is_by_the_version_that_had_answered():
    seen = pl.concat(
        [
            replay_window(rows((0.2, 0.5), (0.3, 0.5), (0.1, 0.1)), Doubling()),
            replay_window(rows((0.3, 0.6), version=2), Doubling()),
        ]
    )
    first, second = compared(seen, binary=True)
    logged, again = np.array([0.5, 0.5, 0.1]), np.array([0.4, 0.6, 0.2])
    assert (first.version, first.rows, second.version, second.rows) == (1, 3, 2, 1)
    assert first.mean_logged == pytest.approx(logged.mean())
    assert first.mean_again == pytest.approx(again.mean())
    assert first.mean_difference == pytest.approx((again - logged).mean())
    assert first.largest_difference == pytest.approx(0.1)
    assert first.correlation == pytest.approx(np.corrcoef(logged, again)[0, 1])
    assert first.changed == pytest.approx(1 / 3)
    assert second.correlation is None
    assert compared(seen, binary=False)[0].changed is None
