"""Labels that were posted to the gateway: a log that a ``posted: true`` source reads."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from homeostat.errors import DiskFullError

if TYPE_CHECKING:
    import polars as pl

FILE = "labels.jsonl"


@dataclass(frozen=True, slots=True)
class Posted:
    """What came of a post: ``repeated`` labels were there already, ``corrected`` ones differ."""

    accepted: int
    repeated: int
    corrected: int


class LabelLog:
    """Labels in ``folder``, by event id. A label is on disk when :meth:`post` returns.

    The same value posted again changes nothing; another value is a correction: it is kept as a
    new row with its own time of receipt, and the latest known one counts. A label for an event
    that was never predicted is kept too: the event may be known to the event source.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._lock = threading.Lock()
        self._latest: dict[str, float] | None = None

    def post(self, labels: dict[str, float], now: datetime) -> Posted:
        """Store labels by event id, received ``now``. Raises DiskFullError, and stores none."""
        with self._lock:
            latest = self._load()
            fresh = {event: v for event, v in labels.items() if latest.get(event) != v}
            corrected = sum(event in latest for event in fresh)
            if fresh:
                self._append(fresh, now)
                latest.update(fresh)
        return Posted(len(fresh) - corrected, len(labels) - len(fresh), corrected)

    def read(self, since: datetime, until: datetime) -> pl.DataFrame:
        """Rows with columns ``id``, ``label``, ``received_at`` in [since, until)."""
        import polars as pl

        rows = [
            (row["id"], row["label"], datetime.fromisoformat(row["received_at"]))
            for row in self._rows()
        ]
        frame = pl.DataFrame(
            rows,
            schema={
                "id": pl.String,
                "label": pl.Float64,
                "received_at": pl.Datetime("us", "UTC"),
            },
            orient="row",
        )
        return frame.filter((pl.col("received_at") >= since) & (pl.col("received_at") < until))

    def _append(self, labels: dict[str, float], now: datetime) -> None:
        lines = b"".join(
            orjson.dumps({"id": event, "label": value, "received_at": now}) + b"\n"
            for event, value in labels.items()
        )
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            opened = os.open(self._path, os.O_CREAT | os.O_APPEND | os.O_RDWR, 0o644)
            try:
                start = os.lseek(opened, 0, os.SEEK_END)
                if os.write(opened, lines) < len(lines):
                    os.ftruncate(opened, start)
                    raise OSError(28, "no space left on device")
            finally:
                os.close(opened)
        except OSError as error:
            raise DiskFullError(
                f"the labels cannot be written: {error.strerror}",
                subject=str(self._path),
                next_step="make room and post them again; posting twice does no harm",
            ) from error

    def _load(self) -> dict[str, float]:
        if self._latest is None:
            self._latest = {row["id"]: row["label"] for row in self._rows()}
        return self._latest

    def _rows(self) -> list[dict[str, Any]]:
        if not self._path.is_file():
            return []
        whole = self._path.read_bytes().split(b"\n")[:-1]
        return [orjson.loads(line) for line in whole]
