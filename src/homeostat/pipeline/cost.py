"""What serving a candidate costs: time for one row, and bytes on disk."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter

from homeostat.pipeline.golden import read_golden
from homeostat.pipeline.scorer import Scorer, load_scorer

ANSWERS = 400
"""One-row answers that are timed, after as many to warm up."""


def costs_of(package: Path, trusted_digest: str) -> dict[str, float]:
    """``latency_p95_ms`` of one row and ``size_mb`` (10^6 bytes) of the package.

    One row is timed as the gateway answers it, on the golden rows in turn, without network,
    validation and log; on this machine, with whatever else it does. Raises ModelLoadError.
    """
    size = sum(file.stat().st_size for file in package.rglob("*") if file.is_file())
    scorer = load_scorer(package, trusted_digest=trusted_digest)
    return {"latency_p95_ms": _latency_p95_ms(scorer, package), "size_mb": size / 1e6}


def _latency_p95_ms(scorer: Scorer, package: Path) -> float:
    import numpy as np

    frame, _ = read_golden(package)
    rows = scorer.schema.conform(frame)
    plain = [list(row) for row in rows.iter_rows()]
    took = []
    for turn in range(2 * ANSWERS):
        place = turn % len(plain)
        began = perf_counter()
        if scorer.encode_row is None:
            scorer.score(rows[place])
        else:
            scorer.score_matrix(np.array([scorer.encode_row(plain[place])]))
        took.append((perf_counter() - began) * 1000)
    return float(np.quantile(took[ANSWERS:], 0.95))
