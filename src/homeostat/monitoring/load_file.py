"""The file of load samples: one line each, the last day of them.

One process writes, any number read.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path

from homeostat.monitoring.load import Sample, line_of, samples_of

NAME = "load.jsonl"
KEEP = timedelta(hours=24)
"""How long a sample is kept."""


def append(file: Path, sample: Sample) -> None:
    """Write one sample; OSError when the disk does not take it.

    A torn last line, left by a kill or a full disk, is ended first, so that only it is lost.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    opened = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        size = os.fstat(opened).st_size
        torn = size > 0 and os.pread(opened, 1, size - 1) != b"\n"
        os.write(opened, b"\n" * torn + line_of(sample))
    finally:
        os.close(opened)


def read(file: Path) -> list[Sample]:
    """All samples in order of time; none when the file is missing or cannot be read."""
    try:
        return samples_of(file.read_bytes())
    except OSError:
        return []


def trim(file: Path, now: datetime) -> int:
    """Leave out what is older than :data:`KEEP`, or later than ``now``; how many samples.

    The new file takes the place of the old one whole, or not at all. OSError when the disk does
    not take it: the old one stays.
    """
    samples = read(file)
    kept = [one for one in samples if now - KEEP <= one.at <= now]
    if len(kept) == len(samples):
        return 0
    unfinished = file.with_suffix(".new")
    try:
        unfinished.write_bytes(b"".join(line_of(one) for one in kept))
        unfinished.replace(file)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
    return len(samples) - len(kept)
