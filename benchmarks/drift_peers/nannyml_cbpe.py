"""NannyML's estimate of performance without labels (CBPE). Run by the Python of its environment.

Run: nannyml_cbpe.py cbpe REFERENCE.parquet ANALYSIS.parquet LABELS.npy [--chunks 1]
     nannyml_cbpe.py versions

REFERENCE has columns y_true (0 or 1), y_pred (0 or 1) and y_pred_proba; ANALYSIS the last two.
LABELS, of shape (rows of ANALYSIS,), is only for the realised values: CBPE never sees it.
"""

from __future__ import annotations

import argparse
from typing import Any

import quiet  # first: it sets the switches that NannyML reads on import

# isort: split
import nannyml as nml
import numpy as np
import pandas as pd

METRICS = ["roc_auc", "accuracy", "f1"]
KEPT = {
    "estimated": "value",
    "sampling_error": "sampling_error",
    "low": "lower_confidence_boundary",
    "high": "upper_confidence_boundary",
    "lower_threshold": "lower_threshold",
    "upper_threshold": "upper_threshold",
    "alert": "alert",
}
BOUNDS = ("start", "end")
NAMES = {
    "y_pred_proba": "y_pred_proba",
    "y_pred": "y_pred",
    "y_true": "y_true",
    "problem_type": "classification_binary",
    "metrics": METRICS,
}


def cbpe(reference: pd.DataFrame, analysis: pd.DataFrame, labels: Any, chunks: int) -> Any:
    """Each chunk of the analysis: estimated and realised values.

    ``chunks`` equal parts (NannyML's own default is ten); the reference is cut likewise, and the
    thresholds come from its realised values, so of one chunk they mean nothing.
    """
    estimator = nml.CBPE(chunk_number=chunks, **NAMES)
    estimator.fit(reference)
    estimated = estimator.estimate(analysis).filter(period="analysis").to_df()
    realised = nml.PerformanceCalculator(chunk_number=chunks, **NAMES)
    realised.fit(reference)
    known = realised.calculate(analysis.assign(y_true=labels)).filter(period="analysis").to_df()
    parts = []
    for number in range(len(estimated)):
        begin, end = (int(estimated[("chunk", f"{side}_index")][number]) for side in BOUNDS)
        part: dict[str, Any] = {"begin": begin, "end": end + 1}
        for metric in METRICS:
            values = {name: estimated[(metric, theirs)][number] for name, theirs in KEPT.items()}
            part[metric] = values | {"realised": known[(metric, "value")][number]}
        parts.append(part)
    return {"calibrated": bool(estimator.needs_calibration), "chunks": parts}


def main() -> None:
    """Read, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["cbpe", "versions"])
    parser.add_argument("files", nargs="*", help="reference, analysis, labels")
    parser.add_argument("--chunks", type=int, default=1)
    given = parser.parse_args()
    packages = ["nannyml", "pandas", "numpy", "scikit-learn"]
    found: dict[str, Any] = {"peer": "nannyml", "versions": quiet.versions(*packages)}
    if given.what == "cbpe":
        if len(given.files) != 3:
            parser.error("three files are asked: the reference, the analysis, its labels")
        reference, analysis = (pd.read_parquet(path) for path in given.files[:2])
        labels = np.load(given.files[2])
        if len(labels) != len(analysis):
            parser.error(f"{len(labels)} labels for {len(analysis)} rows")
        if "y_true" in analysis.columns:
            parser.error("the analysis has labels: CBPE is to be asked without")
        found["rows"] = [len(reference), len(analysis)]
        found |= cbpe(reference, analysis, labels, given.chunks)
    quiet.answer(found)


if __name__ == "__main__":
    main()
