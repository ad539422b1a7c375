"""How a page is made and written: templates, typefaces, all or nothing."""

from __future__ import annotations

import base64
import os
import tempfile
from pathlib import Path
from typing import Any

from homeostat.console import words
from homeostat.errors import DiskFullError

HERE = Path(__file__).parent
FONTS = {"Inter": "inter.woff2", "Source Serif": "source-serif.woff2"}


def rendered(template: str, parts: dict[str, Any]) -> str:
    """A template filled with ``parts``; the same parts give the same text."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "day": words.day,
        "moment": words.moment,
        "value": words.value,
        "signed": words.signed,
        "span": words.span,
    }
    return environment.get_template(template).render(**parts)


def static(name: str) -> str:
    """A style sheet or a script that goes into a page."""
    return (HERE / "static" / name).read_text(encoding="utf-8")


def fonts() -> dict[str, str]:
    """The typefaces as data, by family."""
    return {
        family: base64.b64encode((HERE / "static" / "fonts" / name).read_bytes()).decode()
        for family, name in FONTS.items()
    }


def write_page(page: str, path: Path) -> Path:
    """Write ``page`` to ``path``, all or nothing; DiskFullError when there is no room."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(page.encode())
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except OSError as error:
        Path(name).unlink(missing_ok=True)
        raise DiskFullError(
            f"the report cannot be written: {error.strerror}",
            subject=str(path),
            next_step="free some space, or write it somewhere else",
        ) from error
    return path
