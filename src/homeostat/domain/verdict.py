"""The four verdicts. No evidence is never a pass."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Verdict(StrEnum):
    """Outcome of a gate, a check or a test."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"


_SEVERITY = (Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.FAIL, Verdict.ERROR)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The most severe of ``verdicts``; of none at all, inconclusive.

    >>> worst([Verdict.PASS, Verdict.INCONCLUSIVE])
    <Verdict.INCONCLUSIVE: 'inconclusive'>
    >>> worst([])
    <Verdict.INCONCLUSIVE: 'inconclusive'>
    """
    found = list(verdicts)
    return max(found, key=_SEVERITY.index) if found else Verdict.INCONCLUSIVE
