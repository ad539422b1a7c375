"""The text of a small project file, to spoil in one place."""

from __future__ import annotations

from pathlib import Path

from homeostat.spec.load import load_project
from homeostat.spec.project import Project

TEMPLATES = Path(__file__).parents[3] / "src/homeostat/cli/templates"
TEXT = (TEMPLATES / "breast-cancer/homeostat.yaml").read_text().replace("{{model}}", "tumours")
QUALITY = 'when: "auc < 0.9 && labels > 30"'


def loaded(folder: Path, *changes: tuple[str, str]) -> Project:
    """The project after ``changes``, pairs of old and new text, each of which must apply."""
    text = TEXT
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    (folder / "homeostat.yaml").write_text(text)
    return load_project(folder)


def line(folder: Path, part: str) -> int:
    """The line of the written file that holds ``part``."""
    lines = (folder / "homeostat.yaml").read_text().splitlines()
    return next(number for number, text in enumerate(lines, 1) if part in text)
