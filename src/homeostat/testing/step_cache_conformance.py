"""What every step cache must do: subclass, and give the fixture ``open_cache``."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from homeostat.ports.step_cache import StepCache

OpenCache = Callable[[], StepCache]


class StepCacheConformance:
    """The contract of ports.step_cache as tests.

    ``open_cache()`` opens the same cache again each time, as another process would (or gives
    the same object).
    """

    @pytest.fixture
    def open_cache(self) -> OpenCache:
        """Opens the cache."""
        raise NotImplementedError("give the fixture open_cache")

    def test_an_unknown_key_has_no_result(self, open_cache: OpenCache) -> None:
        """None, not an error."""
        assert open_cache().get("train:1") is None

    def test_a_result_is_found_again(self, open_cache: OpenCache) -> None:
        """Also by whoever opens the cache next."""
        assert open_cache().put("train:1", "d1") == "d1"
        assert open_cache().get("train:1") == "d1"
        assert open_cache().get("train:2") is None

    def test_a_key_never_changes_its_meaning(self, open_cache: OpenCache) -> None:
        """The first result stays, and the second writer learns of it."""
        cache = open_cache()
        cache.put("k", "first")
        assert cache.put("k", "second") == "first"
        assert cache.put("k", "first") == "first"
        assert cache.get("k") == "first"

    def test_keys_are_compared_byte_by_byte(self, open_cache: OpenCache) -> None:
        """No case folding, no trimming, no Unicode normalization."""
        cache = open_cache()
        keys = ["k", "K", "k ", "é", "e\u0301", ""]
        for number, key in enumerate(keys):
            cache.put(key, str(number))
        assert [cache.get(key) for key in keys] == [str(number) for number in range(len(keys))]

    def test_of_many_writers_one_wins_for_all(self, open_cache: OpenCache) -> None:
        """All are told the same digest."""
        answers: list[str] = []

        def write(number: int) -> None:
            answers.append(open_cache().put("k", str(number)))

        threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(answers) == 6
        assert set(answers) == {open_cache().get("k")}
