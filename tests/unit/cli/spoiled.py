"""Spoil a file of a project."""

from __future__ import annotations

from pathlib import Path


def spoil(folder: Path, *changes: tuple[str, str], file: str = "homeostat.yaml") -> int:
    """Replace old by new text, which must apply; the line of the first change."""
    path = folder / file
    text = path.read_text()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    path.write_text(text)
    return text[: text.index(changes[0][1])].count("\n") + 1
