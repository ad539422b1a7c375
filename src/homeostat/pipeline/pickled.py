"""Pickles models that hold classes or functions of the project's own modules, by value.

Such a class cannot be imported where the model is loaded later, so its code goes into the
pickle. cloudpickle marks each class that it writes by value with a random id, by which a
process recognises a class that it already has; here the id is a digest of the class's name and
of the project's code, so that training again gives the same bytes, and changed code another id.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from homeostat.domain.codec import digest_of

PROJECT_MODULES = "homeostat_project_"
"""Beginning of the private names under which ``spec.code`` loads a project's modules."""


def pickled(model: Any) -> bytes:
    """``model`` as cloudpickle writes it, with the code of project modules inside."""
    import cloudpickle  # type: ignore[import-untyped]

    with _by_value():
        content: bytes = cloudpickle.dumps(model)
    return content


@contextmanager
def _by_value() -> Iterator[None]:
    import cloudpickle

    modules = [m for name, m in sys.modules.items() if name.startswith(PROJECT_MODULES)]
    for module in modules:
        cloudpickle.register_pickle_by_value(module)
        _name_classes(module)
    try:
        yield
    finally:
        for module in modules:
            cloudpickle.unregister_pickle_by_value(module)


def _name_classes(module: ModuleType) -> None:
    """Give the module's classes their ids, before cloudpickle draws random ones."""
    from cloudpickle import cloudpickle

    package = sys.modules.get(module.__name__.partition(".")[0])
    code = getattr(package, "__content__", "")
    for value in vars(module).values():
        if inspect.isclass(value) and value.__module__ == module.__name__:
            name = [module.__name__.partition(".")[2], value.__qualname__, code]
            marker = digest_of(name)[:32]
            with cloudpickle._DYNAMIC_CLASS_TRACKER_LOCK:
                cloudpickle._DYNAMIC_CLASS_TRACKER_BY_CLASS.setdefault(value, marker)
                cloudpickle._DYNAMIC_CLASS_TRACKER_BY_ID.setdefault(marker, value)
