"""The holdout is for ever: whatever else changes, a held-out id never trains."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from homeostat.errors import EmptyDataError
from homeostat.pipeline.holdout import in_holdout
from homeostat.pipeline.split import split
from tests.unit.pipeline.test_split import project

START = datetime(2024, 1, 1, tzinfo=UTC)
IDS = st.lists(st.text(max_size=12), min_size=1, max_size=60, unique=True)
SHARE = st.floats(0, 0.499)


@given(IDS, SHARE, st.randoms(use_true_random=False))
def test_it_goes_by_the_id_alone(ids: list[str], share: float, random: object) -> None:
    held = dict(zip(ids, in_holdout(pl.Series(ids), share).tolist(), strict=True))
    shuffled = list(ids)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    for part in (shuffled, shuffled[: len(ids) // 2 + 1], [shuffled[0]]):
        assert in_holdout(pl.Series(part), share).tolist() == [held[one] for one in part]


@given(IDS, SHARE, SHARE)
def test_a_larger_share_holds_out_a_superset(ids: list[str], one: float, other: float) -> None:
    small, large = (in_holdout(pl.Series(ids), share) for share in sorted((one, other)))
    assert not (small & ~large).any()


@settings(max_examples=40, deadline=None)
@given(
    share=SHARE,
    by=st.sampled_from(["time", "random", "group"]),
    seed=st.integers(0, 99),
    evaluate_d=st.integers(1, 40),
    history_d=st.none() | st.integers(1, 100),
    as_of_d=st.integers(1, 120),
)
def test_no_run_trains_or_evaluates_on_it(
    share: float, by: str, seed: int, evaluate_d: int, history_d: int | None, as_of_d: int
) -> None:
    n = 400
    rows = pl.DataFrame(
        {
            "id": [f"e{i}" for i in range(n)],
            "at": [START + timedelta(hours=6 * i) for i in range(n)],
            "shop": [f"s{i % 9}" for i in range(n)],
        }
    )
    training = {"seed": seed, "history": None if history_d is None else f"{history_d}d"}
    group = {"group": "shop"} if by == "group" else {}
    declared = project(training, by=by, evaluate=f"{evaluate_d}d", holdout_share=share, **group)
    held = in_holdout(rows["id"], share)
    try:
        parts = split(declared, rows, START + timedelta(days=as_of_d))
    except EmptyDataError:
        return
    assert np.array_equal(parts.holdout, held)
    assert not (held & (parts.train | parts.evaluation)).any()
    assert not (parts.train & parts.evaluation).any()
