"""Versions as people name them: ``champion``, ``v3`` or ``3``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeostat.errors import UnknownVersionError

if TYPE_CHECKING:
    from homeostat.domain.recorded import Recorded
    from homeostat.domain.version import Version


def number_of(text: str) -> int:
    """The version number in ``v3`` or ``3``; UnknownVersionError for anything else."""
    if not text.removeprefix("v").isdigit():
        raise UnknownVersionError(
            f"'{text}' is not a version",
            subject=text,
            next_step="write v3 or 3; `homeostat versions` lists them",
        )
    return int(text.removeprefix("v"))


def version_named(recorded: Recorded, name: str) -> Version:
    """The version that ``name`` means; UnknownVersionError when there is none."""
    if name == "champion" and recorded.champion is not None:
        return recorded.champion
    number = 0 if name == "champion" else number_of(name)
    try:
        return recorded.version(number)
    except KeyError as error:
        raise UnknownVersionError(
            "no version serves yet" if name == "champion" else f"there is no version {number}",
            subject=name,
            next_step="`homeostat versions` lists them",
        ) from error
