"""Parts of the evaluation rows: declared, by condition, and found."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from homeostat.errors import ColumnError
from homeostat.features.segments import segment_rows
from homeostat.pipeline.slices import found_slices, segments
from homeostat.spec.gates import Discovered

from .test_features import declared

ASKED = Discovered(leaves=4, min_rows=100)


def project(**metrics):
    return declared(
        features={"row": ["kind", "x", "y"], "categorical": ["kind"]},
        metrics={"primary": "auc", **metrics},
    )


def rows(count=4000, seed=0):
    random = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "at": [datetime(2024, 1, 1, tzinfo=UTC) + n * timedelta(minutes=9)
                   for n in range(count)],
            "kind": random.choice(["a", "b", "c"], size=count),
            "x": random.uniform(size=count),
            "y": random.normal(size=count),
        }
    )  # fmt: skip


def test_a_slice_that_nobody_declared_is_found_where_the_loss_is():
    frame = rows()
    bad = ((frame["kind"] == "b") & (frame["x"] > 0.7)).to_numpy()
    loss = np.random.default_rng(1).normal(size=frame.height) + 2.0 * bad
    blocks = np.arange(frame.height) // 40
    found = found_slices(project(), frame, loss, blocks, ASKED, 7)
    name, mask = found[0]
    assert name.startswith("slice:found:")
    assert "kind = b" in name
    assert "x > 0.7" in name or "x > 0.6" in name
    assert bad[mask].mean() > 0.9
    assert loss[mask].mean() > 1.5


def test_the_rows_that_judge_were_not_those_that_searched():
    """On pure noise the leaves' means on the judging half are about nothing."""
    means = []
    for seed in range(20):
        frame = rows(seed=seed)
        loss = np.random.default_rng(seed + 100).normal(size=frame.height)
        blocks = np.arange(frame.height) // 40
        for _, mask in found_slices(project(), frame, loss, blocks, ASKED, seed):
            means.append(loss[mask].mean() * np.sqrt(mask.sum()))
            assert len(np.unique(blocks[mask])) <= 51  # one half of the 100 blocks
    assert len(means) > 20
    assert abs(np.mean(means)) < 4 / np.sqrt(len(means))


def test_too_few_rows_find_nothing():
    assert found_slices(project(), rows(300), np.ones(300), np.arange(300), ASKED, 1) == []
    nothing = rows(0)
    assert found_slices(project(), nothing, np.empty(0), np.empty(0, int), ASKED, 1) == []


def test_a_segment_is_where_its_condition_is_true():
    frame = rows(100).with_columns(x=pl.when(pl.col("x") < 0.1).then(None).otherwise(pl.col("x")))
    ((name, mask),) = segments(project(segments={"high": "x >= 0.5 AND kind = 'a'"}), frame)
    assert name == "segment:high"
    expected = ((frame["x"] >= 0.5) & (frame["kind"] == "a")).fill_null(value=False)
    assert mask.tolist() == expected.to_list()


@pytest.mark.parametrize("text", ["nope > 1", "x +", "x", "count(*) > 3", "max(x) > 0"])
def test_what_is_no_condition_names_its_key(text):
    with pytest.raises(ColumnError) as refused:
        segment_rows(rows(10), "high", text)
    assert refused.value.subject == "homeostat.yaml: metrics.segments.high"
