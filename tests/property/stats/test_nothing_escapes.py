"""Every public method of homeostat.stats is held to the properties, or it is said why not."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from homeostat.domain.verdict import Verdict
from homeostat.stats.drift.two_sample import judged
from homeostat.stats.estimate.trust import Outside, trusted
from homeostat.stats.result import Result, unable
from tests.property.stats import judges, numbers, streams
from tests.property.stats.discovered import (
    functions,
)
from tests.property.stats.discovered import (
    judges as found_judges,
)
from tests.property.stats.discovered import (
    streams as found_streams,
)
from tests.property.stats.judges import FORM
from tests.property.stats.test_every_judge import check_sound

quick = settings(max_examples=200, deadline=None, derandomize=True)
COUNT = st.integers(0, 200)
PART = st.floats(0, 1)


def check(found: set[str], tabled: set[str], table: str) -> None:
    missing, gone = sorted(found - tabled), sorted(tabled - found)
    assert not missing, f"give {', '.join(missing)} an entry in tests/property/stats/{table}"
    assert not gone, f"{', '.join(gone)} is in tests/property/stats/{table} and nowhere else"


def test_the_walk_finds_what_is_there() -> None:
    assert {"fairness.equalized_odds", "calibration_error.recalibration"} <= found_judges()
    assert "detect.kswin.distance_threshold" in functions(), "behind a cache"
    assert {"detect.adwin.Adwin", "sequential.betting.BettingMean"} <= set(found_streams())
    assert "detect.detector.Detector" not in found_streams()


def test_every_function_that_answers_with_a_result_is_in_the_table() -> None:
    check(found_judges(), judges.TABLED, "judges.py")


def test_every_stream_is_in_the_table() -> None:
    check(set(found_streams()), streams.TABLED, "streams.py")


def test_every_other_function_is_in_the_table_or_has_a_reason() -> None:
    tabled = {number.of for number in numbers.NUMBERS}
    excused = [name for names in numbers.NO_ROWS.values() for name in names]
    assert len(excused) == len(set(excused))
    assert not tabled & set(excused)
    check(set(functions()) - found_judges(), tabled | set(excused), "numbers.py")


@quick
@given(sizes=st.tuples(COUNT, COUNT), p_value=PART, alpha=st.floats(0.001, 0.5), share=PART)
def test_a_test_is_judged_only_with_enough_rows_on_either_side(
    sizes: tuple[int, int], p_value: float, alpha: float, share: float
) -> None:
    effective = share or 1.0
    found = judged(
        "apart", (0.5, None, None), p_value=p_value, alpha=alpha, sizes=sizes, skipped=1,
        assumed="", effective=effective,
    )  # fmt: skip
    check_sound(FORM, found)
    if min(sizes) * effective < 20:
        assert found.verdict is Verdict.INCONCLUSIVE
        assert found.rows_needed is not None
    else:
        assert found.verdict is (Verdict.FAIL if p_value < alpha else Verdict.PASS)


@quick
@given(
    verdict=st.sampled_from(list(Verdict)), rows=COUNT, shares=st.lists(PART, max_size=3),
    limit=PART, minimum=COUNT,
)  # fmt: skip
def test_trust_never_makes_an_answer_surer(
    verdict: Verdict, rows: int, shares: list[float], limit: float, minimum: int
) -> None:
    given_result = Result(verdict, 0.5, rows=rows, error_rate=0.05, reason="seen")
    outside = [Outside(f"f{number}", share, 50) for number, share in enumerate(shares)]
    found = trusted(given_result, outside, limit=limit, minimum=minimum)
    assert found.verdict in (verdict, Verdict.INCONCLUSIVE)
    few, far = rows < minimum, max(shares, default=0.0) > limit
    if verdict is not Verdict.ERROR:
        assert (found != given_result) == (few or far) or verdict is Verdict.INCONCLUSIVE
        assert found.verdict is Verdict.INCONCLUSIVE or not (few or far)
    assert found.reason


def test_unable_is_never_a_pass() -> None:
    check_sound(FORM, unable("no rows", rows=0, skipped=3))
    assert unable("no rows").verdict is Verdict.INCONCLUSIVE
