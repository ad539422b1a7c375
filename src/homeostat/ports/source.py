"""Where a source's rows come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import polars as pl

    from homeostat.domain.delivery import Window


class SourceReader(Protocol):
    """Reads one source. Rows are those with ``known_at`` in the half-open window.

    ``attempt`` counts from 1 the times that this window was asked for. Raises SourceError.
    """

    def read(self, source: str, window: Window, attempt: int = 1) -> pl.DataFrame:
        """The rows of the window, columns as the source gives them; possibly none."""
        ...
