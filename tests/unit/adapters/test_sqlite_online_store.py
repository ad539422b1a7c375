import multiprocessing

import pytest

from homeostat.adapters.local.sqlite_online_store import SqliteOnlineStore
from homeostat.errors import StateCorruptError
from homeostat.testing.online_store_conformance import OnlineStoreConformance, row


class TestSqliteOnlineStore(OnlineStoreConformance):
    @pytest.fixture
    def store(self, tmp_path):
        return SqliteOnlineStore(tmp_path / "online.db")


def read_often(path, found):
    store = SqliteOnlineStore(path)
    seen = {len(store.between("v", '["a"]', 0, 10_000)) for _ in range(300)}
    found.put(seen)


def test_readers_in_other_processes_see_whole_writes_only(tmp_path):
    store = SqliteOnlineStore(tmp_path / "online.db")
    spawn = multiprocessing.get_context("spawn")
    found = spawn.Queue()
    reader = spawn.Process(target=read_often, args=(tmp_path / "online.db", found))
    reader.start()
    for batch in range(40):
        store.write("s", str(batch), [("v", row(batch * 100 + n + 1)) for n in range(100)])
    seen = found.get(timeout=60)
    reader.join()
    assert all(count % 100 == 0 for count in seen)


def test_a_file_that_is_no_database_is_said_to_be_damaged(tmp_path):
    (tmp_path / "online.db").write_bytes(b"not a database" * 100)
    with pytest.raises(StateCorruptError):
        SqliteOnlineStore(tmp_path / "online.db")
