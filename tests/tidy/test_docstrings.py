"""Everything public says what it is."""

from __future__ import annotations

import ast

import pytest

from tests.tidy.source import Function, modules


def undocumented(tree):
    """Public classes, functions and methods without a docstring, by line."""
    found = [] if ast.get_docstring(tree) else [(1, "the module")]

    def inside(node, prefix):
        for child in ast.iter_child_nodes(node):
            if not isinstance(child, Function | ast.ClassDef) or child.name.startswith("_"):
                continue
            if not ast.get_docstring(child):
                found.append((child.lineno, f"{prefix}{child.name}"))
            if isinstance(child, ast.ClassDef):
                inside(child, f"{prefix}{child.name}.")

    inside(tree, "")
    return found


@pytest.mark.parametrize("name", modules())
def test_everything_public_has_a_docstring(name):
    assert undocumented(modules()[name]) == []


def test_a_missing_docstring_is_seen():
    tree = ast.parse("class A:\n    def b(self): ...\n    def _c(self): ...\ndef d(): ...")
    assert [name for _, name in undocumented(tree)] == ["the module", "A", "A.b", "d"]
