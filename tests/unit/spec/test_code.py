from __future__ import annotations

import pickle
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from homeostat.errors import ProjectCodeError
from homeostat.spec.code import code_digest, load_function


def project(folder: Path, **modules: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, body in modules.items():
        file = folder / f"{name.replace('__', '/', 1)}.py"
        file.parent.mkdir(exist_ok=True)
        file.write_text(body)
    return folder


def test_a_function_beside_the_project_file_is_found(tmp_path: Path) -> None:
    folder = project(tmp_path, features="def derive(x):\n    return x + 1\n")
    assert load_function(folder, "features:derive")(1) == 2


def test_an_installed_class_is_found_when_nothing_of_that_name_stands_beside(
    tmp_path: Path,
) -> None:
    assert load_function(tmp_path, "collections:Counter")("aab")["a"] == 2
    assert load_function(tmp_path, "pathlib:Path.cwd")() == Path.cwd()


def test_two_projects_may_have_modules_of_the_same_name(tmp_path: Path) -> None:
    one = project(tmp_path / "one", features="def f():\n    return 1\n")
    two = project(tmp_path / "two", features="def f():\n    return 2\n")
    first, second = load_function(one, "features:f"), load_function(two, "features:f")
    assert (first(), second(), load_function(one, "features:f")()) == (1, 2, 1)
    assert "features" not in sys.modules
    assert str(one) not in sys.path


def test_a_module_finds_its_neighbours_when_it_loads_and_later(tmp_path: Path) -> None:
    features = (
        "import data\nimport data as d\nfrom data import VALUE\nfrom helpers import deep\n"
        "import helpers.deep as alias\n"
        "def f():\n    import data as late\n    from helpers.deep import DEPTH\n"
        "    return (data.VALUE, d.VALUE, VALUE, late.VALUE, deep.DEPTH, alias.DEPTH, DEPTH)\n"
    )
    folder = project(
        tmp_path,
        features=features,
        data="VALUE = 7\n",
        helpers____init__="",
        helpers__deep="from .other import DEPTH\n",
        helpers__other="DEPTH = 3\n",
    )
    assert load_function(folder, "features:f")() == (7, 7, 7, 7, 3, 3, 3)
    assert load_function(folder, "helpers.deep:DEPTH.bit_length")() == 2


def test_a_neighbour_never_hides_an_installed_module_from_anybody_else(tmp_path: Path) -> None:
    folder = project(
        tmp_path,
        features="import colorsys\ndef f():\n    return colorsys.MINE\n",
        colorsys="MINE = 1\n",
    )
    assert load_function(folder, "features:f")() == 1
    import colorsys

    assert not hasattr(colorsys, "MINE")


def test_a_changed_file_is_loaded_anew_whatever_its_time_and_size(tmp_path: Path) -> None:
    folder = project(
        tmp_path, features="import data\ndef f():\n    return data.N\n", data="N = 1\n"
    )
    assert load_function(folder, "features:f")() == 1
    project(tmp_path, data="N = 2\n")
    assert load_function(folder, "features:f")() == 2
    assert not list(tmp_path.rglob("__pycache__"))


def test_a_module_is_loaded_once_and_keeps_what_it_remembers(tmp_path: Path) -> None:
    folder = project(
        tmp_path, data="seen = []\ndef f():\n    seen.append(1)\n    return len(seen)\n"
    )
    assert [load_function(folder, "data:f")() for _ in range(3)] == [1, 2, 3]


def test_what_a_project_defines_can_be_pickled_in_the_same_process(tmp_path: Path) -> None:
    folder = project(tmp_path, model="class Estimator:\n    level = 3\n")
    made = load_function(folder, "model:Estimator")()
    assert pickle.loads(pickle.dumps(made)).level == 3


def test_threads_that_load_at_once_get_the_same_function(tmp_path: Path) -> None:
    folder = project(tmp_path, features="import data\ndef f():\n    pass\n", data="x = 1\n")
    found: list[object] = []
    threads = [
        threading.Thread(target=lambda: found.append(load_function(folder, "features:f")))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(map(id, found))) == 1


@pytest.mark.parametrize(
    "reference", ["", "features", "features:", ":f", "../a:f", "a b:f", "a:f()"]
)
def test_a_reference_of_another_form_is_an_error(tmp_path: Path, reference: str) -> None:
    with pytest.raises(ProjectCodeError, match="does not name a function"):
        load_function(tmp_path, reference)


@pytest.mark.parametrize(
    ("body", "reference", "problem"),
    [
        ("", "nowhere_to_be_found:f", "there is no module 'nowhere_to_be_found'"),
        ("import nothing_such\n", "features:f", "there is no module 'nothing_such'"),
        ("", "features.more:f", "there is no module 'features.more'"),
        ("", "features:f", "module 'features' has no 'f'"),
        ("f = 3\n", "features:f", "of type int and cannot be called"),
        ("def f(:\n", "features:f", "syntax error"),
        ("\n1 / 0\n", "features:f", "raised ZeroDivisionError while it was loaded"),
        ("raise SystemExit(3)\n", "features:f", "raised SystemExit"),
        ("from data import nothing\n", "features:f", "raised ImportError"),
    ],
)
def test_code_that_is_missing_or_broken_is_a_typed_error(
    tmp_path: Path, body: str, reference: str, problem: str
) -> None:
    folder = project(tmp_path, features=body, data="")
    with pytest.raises(ProjectCodeError, match=problem):
        load_function(folder, reference)


@pytest.mark.parametrize("body", ["x = 1\n1 / 0\n", "x = 1\ndef f(:\n"])
def test_an_error_names_the_file_and_the_line(tmp_path: Path, body: str) -> None:
    folder = project(tmp_path, features=body)
    with pytest.raises(ProjectCodeError) as caught:
        load_function(folder, "features:f")
    assert caught.value.subject == f"{folder.resolve() / 'features.py'}:2"


def test_a_module_that_failed_is_tried_again_once_it_is_mended(tmp_path: Path) -> None:
    folder = project(tmp_path, features="1 / 0\n")
    with pytest.raises(ProjectCodeError):
        load_function(folder, "features:f")
    project(tmp_path, features="def f():\n    return 1\n")
    assert load_function(folder, "features:f")() == 1


def test_the_digest_depends_on_the_python_files_alone(tmp_path: Path) -> None:
    one = project(tmp_path / "one", features="a = 1\n", helpers__deep="b = 2\n")
    two = project(tmp_path / "two", features="a = 1\n", helpers__deep="b = 2\n")
    before = code_digest(one)
    assert before == code_digest(two)
    (one / "notes.txt").write_text("x")
    for hidden in (".homeostat", "__pycache__", ".venv"):
        (one / hidden).mkdir()
        (one / hidden / "x.py").write_text("x = 1")
    assert code_digest(one) == before
    project(one, helpers__deep="b = 3\n")
    assert code_digest(one) != before
    (two / "features.py").rename(two / "other.py")
    assert code_digest(two) != before


def test_the_digest_is_the_same_in_another_process(tmp_path: Path) -> None:
    folder = project(tmp_path, features="a = 1\n")
    program = (
        "import sys, pathlib; from homeostat.spec.code import code_digest; "
        "print(code_digest(pathlib.Path(sys.argv[1])))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program, str(folder)], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == code_digest(folder)


def test_a_file_that_cannot_be_read_is_a_typed_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = project(tmp_path, features="a = 1\n")
    code_digest(folder)

    def refuse(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(ProjectCodeError, match="cannot be read: Permission denied"):
        code_digest(folder)
