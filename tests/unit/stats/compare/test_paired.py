"""The paired interval: what it holds, how often, and when there is none."""

from __future__ import annotations

import numpy as np
import pytest

from homeostat.stats.compare.influence import influence
from homeostat.stats.compare.paired import MIN_BLOCKS, PairedInterval, paired
from homeostat.stats.compare.paired_bootstrap import paired_bootstrap
from homeostat.stats.metrics import METRICS, measure, oriented

DEFINED = [name for name in METRICS if name not in ("mape", "calibration_error")]
"""Metrics that have an interval when the truth is 0 or 1."""
SMOOTH = [name for name in DEFINED if name != "average_precision"]
Rows = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def drawn(seed: int, blocks: int, per_block: int = 10, gain: float = 0.5) -> Rows:
    """Truth, a challenger that knows ``gain`` of the block's effect, a champion, block labels."""
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(blocks), per_block)
    common, own = random.normal(size=blocks)[labels], random.normal(size=labels.size)
    truth = (random.uniform(size=labels.size) < sigmoid(common + own)).astype(np.float64)
    challenger = sigmoid(own + gain * common + 0.3 * random.normal(size=labels.size))
    champion = sigmoid(own + 0.8 * random.normal(size=labels.size))
    return truth, challenger, champion, labels


def sigmoid(x: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-x)))


def interval(metric: str, rows: Rows, seed: int = 0, **changes: float) -> PairedInterval:
    given = {"confidence": 0.95, "resamples": 200, **changes}
    return paired(
        metric,
        *rows,
        confidence=given["confidence"],
        resamples=int(given["resamples"]),
        seed=seed,
    )


@pytest.mark.parametrize(
    ("metric", "blocks", "times", "least"),
    [
        ("brier", 10, 600, 0.92),
        ("brier", 40, 600, 0.92),
        ("auc", 10, 600, 0.91),
        ("auc", 40, 600, 0.92),
        ("f1", 40, 600, 0.92),
        ("average_precision", 20, 200, 0.86),
        ("average_precision", 100, 200, 0.88),
    ],
)
def test_the_interval_holds_the_true_difference_about_as_often_as_it_says(
    metric: str, blocks: int, times: int, least: float
) -> None:
    truth, challenger, champion, _ = drawn(0, 40_000)
    true = oriented(
        metric, measure(metric, truth, challenger) or 0, measure(metric, truth, champion) or 0
    )
    held = 0
    for seed in range(1, times + 1):
        found = interval(metric, drawn(seed, blocks), seed)
        assert found.low is not None
        assert found.high is not None
        held += found.low <= true <= found.high
    assert least <= held / times <= 0.985


def test_dependence_inside_of_blocks_widens_the_interval() -> None:
    random = np.random.default_rng(1)
    labels = np.repeat(np.arange(100), 20)
    truth = np.zeros(labels.size)
    champion = np.full(labels.size, 0.5)
    challenger = 0.5 + 0.2 * random.normal(size=100)[labels].clip(-2, 2)
    rows = (truth, challenger, champion)
    blocked = interval("brier", (*rows, labels))
    alone = interval("brier", (*rows, np.arange(labels.size)))
    assert blocked.low is not None
    assert alone.low is not None
    assert blocked.difference == alone.difference
    assert (blocked.high or 0) - blocked.low > 2 * ((alone.high or 0) - alone.low)


def test_pairing_narrows_the_interval_of_models_that_answer_alike() -> None:
    truth, challenger, champion, labels = drawn(3, 100)
    near = interval("auc", (truth, challenger, challenger + 0.001 * champion, labels))
    far = interval("auc", (truth, challenger, champion, labels))
    assert near.low is not None
    assert far.low is not None
    assert (near.high or 0) - near.low < ((far.high or 0) - far.low) / 5


@pytest.mark.parametrize("metric", DEFINED)
def test_the_values_are_those_of_the_metric_on_all_rows(metric: str) -> None:
    truth, challenger, champion, labels = drawn(5, 50)
    found = interval(metric, (truth, challenger, champion, labels))
    assert found.challenger == measure(metric, truth, challenger)
    assert found.champion == measure(metric, truth, champion)
    assert found.low is not None
    assert found.high is not None
    assert found.difference is not None
    assert found.low <= found.difference <= found.high


@pytest.mark.parametrize("metric", SMOOTH)
def test_exchanging_the_models_mirrors_the_interval(metric: str) -> None:
    truth, challenger, champion, labels = drawn(5, 50)
    one = interval(metric, (truth, challenger, champion, labels))
    other = interval(metric, (truth, champion, challenger, labels))
    assert one.low is not None
    assert other.high is not None
    assert one.low == pytest.approx(-other.high)
    assert one.difference == pytest.approx(-(other.difference or 0))


@pytest.mark.parametrize("metric", ["auc", "f1", "r2", "rmse", "brier", "precision"])
def test_the_influences_and_the_bootstrap_agree(metric: str) -> None:
    truth, challenger, champion, labels = drawn(8, 200)
    found = interval(metric, (truth, challenger, champion, labels))
    slow = paired_bootstrap(
        metric, truth, challenger, champion, labels, confidence=0.95, resamples=2000, seed=4
    )
    assert found.error == pytest.approx(slow.error, rel=0.1)
    assert found.low == pytest.approx(slow.low, abs=0.25 * (slow.error or 0))
    assert found.high == pytest.approx(slow.high, abs=0.25 * (slow.error or 0))


