"""What every source reader must do: subclass, and give the fixture ``reading``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl
import pytest

from homeostat.domain.delivery import Window
from homeostat.errors import SourceError
from homeostat.ports.source import SourceReader


@dataclass(frozen=True, slots=True)
class Reading:
    """A reader to check: a source of it, the column with ``known_at``, and a span with rows.

    The span ``[since, until)`` holds at least two rows with different times.
    """

    reader: SourceReader
    source: str
    known_at: str
    since: datetime
    until: datetime


class SourceConformance:
    """The contract of ports.source as tests."""

    @pytest.fixture
    def reading(self) -> Reading:
        """What to check."""
        raise NotImplementedError("give the fixture reading")

    def test_rows_lie_in_the_half_open_window(self, reading: Reading) -> None:
        """The first instant is inside, the last is not; windows that meet share no row."""
        whole = _times(reading, reading.since, reading.until)
        assert len(whole) >= 2
        assert all(reading.since <= at < reading.until for at in whole)
        middle = max(whole)
        before = _times(reading, reading.since, middle)
        after = _times(reading, middle, reading.until)
        assert middle not in before
        assert middle in after
        assert sorted(before + after) == sorted(whole)

    def test_times_are_instants_in_utc(self, reading: Reading) -> None:
        """To the microsecond."""
        frame = reading.reader.read(reading.source, Window(reading.since, reading.until))
        assert frame.schema[reading.known_at] == pl.Datetime("us", "UTC")

    def test_a_window_without_rows_gives_none(self, reading: Reading) -> None:
        """An empty frame, not an error."""
        early = reading.since - timedelta(days=36_500)
        assert _times(reading, early, early + timedelta(days=1)) == []

    def test_asking_again_gives_the_same(self, reading: Reading) -> None:
        """Reading takes nothing away, whichever attempt it is."""
        window = Window(reading.since, reading.until)
        first = reading.reader.read(reading.source, window)
        assert first.equals(reading.reader.read(reading.source, window, attempt=2))

    def test_what_is_handed_out_is_the_callers_own(self, reading: Reading) -> None:
        """Changing a frame in place does not change what the next one gets."""
        window = Window(reading.since, reading.until)
        first = reading.reader.read(reading.source, window)
        kept = first.clone()
        first.drop_in_place(reading.known_at)
        assert reading.reader.read(reading.source, window).equals(kept)

    def test_an_unknown_source_is_an_error(self, reading: Reading) -> None:
        """Typed, with the next step."""
        with pytest.raises(SourceError) as caught:
            reading.reader.read("no such source", Window(reading.since, reading.until))
        assert caught.value.next_step


def _times(reading: Reading, since: datetime, until: datetime) -> list[datetime]:
    frame = reading.reader.read(reading.source, Window(since, until))
    return frame[reading.known_at].to_list()
