import pytest

from homeostat.cli.init import Example, write_project


@pytest.fixture
def folder(tmp_path):
    """A project that `homeostat init` has just written."""
    write_project(tmp_path / "tumours", Example.BREAST_CANCER, "tumours")
    return tmp_path / "tumours"