@pytest.mark.parametrize("metric", METRICS)
def test_influences_add_up_to_nothing(metric: str) -> None:
    truth, challenger, _, _ = drawn(8, 30)
    found = influence(metric, truth, challenger)
    if found is not None:
        assert found.mean() == pytest.approx(0, abs=1e-12)


def test_rows_alone_of_accuracy_have_the_score_interval_also_without_any_difference() -> None:
    truth, challenger, _, _ = drawn(3, 100)
    alone = np.arange(truth.size)
    found = interval("accuracy", (truth, challenger, challenger, alone))
    assert found.method.startswith("McNemar")
    assert found.low is not None
    assert found.low < 0 < (found.high or 0)


def test_the_same_seed_gives_the_same_interval_and_another_one_another() -> None:
    rows = drawn(2, 40)
    once = interval("average_precision", rows, seed=1)
    assert once == interval("average_precision", rows, seed=1)
    assert once != interval("average_precision", rows, seed=2)


def test_more_confidence_is_a_wider_interval() -> None:
    rows = drawn(2, 40)
    narrow, wide = interval("auc", rows, confidence=0.8), interval("auc", rows, confidence=0.99)
    assert narrow.low is not None
    assert wide.low is not None
    assert wide.low < narrow.low
    assert (wide.high or 0) > (narrow.high or 0)


def test_the_same_model_twice_differs_by_exactly_nothing() -> None:
    truth, challenger, _, labels = drawn(2, 40)
    found = interval("auc", (truth, challenger, challenger, labels))
    assert (found.low, found.difference, found.high) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("metric", METRICS)
def test_no_rows_give_no_interval(metric: str) -> None:
    none = np.empty(0)
    found = interval(metric, (none, none, none, none.astype(np.int64)))
    assert (found.challenger, found.difference, found.low, found.blocks) == (None, None, None, 0)
    assert "undefined" in found.note


def test_the_calibration_error_has_no_interval() -> None:
    found = interval("calibration_error", drawn(2, 40))
    assert found.difference is not None
    assert found.low is None
    assert "log_loss and brier have one" in found.note


def test_one_class_gives_no_interval_for_auc() -> None:
    truth, challenger, champion, labels = drawn(2, 40)
    found = interval("auc", (np.ones_like(truth), challenger, champion, labels))
    assert found.low is None
    assert "one class" in found.note


def test_too_few_blocks_give_a_difference_and_no_interval() -> None:
    rows = drawn(2, MIN_BLOCKS - 1, 100)
    found = interval("auc", rows)
    assert found.difference is not None
    assert (found.low, found.high) == (None, None)
    assert found.note == "9 independent blocks of rows are too few for an interval"


def test_a_class_in_one_block_only_gives_no_interval() -> None:
    _, challenger, champion, labels = drawn(2, 40)
    truth = np.zeros(labels.size)
    truth[0] = 1.0
    found = interval("auc", (truth, challenger, champion, labels))
    assert found.difference is not None
    assert found.low is None
    assert found.note.startswith("only 1 independent blocks have positive rows")


def test_a_class_in_many_blocks_gives_an_interval() -> None:
    _, challenger, champion, labels = drawn(2, 40)
    truth = (np.arange(labels.size) % 40 == 0).astype(np.float64)
    assert interval("auc", (truth, challenger, champion, labels)).low is not None


def test_a_prediction_that_is_not_a_number_is_an_error() -> None:
    truth, challenger, champion, labels = drawn(2, 40)
    champion[3] = np.nan
    with pytest.raises(ValueError, match="not a finite number"):
        interval("auc", (truth, challenger, champion, labels))


def test_block_labels_are_names_and_not_numbers() -> None:
    truth, challenger, champion, labels = drawn(2, 40)
    renamed = labels * 1_000_003 - 7
    assert interval("auc", (truth, challenger, champion, renamed)) == interval(
        "auc", (truth, challenger, champion, labels)
    )


@pytest.mark.parametrize("metric", ["brier", "rmse", "r2", "mae"])
def test_values_too_large_to_add_up_give_no_interval_and_a_note(metric):
    random = np.random.default_rng(1)
    truth, blocks = random.random(200), np.arange(200) // 5
    with np.errstate(all="ignore"):
        found = paired(
            metric, truth, random.random(200) * 1.7e308, random.random(200), blocks,
            confidence=0.95, resamples=20, seed=1,
        )  # fmt: skip
    assert (found.low, found.high) == (None, None)
    assert ("undefined" if metric == "r2" else "larger than any float") in found.note


def test_no_block_and_one_block_have_nothing_to_draw():
    for rows in (0, 3):
        values = np.linspace(0, 1, rows)
        found = paired_bootstrap(
            "average_precision", np.ones(rows), values, values, np.zeros(rows, dtype=np.intp),
            confidence=0.95, resamples=20, seed=1,
        )  # fmt: skip
        assert found.low is None
        assert "too few" in found.note
