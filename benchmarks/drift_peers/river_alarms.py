"""How often River's detectors alarm on streams without a change. Run by its environment's Python.

Run: river_alarms.py alarms STREAMS.npy [--kswin 50]     (shape (streams, length))
     river_alarms.py versions

Each detector has its default settings; a stream is left at its first alarm. DDM and EDDM take
errors, 0 or 1, and are left out for other values. KSWIN draws at random and has no default seed:
stream n is given seed n. It runs a test at each value, so it gets the first ``--kswin`` streams
only; every answer says how many streams it is of.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from time import process_time
from typing import Any

import quiet

# isort: split
import numpy as np
from river import drift

DETECTORS: dict[str, Callable[[int], Any]] = {
    "ADWIN": lambda _: drift.ADWIN(),
    "PageHinkley": lambda _: drift.PageHinkley(),
    "DDM": lambda _: drift.binary.DDM(),
    "EDDM": lambda _: drift.binary.EDDM(),
    "KSWIN": lambda seed: drift.KSWIN(seed=seed),
}
OF_ERRORS = {"DDM", "EDDM"}


def first_alarm(detector: Any, stream: list[float]) -> int | None:
    """The number of values after which it first alarms, or None."""
    for number, value in enumerate(stream, start=1):
        detector.update(value)
        if detector.drift_detected:
            return number
    return None


def alarms(streams: np.ndarray, kswin: int) -> dict[str, Any]:
    """Each detector: the share of streams with an alarm, and when each was first."""
    errors = bool(np.isin(streams, (0, 1)).all())
    found: dict[str, Any] = {}
    for name, make in DETECTORS.items():
        if name in OF_ERRORS and not errors:
            found[name] = None
            continue
        values = streams.astype(int) if name in OF_ERRORS else streams
        values = values[:kswin] if name == "KSWIN" else values
        began = process_time()
        first = [first_alarm(make(n), stream.tolist()) for n, stream in enumerate(values)]
        seen = [number for number in first if number is not None]
        found[name] = {
            "streams": len(first),
            "cpu_s": process_time() - began,
            "share": len(seen) / len(first),
            "median_first": float(np.median(seen)) if seen else None,
            "first": first,
        }
    return found


def main() -> None:
    """Read, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["alarms", "versions"])
    parser.add_argument("file", nargs="?", help="streams, .npy")
    parser.add_argument("--kswin", type=int, default=50, help="streams that KSWIN is given")
    given = parser.parse_args()
    packages = ["river", "numpy", "scipy"]
    found: dict[str, Any] = {"peer": "river", "versions": quiet.versions(*packages)}
    if given.what == "alarms":
        if given.file is None:
            parser.error("a file of streams is asked")
        streams = np.load(given.file)
        if streams.ndim != 2 or streams.size == 0 or not np.isfinite(streams).all():
            parser.error(f"finite values of shape (streams, length) are asked: {streams.shape}")
        found["streams"], found["length"] = streams.shape
        found["detectors"] = alarms(streams, given.kswin)
    quiet.answer(found)


if __name__ == "__main__":
    main()
