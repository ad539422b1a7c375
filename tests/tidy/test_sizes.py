"""Files and functions stay short. The lists of exceptions only ever get shorter."""

from __future__ import annotations

import ast
import statistics

from tests.tidy.source import Function, functions, modules

FILE_LINES = 400
MEDIAN_LINES = 150
FUNCTION_LINES = 40

LONGER = {
    "console/story.py:method": 44,
    "simulation/backtest.py:_Backtest._judged": 51,
    "wiring.py:assemble": 68,  # one part after the other, nothing to decide
}
"""Functions that are longer than the rule, with the number of lines that they may have."""


def length(function: Function) -> int:
    """Lines of a function's body, without its docstring and the functions that stand in it."""
    inner = [
        child
        for child in ast.walk(function)
        if isinstance(child, Function) and child is not function
    ]
    hidden = {
        line
        for child in inner
        for line in range(child.lineno, (child.end_lineno or child.lineno) + 1)
    }
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    begin = body[0].lineno if body else (function.end_lineno or 0) + 1
    return len(set(range(begin, (function.end_lineno or 0) + 1)) - hidden)


def lines(tree: ast.Module) -> int:
    """Lines of a file."""
    return max((node.end_lineno or 0 for node in tree.body), default=0)


def test_no_file_is_long():
    assert {name: n for name, tree in modules().items() if (n := lines(tree)) > FILE_LINES} == {}


def test_most_files_are_short():
    assert statistics.median(lines(tree) for tree in modules().values()) <= MEDIAN_LINES


def test_functions_are_short_and_exceptions_only_shrink():
    found = {
        f"{name}:{function_name}": length(function)
        for name, tree in modules().items()
        for function_name, function in functions(tree)
        if length(function) > FUNCTION_LINES
    }
    new = {name: n for name, n in found.items() if n > LONGER.get(name, FUNCTION_LINES)}
    assert new == {}, "split these, or say why not in LONGER"
    assert set(LONGER) <= set(found), "these are short enough now: take them out of LONGER"
