"""How the protocol names a version. PURE."""

from __future__ import annotations

from homeostat.errors import UnknownModelError


def version_of(given: str) -> int | None:
    """A version's number from ``3`` or ``v3``; None when none is named. UnknownModelError."""
    if not given:
        return None
    number = given.removeprefix("v")
    if not number.isdigit() or not number.isascii() or len(number) > 9:
        raise UnknownModelError(
            f"there is no version '{given[:40]}'",
            subject=given[:40],
            next_step="name a version by its number",
        )
    return int(number)
