"""What a candidate must show by itself, with or without a champion: fairness, calibration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeostat.domain.evidence import Finding
from homeostat.spec.gates import Fairness
from homeostat.spec.project import Project
from homeostat.stats.calibration_error import calibration_error
from homeostat.stats.fairness import demographic_parity, equalized_odds
from homeostat.stats.metrics import Array
from homeostat.stats.result import Result

if TYPE_CHECKING:
    import polars as pl

THRESHOLD = 0.5


def findings_of(
    project: Project, rows: pl.DataFrame, truth: Array, prediction: Array
) -> tuple[Finding, ...]:
    """A finding for each declared limit, on the evaluation rows."""
    found = []
    for column, asked in project.gates.fairness.items():
        found += _fair(column, asked, rows, truth, prediction)
    calibration = project.gates.calibration
    if calibration is not None:
        result = calibration_error(
            truth,
            prediction,
            limit=calibration.max_error,
            confidence=calibration.confidence,
        )
        found.append(_finding("calibration", "", result, calibration.max_error))
    return tuple(found)


def _fair(
    column: str, asked: Fairness, rows: pl.DataFrame, truth: Array, prediction: Array
) -> list[Finding]:
    groups = rows[column].cast(str).to_numpy()
    found = []
    if asked.demographic_parity is not None:
        result = demographic_parity(
            prediction,
            groups,
            threshold=THRESHOLD,
            limit=asked.demographic_parity,
            confidence=asked.confidence,
            min_rows=asked.min_rows,
        )
        found.append(_finding("demographic parity", column, result, asked.demographic_parity))
    if asked.equalized_odds is not None:
        result = equalized_odds(
            truth,
            prediction,
            groups,
            threshold=THRESHOLD,
            limit=asked.equalized_odds,
            confidence=asked.confidence,
            min_rows=asked.min_rows,
        )
        found.append(_finding("equalized odds", column, result, asked.equalized_odds))
    return found


def _finding(name: str, column: str, result: Result, limit: float) -> Finding:
    where = f" by {column}" if column else ""
    reason = f"{name}{where}: {result.reason}"
    return Finding(f"{name}{where}", result.verdict, reason, column, result.estimate, limit)
