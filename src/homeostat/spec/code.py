"""The Python functions beside a project file: finding them, and the digest of their code.

Modules of a project live under a private name of their own, so two projects may both have a
``features.py``, and neither hides an installed package from anybody else. Inside a project,
``import data`` finds ``data.py`` beside the project file, at any time. When a file changes, the
next :func:`load_function` loads the project's modules anew.
"""

from __future__ import annotations

import builtins
import importlib
import re
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import homeostat
from homeostat.domain.codec import digest, digest_of
from homeostat.errors import ProjectCodeError

_REFERENCE = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)")
_PREFIX = "homeostat_project_"
_SKIPPED = frozenset({"__pycache__", "venv", "node_modules", "site-packages"})
_CLOSURE = ("domain", "errors.py", "features", "pipeline", "spec", "stats")
"""The parts of Homeostat that a run's results depend on."""

_LOCK = threading.RLock()


def load_function(folder: Path, reference: str) -> Callable[..., Any]:
    """The function or class that ``reference``, ``module:name``, stands for.

    A module beside the project file in ``folder`` comes first, then an installed one. Raises
    ProjectCodeError when the reference is not of that form, the module or the name is missing,
    the module raises while it loads, or the thing cannot be called.
    """
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        raise ProjectCodeError(
            f"'{reference}' does not name a function",
            subject=reference,
            next_step="write module:function, e.g. features:derive",
        )
    module_name, path = match[1], match[2]
    found: Any = _import(folder.resolve(), module_name, reference)
    for name in path.split("."):
        if not hasattr(found, name):
            raise ProjectCodeError(
                f"module '{module_name}' has no '{path}'",
                subject=_subject(found, folder, reference),
                next_step=f"define {path} there, or correct the name in homeostat.yaml",
            )
        found = getattr(found, name)
    if not callable(found):
        raise ProjectCodeError(
            f"'{path}' is of type {type(found).__name__} and cannot be called",
            subject=reference,
            next_step="name a function or a class",
        )
    return found  # type: ignore[no-any-return]


def code_digest(folder: Path) -> str:
    """Digest of all that a run's code depends on, for cache keys.

    The project's Python files by relative path and content (hidden folders and environments
    left out), and Homeostat's version and own code. Times and places do not count. Raises
    ProjectCodeError when a file cannot be read.
    """
    own = {"homeostat": homeostat.__version__, "homeostat code": _own_digest()}
    return digest_of({**_digests(folder.resolve()), **own})


@lru_cache(maxsize=1)
def _own_digest() -> str:
    package = Path(homeostat.__file__).parent
    return digest_of({part: _digests(package / part, package) for part in _CLOSURE})


def _digests(place: Path, root: Path | None = None) -> dict[str, str]:
    """Content digests of the Python files in ``place``, by path relative to ``root``."""
    root = root or place
    files = [place] if place.is_file() else sorted(_python_files(place))
    try:
        return {file.relative_to(root).as_posix(): digest(file.read_bytes()) for file in files}
    except OSError as error:
        raise ProjectCodeError(
            f"a Python file of the project cannot be read: {error.strerror}",
            subject=str(error.filename),
            next_step="make the file readable",
        ) from error


def _python_files(folder: Path) -> list[Path]:
    found: list[Path] = []
    for entry in folder.iterdir() if folder.is_dir() else ():
        if entry.name.startswith(".") or entry.name in _SKIPPED:
            continue
        if entry.is_dir() and not entry.is_symlink():
            found += _python_files(entry)
        elif entry.suffix == ".py" and entry.is_file():
            found.append(entry)
    return found


