import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from homeostat.stats.compare.block_auc import BlockAuc
from homeostat.stats.metrics import Ranked


@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(1, 60))
def test_it_equals_the_weighted_auc_of_the_rows_with_ties(seed, blocks, rows):
    random = np.random.default_rng(seed)
    truth = random.integers(2, size=rows).astype(float)
    prediction = random.integers(8, size=rows) / 8
    codes = np.unique(random.integers(blocks, size=rows), return_inverse=True)[1]
    counts = random.integers(3, size=int(codes.max()) + 1).astype(float)
    ours = BlockAuc(truth, prediction, codes).auc(counts)
    theirs = Ranked(truth, prediction).auc(counts[codes])
    assert (ours is None) == (theirs is None)
    assert ours is None or ours == pytest.approx(theirs, abs=1e-12)


def test_all_blocks_once_is_the_plain_auc():
    random = np.random.default_rng(1)
    truth = random.integers(2, size=500).astype(float)
    prediction = truth + random.normal(size=500)
    found = BlockAuc(truth, prediction, np.arange(500) % 7).auc(np.ones(7))
    assert found == pytest.approx(roc_auc_score(truth, prediction))


def test_one_class_or_no_draw_has_no_auc():
    ones = BlockAuc(np.ones(4), np.arange(4.0), np.array([0, 0, 1, 1]))
    assert ones.auc(np.ones(2)) is None
    apart = BlockAuc(np.array([0.0, 1.0]), np.array([0.0, 1.0]), np.array([0, 1]))
    assert apart.auc(np.array([1.0, 0.0])) is None
    assert apart.auc(np.zeros(2)) is None
    empty = BlockAuc(np.empty(0), np.empty(0), np.empty(0, dtype=np.intp))
    assert empty.auc(np.empty(0)) is None


def test_a_prediction_that_is_not_a_number_is_an_error():
    with pytest.raises(ValueError, match="not a finite number"):
        BlockAuc(np.array([0.0, 1.0]), np.array([0.0, np.nan]), np.array([0, 0]))
