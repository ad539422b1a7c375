"""A monitoring report in one verdict and one sentence."""

from __future__ import annotations

from collections.abc import Sequence

from homeostat.domain.monitor import JudgedReport
from homeostat.domain.verdict import Verdict
from homeostat.monitoring.drift import Looked
from homeostat.stats.estimate.trust import MAX_OUTSIDE

OUTSIDE = "outside of the training rows"
"""Name of the test that the largest share outside has in a report."""


def summed_up(looked: Looked, tests: Sequence[JudgedReport]) -> tuple[Verdict, str]:
    """What drifted first; else what else changed; else that nothing is known, or nothing moved."""
    drifted = looked.features.drifted
    if drifted:
        names = ", ".join(one.name for one in drifted[:5])
        more = f" and {len(drifted) - 5} more" if len(drifted) > 5 else ""
        weight = looked.features.weight
        share = f", {weight:.0%} of what the model goes by" if weight is not None else ""
        count = f"{len(drifted)} of {len(looked.features.features)} features drifted"
        return Verdict.FAIL, f"{count}{share}: {names}{more}."
    if not looked.features.known:
        reason = next((one.reason for one in looked.features.features if one.reason), "no rows")
        return Verdict.INCONCLUSIVE, f"Nothing is known of drift: {reason}."
    said = _beside(looked, tests)
    if said:
        return Verdict.FAIL, f"No single feature drifted, but {'; '.join(said)}."
    return Verdict.PASS, "No feature drifted beyond what healthy windows show by chance."


def _beside(looked: Looked, tests: Sequence[JudgedReport]) -> list[str]:
    """What changed although no single feature drifted."""
    said = []
    if looked.outside is not None and looked.outside.share > MAX_OUTSIDE:
        share, name = looked.outside.share, looked.outside.name
        said.append(f"{share:.0%} of rows are unlike the training rows in {name}")
    if looked.prediction is not None and looked.prediction.drifted:
        said.append("the predictions did")
    found = [test.name for test in tests if test.verdict is Verdict.FAIL and test.name != OUTSIDE]
    if found:
        word = "says" if len(found) == 1 else "say"
        said.append(f"{' and '.join(found)} {word} that something changed")
    return said
