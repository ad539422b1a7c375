"""The rows that features of views are computed from while serving."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class OnlineRow:
    """A row of a view: ``at_us`` is its known_at in microseconds since 1970 UTC.

    ``number`` tells rows of one key and instant apart: the same row always has the same one.
    ``values`` are the view's columns, then the columns of its aggregates, as JSON.
    """

    key: str
    at_us: int
    number: str
    values: bytes


class OnlineStore(Protocol):
    """Rows by view and key.

    Any number of processes read while one writes. What ``write`` has written is there for all
    readers when it returns, with its progress, or nothing of it is: a writer that was killed
    begins again where the progress says. Raises StateError and its kinds.
    """

    def write(self, source: str, progress: str, rows: Iterable[tuple[str, OnlineRow]]) -> None:
        """Add rows, each with its view, and remember ``progress`` of ``source``.

        The same rows written again change nothing.
        """
        ...

    def progress(self, source: str) -> str:
        """What was remembered last; empty at first."""
        ...

    def clear(self, source: str, views: Iterable[str]) -> None:
        """Forget the rows of ``views`` and the progress of ``source``."""
        ...

    def latest(self, view: str, key: str, until_us: int) -> list[OnlineRow]:
        """Rows of the newest instant at or before ``until_us``: several when they tie."""
        ...

    def between(self, view: str, key: str, after_us: int, until_us: int) -> list[OnlineRow]:
        """Rows with known_at in (``after_us``, ``until_us``], oldest first."""
        ...

    def newest_us(self, view: str) -> int | None:
        """The newest known_at of any key; None when there is no row."""
        ...

    def prune(self, view: str, before_us: int, *, keep_latest: bool) -> int:
        """Delete rows older than ``before_us``; how many.

        ``keep_latest`` keeps, of each key, the newest instant before that, however old: it is
        still the latest for whoever asks now.
        """
        ...
