"""Findings as sentences."""

from __future__ import annotations

from homeostat.domain.evidence import Finding, explain
from homeostat.domain.verdict import Verdict

FINDINGS = tuple(Finding(verdict.value, verdict, f"it is {verdict.value}") for verdict in Verdict)


def test_the_worst_comes_first():
    assert explain(FINDINGS) == "it is error; it is fail; it is inconclusive; it is pass"


def test_only_one_verdict_may_be_asked_for():
    assert explain(FINDINGS, only=Verdict.FAIL) == "it is fail"
    assert explain((), only=Verdict.FAIL) == ""
