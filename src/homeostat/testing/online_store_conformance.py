"""What every online store must do: subclass, and give the fixture ``store``."""

from __future__ import annotations

import pytest

from homeostat.ports.online_store import OnlineRow, OnlineStore


def row(
    at_us: int, number: str = "d#0", key: str = '["a"]', values: bytes = b"[[1.0],[1.0]]"
) -> OnlineRow:
    """A row to write."""
    return OnlineRow(key, at_us, number, values)


class OnlineStoreConformance:
    """The contract of ports.online_store as tests."""

    @pytest.fixture
    def store(self) -> OnlineStore:
        """An empty store."""
        raise NotImplementedError("give the fixture store")

    def test_at_first_there_is_nothing(self, store: OnlineStore) -> None:
        """No rows, no progress, nothing newest."""
        assert store.latest("v", '["a"]', 10) == []
        assert store.between("v", '["a"]', 0, 10) == []
        assert store.newest_us("v") is None
        assert store.progress("s") == ""

    def test_the_newest_row_known_by_then_is_the_latest(self, store: OnlineStore) -> None:
        """That instant included, and not a moment later."""
        store.write("s", "1", [("v", row(10)), ("v", row(20)), ("v", row(30))])
        assert [r.at_us for r in store.latest("v", '["a"]', 20)] == [20]
        assert [r.at_us for r in store.latest("v", '["a"]', 29)] == [20]
        assert store.latest("v", '["a"]', 9) == []

    def test_rows_of_one_instant_are_all_answered(self, store: OnlineStore) -> None:
        """Which of them counts is not the store's to say."""
        store.write("s", "1", [("v", row(10, "d#0")), ("v", row(10, "d#1")), ("v", row(5))])
        assert {r.number for r in store.latest("v", '["a"]', 99)} == {"d#0", "d#1"}

    def test_a_span_is_open_at_its_beginning_and_closed_at_its_end(
        self, store: OnlineStore
    ) -> None:
        """Rows come oldest first."""
        store.write("s", "1", [("v", row(at)) for at in (30, 10, 20)])
        assert [r.at_us for r in store.between("v", '["a"]', 10, 30)] == [20, 30]

    def test_views_and_keys_are_kept_apart(self, store: OnlineStore) -> None:
        """A row is found under its own view and key only."""
        store.write("s", "1", [("v", row(1)), ("w", row(2)), ("v", row(3, key='["b"]'))])
        assert [r.at_us for r in store.latest("v", '["a"]', 99)] == [1]
        assert [r.at_us for r in store.latest("w", '["a"]', 99)] == [2]

    def test_what_is_written_again_changes_nothing(self, store: OnlineStore) -> None:
        """A writer that was killed begins again."""
        for _ in range(3):
            store.write("s", "1", [("v", row(1)), ("v", row(2))])
        assert len(store.between("v", '["a"]', 0, 9)) == 2
        assert store.progress("s") == "1"

    def test_a_write_holds_whole_or_not_at_all(self, store: OnlineStore) -> None:
        """Rows that fail in the middle leave neither rows nor progress."""

        def failing() -> object:
            yield "v", row(1)
            raise RuntimeError("the source broke")

        with pytest.raises(RuntimeError, match="broke"):
            store.write("s", "1", failing())  # type: ignore[arg-type]
        assert store.latest("v", '["a"]', 99) == []
        assert store.progress("s") == ""

    def test_progress_is_of_each_source(self, store: OnlineStore) -> None:
        """The last one told counts."""
        store.write("s", "1", [])
        store.write("s", "2", [])
        store.write("t", "7", [])
        assert (store.progress("s"), store.progress("t")) == ("2", "7")

    def test_the_newest_is_of_any_key_and_never_goes_back(self, store: OnlineStore) -> None:
        """A late row is not the newest."""
        store.write("s", "1", [("v", row(9)), ("v", row(5, key='["b"]'))])
        store.write("s", "2", [("v", row(3))])
        assert store.newest_us("v") == 9

    def test_what_is_cleared_is_gone_and_the_rest_stays(self, store: OnlineStore) -> None:
        """Rows and progress."""
        store.write("s", "1", [("v", row(1)), ("w", row(1))])
        store.clear("s", ["v"])
        assert store.latest("v", '["a"]', 9) == []
        assert store.newest_us("v") is None
        assert store.progress("s") == ""
        assert len(store.latest("w", '["a"]', 9)) == 1

    def test_old_rows_are_pruned_and_the_latest_of_a_key_is_kept_on_demand(
        self, store: OnlineStore
    ) -> None:
        """Ties are all kept, and so is what was the latest before a newer row came."""
        rows = [row(1), row(2, "d#0"), row(2, "d#1"), row(7), row(9, key='["b"]')]
        store.write("s", "1", [("v", one) for one in rows])
        assert store.prune("v", 5, keep_latest=True) == 1
        assert len(store.latest("v", '["a"]', 6)) == 2
        assert store.prune("v", 5, keep_latest=False) == 2
        assert store.latest("v", '["a"]', 6) == []
        assert len(store.latest("v", '["a"]', 99)) == 1
        assert len(store.latest("v", '["b"]', 99)) == 1
