"""What this process takes of its machine, and how much of it there is."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from time import process_time


@dataclass(frozen=True, slots=True)
class Taken:
    """``cpu_s`` is processor time since the process began, of all its threads.

    None: this system does not tell. Memory and processors are those of the container where it
    has a limit, so ``processors`` may be a fraction.
    """

    cpu_s: float
    resident_bytes: int | None
    memory_bytes: int | None
    processors: float | None


def taken(root: Path = Path("/")) -> Taken:
    """Of this process. ``root`` holds ``proc`` and ``sys``, as Linux has them."""
    return Taken(process_time(), _resident_bytes(root), _memory_bytes(root), _processors(root))


def _resident_bytes(root: Path) -> int | None:
    pages = _words(root / "proc/self/statm")
    if len(pages) < 2 or not pages[1].isdecimal():
        return None
    return int(pages[1]) * os.sysconf("SC_PAGE_SIZE")


def _memory_bytes(root: Path) -> int | None:
    """Memory of the machine, or what the container may have of it."""
    words = _words(root / "proc/meminfo")
    known = []
    if words[:1] == ["MemTotal:"] and words[1].isdecimal():
        known.append(int(words[1]) * 1024)
    limit = _words(root / "sys/fs/cgroup/memory.max")
    if limit and limit[0].isdecimal():  # it says "max" where there is no limit
        known.append(int(limit[0]))
    return min(known, default=None)


def _processors(root: Path) -> float | None:
    """Processors that this process may use, or the container's share of their time."""
    usable = getattr(os, "sched_getaffinity", None)
    count = len(usable(0)) if usable is not None else os.cpu_count()
    quota = _words(root / "sys/fs/cgroup/cpu.max")
    known = [] if count is None else [float(count)]
    if len(quota) == 2 and quota[0].isdecimal() and quota[1].isdecimal() and int(quota[1]):
        known.append(int(quota[0]) / int(quota[1]))
    return min(known, default=None)


def _words(file: Path) -> list[str]:
    """Words of a small file; none where it is missing."""
    try:
        return file.read_text(encoding="utf-8").split()
    except OSError:
        return []
