"""Everything public in homeostat.stats, found by walking its modules: nothing is listed by hand."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any, get_type_hints

import homeostat.stats
from homeostat.stats.result import Result
from homeostat.stats.stream import Stream

ROOT = "homeostat.stats."
ASKED_OF_A_STREAM = ("update", "update_many", "result", "reset")


def public() -> Iterator[tuple[str, Any]]:
    """Name ("module.name" below homeostat.stats) and object of all that a module defines."""
    for module in pkgutil.walk_packages(homeostat.stats.__path__, ROOT):
        found = importlib.import_module(module.name)
        for name, value in vars(found).items():
            if not name.startswith("_") and getattr(value, "__module__", "") == module.name:
                yield f"{module.name.removeprefix(ROOT)}.{name}", value


def functions() -> dict[str, Callable[..., Any]]:
    """Every public function, those behind a decorator such as a cache too."""
    return {
        name: value
        for name, value in public()
        if callable(value) and not inspect.isclass(value)
        and inspect.isfunction(inspect.unwrap(value))
    }  # fmt: skip


def judges() -> set[str]:
    """Functions that answer with a Result, or with a record that holds one."""
    found = set()
    for name, function in functions().items():
        answer = get_type_hints(inspect.unwrap(function)).get("return")
        held = [one.type for one in fields(answer)] if is_dataclass(answer) else []
        if answer is Result or Result in held or "Result" in held:
            found.add(name)
    return found


def streams() -> dict[str, type]:
    """Classes that read value after value; neither the form itself nor an abstract base."""
    return {
        name: value
        for name, value in public()
        if inspect.isclass(value) and value is not Stream and not inspect.isabstract(value)
        and all(hasattr(value, part) for part in ASKED_OF_A_STREAM)
    }  # fmt: skip


def mergeables() -> dict[str, type]:
    """Frozen dataclasses that add up."""
    return {
        name: value
        for name, value in public()
        if inspect.isclass(value) and is_dataclass(value) and "__add__" in vars(value)
        and value.__dataclass_params__.frozen
    }  # fmt: skip
