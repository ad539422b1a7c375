"""The package's own source, parsed once, for tests of how it is written."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "homeostat"
PURE = ("domain", "stats", "policy", "loop")
Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def modules() -> dict[str, ast.Module]:
    """Syntax trees by path relative to the package."""
    return {
        path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text(), str(path))
        for path in sorted(PACKAGE.rglob("*.py"))
    }


def pure() -> dict[str, ast.Module]:
    """The modules that must be pure."""
    return {name: tree for name, tree in modules().items() if name.split("/")[0] in PURE}


def functions(tree: ast.Module) -> Iterator[tuple[str, Function]]:
    """All functions and methods with their qualified names, nested ones too."""

    def inside(node: ast.AST, prefix: str) -> Iterator[tuple[str, Function]]:
        for child in ast.iter_child_nodes(node):
            name = prefix
            if isinstance(child, Function | ast.ClassDef):
                name = f"{prefix}{child.name}"
                if isinstance(child, Function):
                    yield name, child
                name += "."
            yield from inside(child, name)

    return inside(tree, "")


def dotted(node: ast.AST) -> str:
    """``a.b.c`` of an attribute chain; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return ""


def imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and full name of all that is imported: ``datetime.datetime`` for a from-import."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield node.lineno, f"{'.' * node.level}{node.module or ''}.{alias.name}"


def calls(tree: ast.Module) -> Iterator[tuple[str, ast.Call]]:
    """All calls by the full name of what is called, as imported: ``datetime.datetime.now``."""
    known: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                whole = alias.name if alias.asname else alias.name.split(".")[0]
                known[alias.asname or whole] = whole
        elif isinstance(node, ast.ImportFrom):
            known |= {(a.asname or a.name): f"{node.module}.{a.name}" for a in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            head, _, rest = dotted(node.func).partition(".")
            if rest:  # an attribute of something that is not a module is nobody's function
                yield f"{known.get(head, '?')}.{rest}", node
            else:
                yield known.get(head, head), node


@cache
def tracked() -> dict[str, str]:
    """Text files under version control, or all but build products where there is none."""
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, text=True, check=False
    )
    names = [name for name in listed.stdout.split("\0") if name]
    found = {}
    for name in names or [p.relative_to(ROOT).as_posix() for p in PACKAGE.rglob("*.py")]:
        try:
            found[name] = (ROOT / name).read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            continue
    return found
