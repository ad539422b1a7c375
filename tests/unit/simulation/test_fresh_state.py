import pytest

from homeostat.errors import OrderError
from homeostat.simulation.fresh_state import MARK, make_fresh


def test_a_new_folder_is_made_and_marked(tmp_path):
    state = tmp_path / "a" / "b"
    make_fresh(state, overwrite=False)
    assert [path.name for path in state.iterdir()] == [MARK]


def test_an_empty_folder_will_do(tmp_path):
    make_fresh(tmp_path, overwrite=False)
    assert (tmp_path / MARK).is_file()


def test_an_earlier_back_test_is_kept_unless_overwrite_is_given(tmp_path):
    make_fresh(tmp_path, overwrite=False)
    (tmp_path / "state.db").write_text("record")
    with pytest.raises(OrderError, match="--overwrite"):
        make_fresh(tmp_path, overwrite=False)
    assert (tmp_path / "state.db").read_text() == "record"
    make_fresh(tmp_path, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == [MARK]


def test_a_state_that_no_back_test_made_is_never_removed(tmp_path):
    (tmp_path / "state.db").write_text("production")
    with pytest.raises(OrderError, match="no back-test made"):
        make_fresh(tmp_path, overwrite=True)
    assert (tmp_path / "state.db").read_text() == "production"


def test_a_file_in_its_place_is_refused(tmp_path):
    path = tmp_path / "state"
    path.write_text("notes")
    with pytest.raises(OrderError, match="it is a file"):
        make_fresh(path, overwrite=True)
    assert path.read_text() == "notes"
