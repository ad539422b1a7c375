"""Pure packages decide; they never touch the world. Only the clock adapter reads the time."""

from __future__ import annotations

import ast

import pytest

from tests.tidy.source import PURE, calls, imports, modules, pure

ALLOWED_IMPORTS = {
    "__future__", "abc", "cel", "collections", "copy", "cronsim", "dataclasses", "datetime",
    "enum", "functools", "hashlib", "homeostat", "itertools", "math", "msgspec", "numpy",
    "random", "re", "scipy",
    "statistics", "types", "typing",
}  # fmt: skip
"""What a pure package may import: nothing here can do I/O or read a clock unasked."""

WALL_CLOCKS = {
    "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today",
    "datetime.date.today", "time.time", "time.time_ns", "time.localtime", "time.gmtime",
    "time.ctime", "time.strftime", "time.asctime", "uuid.uuid1", "pandas.Timestamp.now",
    "pandas.Timestamp.today", "pandas.Timestamp.utcnow", "email.utils.localtime",
}  # fmt: skip
CLOCK = "adapters/local/system_clock.py"

WORLD = {"open", "print", "input", "exec", "eval", "__import__", "breakpoint"}
SEEDED = {"random.Random", "numpy.random.default_rng", "numpy.random.Generator",
          "numpy.random.PCG64", "numpy.random.SeedSequence", "numpy.random.Philox"}  # fmt: skip


def test_the_packages_are_there():
    assert {name.split("/")[0] for name in pure()} == set(PURE)


@pytest.mark.parametrize("name", pure())
def test_a_pure_module_imports_nothing_that_touches_the_world(name):
    found = [
        f"{name}:{line}: {imported}"
        for line, imported in imports(pure()[name])
        if imported.split(".")[0] not in ALLOWED_IMPORTS
    ]
    assert found == []


@pytest.mark.parametrize("name", pure())
def test_a_pure_module_calls_nothing_that_touches_the_world(name):
    found = []
    for called, node in calls(pure()[name]):
        drawn = called.startswith(("random.", "numpy.random."))
        seeded = called in SEEDED and (node.args or node.keywords)
        if called in WORLD | WALL_CLOCKS or (drawn and not seeded):
            found.append(f"{name}:{node.lineno}: {called}")
    assert found == []


@pytest.mark.parametrize("name", pure())
def test_a_pure_module_never_waits(name):
    waits = (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith)
    assert [node.lineno for node in ast.walk(pure()[name]) if isinstance(node, waits)] == []


@pytest.mark.parametrize("name", pure())
def test_a_pure_module_keeps_nothing_between_calls(name):
    words = (ast.Global, ast.Nonlocal)
    assert [node.lineno for node in ast.walk(pure()[name]) if isinstance(node, words)] == []


def test_only_the_clock_adapter_reads_the_time():
    found = [
        f"{name}:{node.lineno}: {called}"
        for name, tree in modules().items()
        if name != CLOCK
        for called, node in calls(tree)
        if called in WALL_CLOCKS
    ]
    assert found == []


def test_the_clock_adapter_does_read_the_time():
    assert any(called in WALL_CLOCKS for called, _ in calls(modules()[CLOCK]))


def test_random_numbers_come_from_a_seed_everywhere():
    found = []
    for name, tree in modules().items():
        for called, node in calls(tree):
            drawn = called.startswith(("random.", "numpy.random."))
            if drawn and not (called in SEEDED and (node.args or node.keywords)):
                found.append(f"{name}:{node.lineno}: {called}")
    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        "from datetime import datetime as d\nd.now()",
        "import datetime\ndatetime.datetime.now()",
        "import time as t\nt.time()",
        "from time import time\ntime()",
        "import numpy as np\nnp.random.rand(3)",
        "import numpy as np\nnp.random.default_rng()",
        "import random\nrandom.random()",
        "def f():\n    return open('x')",
    ],
)
def test_what_is_forbidden_is_seen(text):
    (found,) = calls(ast.parse(text))
    called, node = found
    drawn = called.startswith(("random.", "numpy.random."))
    seeded = called in SEEDED and (node.args or node.keywords)
    assert called in WORLD | WALL_CLOCKS or (drawn and not seeded)
