"""Sealed files that were read, held in memory while they are asked for."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from homeostat.monitoring.log_rows import COLUMNS, some
from homeostat.monitoring.log_sealed import read_sealed

if TYPE_CHECKING:
    import polars as pl

WHOLE_BYTES = 500_000
"""A file up to this size is read whole: whoever wants some columns soon wants others."""
CACHED_FILES = 400
CACHED_BYTES = 512 * 2**20
"""What is held at most, without the file read last."""


class SealedCache:
    """Columns of sealed files. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._frames: OrderedDict[tuple[Path, tuple[str, ...]], tuple[pl.DataFrame, int]] = (
            OrderedDict()
        )
        self._bytes = 0

    def frame(self, path: Path, columns: tuple[str, ...]) -> pl.DataFrame:
        """``columns`` of a file. FileNotFoundError when it is gone, StateError when damaged."""
        for key in ((path, COLUMNS), (path, columns)):
            with self._lock:
                if key in self._frames:
                    self._frames.move_to_end(key)
                    held = self._frames[key][0]
                    return some(held, columns)
        key = (path, COLUMNS if path.stat().st_size <= WHOLE_BYTES else columns)
        frame = read_sealed(*key)
        self._hold(key, frame)
        return some(frame, columns)

    def _hold(self, key: tuple[Path, tuple[str, ...]], frame: pl.DataFrame) -> None:
        size = int(frame.estimated_size())
        with self._lock:
            self._drop(key)
            self._frames[key] = (frame, size)
            self._bytes += size
            while len(self._frames) > CACHED_FILES or (
                self._bytes > CACHED_BYTES and len(self._frames) > 1
            ):
                self._drop(next(iter(self._frames)))

    def keep(self, paths: Collection[Path]) -> None:
        """Drop the files that are not among ``paths``."""
        with self._lock:
            for key in [key for key in self._frames if key[0] not in paths]:
                self._drop(key)

    def forget(self, paths: Collection[Path]) -> None:
        """Drop the files among ``paths``: they were written again."""
        with self._lock:
            for key in [key for key in self._frames if key[0] in paths]:
                self._drop(key)

    def _drop(self, key: tuple[Path, tuple[str, ...]]) -> None:
        held = self._frames.pop(key, None)
        if held is not None:
            self._bytes -= held[1]
