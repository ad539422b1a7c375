"""Evidently's default test of each column. Run by the Python of its environment.

Run: peer_evidently.py FILE.npz    (arrays NAME.before and NAME.after, of shape (rows, columns))

Each column is one trial: its reference and its window, judged by the method and the threshold
that Evidently picks by itself.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "drift_peers"))

import quiet  # first: it sets the switches that Evidently reads on import

# isort: split
import numpy as np
import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.metrics import ValueDrift

AT_ONCE = 100


def judged(before: np.ndarray, after: np.ndarray) -> dict[str, Any]:
    """Whether each column drifted, and the methods that were picked."""
    drifted, methods = [], set()
    for start in range(0, before.shape[1], AT_ONCE):
        sides = []
        for values in (after, before):
            frame = pd.DataFrame(values[:, start : start + AT_ONCE])
            frame.columns = [f"c{n}" for n in range(frame.shape[1])]
            numbers = DataDefinition(numerical_columns=list(frame.columns))
            sides.append(Dataset.from_pandas(frame, numbers))
        asked = [ValueDrift(column=name) for name in frame.columns]
        for metric in Report(asked).run(*sides).dict()["metrics"]:
            method, limit = metric["config"]["method"], metric["config"]["threshold"]
            value = float(metric["value"])
            drifted.append(bool(value < limit if "p_value" in method else value >= limit))
            methods.add(f"{method}, {limit}")
    return {"drifted": drifted, "methods": sorted(methods)}


def main() -> None:
    """Read, ask, print."""
    packages = ["evidently", "pandas", "numpy", "scipy"]
    found: dict[str, Any] = {"peer": "evidently", "versions": quiet.versions(*packages)}
    arrays = np.load(sys.argv[1])
    names = sorted({key.rsplit(".", 1)[0] for key in arrays.files})
    found["columns"] = {
        name: judged(arrays[f"{name}.before"], arrays[f"{name}.after"]) for name in names
    }
    quiet.answer(found)


if __name__ == "__main__":
    main()
