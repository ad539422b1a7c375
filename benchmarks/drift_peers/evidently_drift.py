"""Evidently's drift scores and the time of its preset. Run by the Python of its environment.

Run: evidently_drift.py scores REFERENCE.parquet CURRENT.parquet
     evidently_drift.py timing REFERENCE.parquet CURRENT.parquet [--repeat 3]
     evidently_drift.py versions

Columns of numbers only; each is declared a number, whatever Evidently would make of it.
"""

from __future__ import annotations

import argparse
import os
import resource
from collections.abc import Callable
from time import perf_counter, process_time
from typing import Any

import quiet  # first: it sets the switches that Evidently reads on import

# isort: split
import evidently_bins
import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.legacy.calculations.stattests import jensenshannon_stat_test, psi_stat_test
from evidently.legacy.core import ColumnType
from evidently.metrics import ValueDrift
from evidently.presets import DataDriftPreset

METHODS = ["psi", "ks", "jensenshannon"]
WARM_ROWS = 2_000


def dataset(frame: pd.DataFrame) -> Dataset:
    """The frame as Evidently takes it."""
    return Dataset.from_pandas(frame, DataDefinition(numerical_columns=list(frame.columns)))


def scores(reference: pd.DataFrame, current: pd.DataFrame) -> dict[str, Any]:
    """Each column's score by each method, by its public interface, and ours from its definition.

    ``ks`` is the p-value (Evidently's score), not the statistic.
    """
    asked = [(column, method) for column in reference.columns for method in METHODS]
    metrics = [ValueDrift(column=column, method=method) for column, method in asked]
    done = Report(metrics).run(dataset(current), dataset(reference)).dict()["metrics"]
    found: dict[str, dict[str, Any]] = {column: {} for column in reference.columns}
    for metric in done:
        config = metric["config"]
        found[config["column"]][config["method"]] = float(metric["value"])
    for column, values in found.items():
        before, after = (
            evidently_bins.cleaned(frame[column].to_numpy()) for frame in (reference, current)
        )
        cut = evidently_bins.edges(before, after)
        values["edges"] = None if cut is None else cut.tolist()
        values["restated"] = {
            "psi": evidently_bins.psi(before, after),
            "jensenshannon": evidently_bins.jensen_shannon(before, after),
        }
    return found


def timed(work: Callable[[], Any], repeat: int) -> dict[str, Any]:
    """Wall and processor seconds of each run, and what the last answered.

    ``load`` is the machine's mean number of waiting processes in the minute before each run, this
    one with them: where it is above the number of processors, the wall time tells of others' work.
    """
    wall, used, load, out = [], [], [], None
    for _ in range(repeat):
        load.append(os.getloadavg()[0])
        began, busy = perf_counter(), process_time()
        out = work()
        wall.append(perf_counter() - began)
        used.append(process_time() - busy)
    return {"wall_s": wall, "cpu_s": used, "load": load, "out": out}


def preset(reference: Dataset, current: Dataset, method: str | None) -> dict[str, Any]:
    """The preset's run, its report built but not written, and the numbers taken from it."""
    metrics = Report([DataDriftPreset(method=method)]).run(current, reference).dict()["metrics"]
    drifted = [metric for metric in metrics if "count" in str(metric["metric_name"]).lower()]
    columns = [metric["config"] for metric in metrics if "column" in metric["config"]]
    return {
        "methods": sorted({str(config["method"]) for config in columns}),
        "columns": len(columns),
        "drifted": drifted[0]["value"],
    }


def timing(reference: pd.DataFrame, current: pd.DataFrame, repeat: int) -> dict[str, Any]:
    """The preset by default and with PSI; PSI's and JS's functions alone, once a column.

    The preset asks its test three times of each column (for the count, for the column and for the
    table of its page) and draws the plots, so both are given.
    """
    small = [dataset(frame.head(WARM_ROWS)) for frame in (reference, current)]
    preset(small[0], small[1], None)  # imports and templates, left out of the times
    began = perf_counter()
    before, after = dataset(reference), dataset(current)
    out: dict[str, Any] = {"dataset_s": perf_counter() - began}
    out["preset_default"] = timed(lambda: preset(before, after, None), repeat)
    out["preset_psi"] = timed(lambda: preset(before, after, "psi"), repeat)
    for test in (psi_stat_test, jensenshannon_stat_test):

        def alone(test: Any = test) -> int:
            for column in reference.columns:
                test(reference[column], current[column], ColumnType.Numerical, None)
            return len(reference.columns)

        out[f"{test.name}_function"] = timed(alone, repeat)
    out["peak_memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    out["processors"] = len(os.sched_getaffinity(0))
    return out


def main() -> None:
    """Read, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["scores", "timing", "versions"])
    parser.add_argument("files", nargs="*", help="reference and current, Parquet")
    parser.add_argument("--repeat", type=int, default=1)
    given = parser.parse_args()
    packages = ["evidently", "pandas", "numpy", "scipy", "scikit-learn"]
    found: dict[str, Any] = {"peer": "evidently", "versions": quiet.versions(*packages)}
    if given.what != "versions":
        if len(given.files) != 2:
            parser.error("two files are asked: the reference, then the current")
        reference, current = (pd.read_parquet(path) for path in given.files)
        found["rows"] = [len(reference), len(current)]
        if given.what == "scores":
            found["columns"] = scores(reference, current)
        else:
            found |= timing(reference, current, given.repeat)
    quiet.answer(found)


if __name__ == "__main__":
    main()
