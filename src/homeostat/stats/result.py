"""What every test, interval and detector answers with."""

from __future__ import annotations

from dataclasses import dataclass

from homeostat.domain.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Result:
    """An estimate with its uncertainty, and what follows from it at a stated error rate.

    ``verdict`` is *fail* when what the method looks for (harm, drift, unfairness) is shown,
    *pass* when enough was seen and it is not there, *inconclusive* when there was too little to
    tell, *error* when the input makes no sense. No rows are never a pass.

    ``error_rate`` is the probability, under ``assumed``, that the answer is wrong in the way the
    method bounds: a false alarm for a test or a detector, a missed truth for an interval. The
    docstring of the method says which. ``rows`` counts what was used, ``skipped`` what was left
    out because it was not a finite number. ``rows_needed`` is how many rows would probably have
    been enough, when there were too few.
    """

    verdict: Verdict
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    error_rate: float | None = None
    rows: int = 0
    skipped: int = 0
    rows_needed: int | None = None
    assumed: str = ""
    reason: str = ""


def unable(reason: str, *, rows: int = 0, skipped: int = 0) -> Result:
    """An inconclusive result: there was too little to tell, and why.

    >>> unable("no rows").verdict
    <Verdict.INCONCLUSIVE: 'inconclusive'>
    """
    return Result(Verdict.INCONCLUSIVE, rows=rows, skipped=skipped, reason=reason)
