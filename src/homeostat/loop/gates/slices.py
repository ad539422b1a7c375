"""Whether the candidate is worse on some part of the rows: many parts, one error rate.

Slices and segments are a guard: one that is shown to be worse than the margin refuses the
candidate, one with too few rows to tell does not. A declared segment that has no rows, or fewer
than are asked, does: nobody looked. The p values of all parts are adjusted together, by Holm
(any false refusal with probability at most (1 - confidence) / 2) or by Benjamini & Hochberg
(their expected share).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from homeostat.domain.evidence import Comparison, Finding
from homeostat.domain.verdict import Verdict
from homeostat.loop.gates.margin import judged
from homeostat.policy.settings import GatePolicy, SlicePolicy
from homeostat.stats.compare.margin import worse_p
from homeostat.stats.compare.multiplicity import benjamini_hochberg, holm

SLICE, SEGMENT = "slice:", "segment:"


def is_part(where: str) -> bool:
    """Whether a comparison or a finding is about a part of the rows."""
    return where.startswith((SLICE, SEGMENT))


def worse_parts(
    comparisons: Sequence[Comparison], gate: GatePolicy, policy: SlicePolicy
) -> list[Finding]:
    """A finding per part: *fail* when it is shown to be worse, with the adjusted p value."""
    parts = [c for c in comparisons if is_part(c.where)]
    adjust = holm if policy.control == "holm" else benjamini_hochberg
    p_values = [_p(part, gate) for part in parts]
    adjusted = adjust([float("nan") if p is None else p for p in p_values])
    level = (1 - gate.confidence) / 2
    return [
        _finding(part, gate, None if p is None else float(fair), level, len(p_values))
        for part, p, fair in zip(parts, p_values, adjusted, strict=True)
    ]


def missing_segments(comparisons: Sequence[Comparison], policy: SlicePolicy) -> list[Finding]:
    """Declared segments without enough rows: *fail* without any, else *inconclusive*."""
    rows = {c.where: c.rows for c in comparisons if c.where.startswith(SEGMENT)}
    found = []
    for name in policy.segments:
        count = rows.get(f"{SEGMENT}{name}", 0)
        if count >= policy.min_rows:
            continue
        verdict = Verdict.INCONCLUSIVE if count else Verdict.FAIL
        reason = f"segment '{name}' has {count:,} rows, {policy.min_rows:,} are asked"
        found.append(Finding(f"rows:{name}", verdict, reason, name, count, policy.min_rows))
    return found


def _p(part: Comparison, gate: GatePolicy) -> float | None:
    if part.difference is None or part.error is None or part.rows < gate.min_rows:
        return None
    return worse_p(part.difference, part.error, max(part.blocks, 2), gate.margin)


def _finding(
    part: Comparison, gate: GatePolicy, p: float | None, level: float, parts: int
) -> Finding:
    found = judged(part, replace(gate, superior=False))
    if p is not None and p <= level:
        reason = f"{found.reason}; worse with p = {p:.2g} among {parts} parts"
        return replace(found, verdict=Verdict.FAIL, reason=reason)
    if found.verdict is Verdict.FAIL:
        told = f"{p:.2g}" if p is not None else "unknown"
        reason = f"{found.reason}; p = {told} among {parts} parts is not enough"
        return replace(found, verdict=Verdict.INCONCLUSIVE, reason=reason)
    return found
