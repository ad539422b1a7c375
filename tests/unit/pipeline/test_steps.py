"""The step cache: what is run, what is taken, and what a kill leaves behind."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from homeostat.errors import DiskFullError, EmptyDataError, StepError
from homeostat.pipeline.steps import Steps
from homeostat.testing.memory import MemoryBlobs, MemoryStepCache
from homeostat.testing.sim_clock import SimClock, TickingClock

START = datetime(2024, 1, 1, tzinfo=UTC)


class Place:
    """A blob store and a cache, and how often each step was made."""

    def __init__(self) -> None:
        self.blobs, self.cache = MemoryBlobs(), MemoryStepCache()
        self.made: list[str] = []
        self.told: list[tuple[str, float]] = []

    def steps(self, *base: str) -> Steps:
        def progress(name: str, share: float) -> None:
            self.told.append((name, share))

        return Steps(self.blobs, self.cache, SimClock(START), base or ("code",), progress)

    def run(self, name: str = "train", inputs: object = 1, *base: str) -> bool:
        """Run one step; whether it was cached."""
        steps = self.steps(*base)

        def make() -> bytes:
            self.made.append(name)
            return f"{name} of {inputs}".encode()

        digest, content = steps.run(name, inputs, make)
        assert content == f"{name} of {inputs}".encode()
        assert self.blobs.get(digest) == content
        return steps.records[0].cached


def test_a_step_is_made_once() -> None:
    place = Place()
    assert [place.run() for _ in range(3)] == [False, True, True]
    assert place.made == ["train"]


@pytest.mark.parametrize(
    "other", [("tune", 1, "code"), ("train", 2, "code"), ("train", 1, "other code")]
)
def test_another_name_input_or_base_is_another_step(other: tuple[str, object, str]) -> None:
    place = Place()
    place.run("train", 1, "code")
    assert not place.run(*other)
    assert place.run("train", 1, "code")


def test_a_step_whose_bytes_are_gone_is_made_again() -> None:
    place = Place()
    steps = place.steps()
    digest, _ = steps.run("train", 1, lambda: b"model")
    place.blobs.forget(digest)
    again = place.steps()
    assert again.run("train", 1, lambda: b"model") == (digest, b"model")
    assert not again.records[0].cached
    assert place.blobs.has(digest)


def test_a_step_of_which_a_part_is_gone_is_made_again() -> None:
    place = Place()
    place.steps().run("package", 1, lambda: b"names a folder")
    again = place.steps()
    again.run("package", 1, lambda: b"names a folder", whole=lambda content: b"other" in content)
    assert not again.records[0].cached
    again.run("package", 1, lambda: b"", whole=lambda content: content == b"names a folder")
    assert again.records[1].cached


def test_of_two_that_make_a_step_at_once_the_first_result_stays() -> None:
    place = Place()

    def slow() -> bytes:
        place.steps().run("train", 1, lambda: b"first")  # meanwhile, in another process
        return b"second"

    digest, content = place.steps().run("train", 1, slow)
    assert (content, place.blobs.get(digest)) == (b"first", b"first")


def test_a_first_result_that_is_gone_gives_way_to_the_new_one() -> None:
    place = Place()
    digest, _ = place.steps().run("train", 1, lambda: b"first")
    place.blobs.forget(digest)
    other, content = place.steps().run("train", 1, lambda: b"second")
    assert (content, place.blobs.get(other)) == (b"second", b"second")


def test_a_step_killed_on_the_way_leaves_nothing() -> None:
    place = Place()

    def killed() -> bytes:
        raise KeyboardInterrupt

    steps = place.steps()
    with pytest.raises(KeyboardInterrupt):
        steps.run("train", 1, killed)
    assert steps.records == []
    assert not place.run()


def test_a_typed_error_becomes_one_that_names_the_step_and_keeps_its_cause() -> None:
    def empty() -> bytes:
        raise EmptyDataError("no rows", subject="source a", next_step="wait")

    with pytest.raises(StepError) as raised:
        Place().steps().run("features", 1, empty)
    assert str(raised.value) == "[H301] features: source a: no rows [H202] Next: wait"
    assert isinstance(raised.value.__cause__, EmptyDataError)


def test_any_other_error_does_so_too() -> None:
    with pytest.raises(StepError, match="explain: ZeroDivisionError: ") as raised:
        Place().steps().run("explain", 1, lambda: b"%d" % (1 // 0))
    assert isinstance(raised.value.__cause__, ZeroDivisionError)


def test_a_step_error_stays_as_it_is() -> None:
    def failed() -> bytes:
        raise StepError("all trials failed", subject="tune", next_step="look")

    with pytest.raises(StepError) as raised:
        Place().steps().run("tune", 1, failed)
    assert str(raised.value) == "[H301] tune: all trials failed Next: look"


def test_a_full_disk_is_what_it_is() -> None:
    class Full(MemoryBlobs):
        def put(self, content: bytes) -> str:
            raise DiskFullError("no room")

    place = Place()
    place.blobs = Full()
    with pytest.raises(DiskFullError):
        place.steps().run("train", 1, lambda: b"model")
    assert place.cache._digests == {}


def test_progress_is_told_at_the_beginning_and_the_end() -> None:
    place = Place()
    place.run("split")
    place.run("split")
    assert place.told == [("split", 0.0), ("split", 1.0)] * 2


def test_a_record_has_the_duration_by_the_clock() -> None:
    place = Place()
    ticking = TickingClock(START, timedelta(seconds=2))
    steps = Steps(place.blobs, place.cache, ticking, (), lambda *_: None)
    steps.run("train", 1, lambda: b"model")
    assert steps.records[0].duration_s == 2.0