def _import(folder: Path, module_name: str, reference: str) -> ModuleType:
    with _LOCK:
        beside = _module_file(folder, module_name.split(".", maxsplit=1)[0]) is not None
        name = f"{_namespace(folder)}.{module_name}" if beside else module_name
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            missing = (error.name or "").removeprefix(f"{_namespace(folder)}.")
            problem = f"there is no module '{missing}'"
            step = f"put {missing.split('.')[0]}.py beside homeostat.yaml, or install the package"
            raise ProjectCodeError(problem, subject=reference, next_step=step) from error
        except SyntaxError as error:
            raise ProjectCodeError(
                f"syntax error: {error.msg}",
                subject=f"{error.filename}:{error.lineno}",
                next_step="correct the line",
            ) from error
        except (Exception, SystemExit) as error:
            raise ProjectCodeError(
                f"the module raised {type(error).__name__} while it was loaded: {error}",
                subject=_line_in(error, folder) or reference,
                next_step="correct the module; importing it must not fail",
            ) from error


def _line_in(error: BaseException, folder: Path) -> str:
    """The innermost line of the project in the traceback."""
    found, trace = "", error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if file.startswith(str(folder)):
            found = f"{file}:{trace.tb_lineno}"
        trace = trace.tb_next
    return found


def _subject(module: Any, folder: Path, reference: str) -> str:
    file = getattr(module, "__file__", None)
    return str(file) if file and Path(file).is_relative_to(folder.resolve()) else reference


def _module_file(folder: Path, name: str) -> Path | None:
    """The file of module ``name`` in ``folder``; a folder without one is a namespace package."""
    for file in (folder / f"{name}.py", folder / name / "__init__.py"):
        if file.is_file():
            return file
    return None


def _namespace(folder: Path) -> str:
    """The private package of the project in ``folder``, loaded anew when its files changed."""
    name = _PREFIX + digest(str(folder).encode())[:16]
    content = digest_of(_digests(folder))
    package = sys.modules.get(name)
    if package is None or package.__dict__["__content__"] != content:
        for loaded in [each for each in sys.modules if each.startswith(f"{name}.")]:
            del sys.modules[loaded]
        package = ModuleType(name, f"Code of the project in {folder}.")
        package.__path__ = [str(folder)]
        package.__dict__["__content__"] = content
        sys.modules[name] = package
        importlib.invalidate_caches()
    return name


class _Finder(MetaPathFinder):
    """Finds modules inside the private packages; everybody else's imports pass it by."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """A spec with our loader, or None."""
        del target
        if not fullname.startswith(_PREFIX) or not path:
            return None
        file = _module_file(Path(path[0]), fullname.rpartition(".")[2])
        if file is None:
            return None
        package = [str(file.parent)] if file.name == "__init__.py" else None
        loader = _Loader(fullname, str(file))
        return spec_from_file_location(
            fullname, file, loader=loader, submodule_search_locations=package
        )


class _Loader(SourceFileLoader):
    """Loads a module whose ``import`` looks beside the project file first.

    Always compiles the source: bytecode caches go by time and size, and can be stale.
    """

    def get_code(self, fullname: str) -> CodeType:
        """The compiled source."""
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)

    def exec_module(self, module: ModuleType) -> None:
        """Run the module, with an ``__import__`` of its own."""
        namespace = module.__name__.split(".")[0]
        own = {**vars(builtins), "__import__": _importer(namespace)}
        module.__dict__["__builtins__"] = own
        super().exec_module(module)


def _importer(namespace: str) -> Callable[..., ModuleType]:
    def importer(
        name: str,
        globals: Mapping[str, object] | None = None,
        locals: Mapping[str, object] | None = None,
        fromlist: Sequence[str] = (),
        level: int = 0,
    ) -> ModuleType:
        package = sys.modules.get(namespace)
        head = name.split(".", maxsplit=1)[0]
        if level or package is None or _module_file(Path(package.__path__[0]), head) is None:
            return __import__(name, globals, locals, fromlist, level)
        module = importlib.import_module(f"{namespace}.{name}")
        if not fromlist:
            return sys.modules[f"{namespace}.{head}"]
        for each in fromlist:  # `from package import submodule`
            if each != "*" and not hasattr(module, each) and hasattr(module, "__path__"):
                importlib.import_module(f"{module.__name__}.{each}")
        return module

    return importer


sys.meta_path.insert(0, _Finder())
