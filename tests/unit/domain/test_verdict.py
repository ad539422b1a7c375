"""The four verdicts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from homeostat.domain.verdict import Verdict, worst

VERDICTS = st.lists(st.sampled_from(Verdict))


def test_no_evidence_is_never_a_pass():
    assert worst([]) is Verdict.INCONCLUSIVE


@given(VERDICTS.filter(bool))
def test_the_worst_is_one_of_them_and_a_pass_only_if_all_are(verdicts):
    found = worst(verdicts)
    assert found in verdicts
    assert (found is Verdict.PASS) == (set(verdicts) == {Verdict.PASS})


@given(VERDICTS.filter(bool), VERDICTS.filter(bool))
def test_more_evidence_never_makes_it_better(some, more):
    order = [Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.FAIL, Verdict.ERROR]
    assert order.index(worst(some + more)) >= order.index(worst(some))
