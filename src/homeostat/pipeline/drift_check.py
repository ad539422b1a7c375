"""Has a delivery another distribution than the accepted data before it? By PSI per column."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from homeostat.domain.evidence import Finding
from homeostat.domain.verdict import Verdict
from homeostat.features.profile_columns import columns_of
from homeostat.spec.sources import DriftCheck
from homeostat.stats.profile import count, profile_of

if TYPE_CHECKING:
    import polars as pl


def drift_findings(
    frame: pl.DataFrame, reference: pl.DataFrame | None, check: DriftCheck
) -> Iterator[Finding]:
    """One finding per column that moved more than allowed, or that could not be compared.

    A column that is missing has a finding of its own and is left out here. With fewer
    than ``min_rows`` rows on either side the verdict is inconclusive, and says so.
    """
    before = reference.height if reference is not None else 0
    if reference is None or min(frame.height, before) < check.min_rows:
        reason = (
            f"drift of {', '.join(check.columns)}: {frame.height:,} rows against {before:,}, "
            f"{check.min_rows:,} are asked on either side"
        )
        yield Finding("drift", Verdict.INCONCLUSIVE, reason)
        return
    names = [c for c in check.columns if c in frame.columns and c in reference.columns]
    before_profile = profile_of(columns_of(reference, names))
    after_profile = count(before_profile.bins, columns_of(frame, names))
    for column, value in after_profile.psi(before_profile).items():
        if value is not None and value > check.max_psi:
            reason = f"column '{column}': PSI {value:.2f}, at most {check.max_psi:g} is allowed"
            yield Finding("drift", Verdict.FAIL, reason, column, value, check.max_psi)
