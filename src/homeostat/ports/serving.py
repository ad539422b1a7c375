"""The gateway, as the loop sees it."""

from __future__ import annotations

from typing import Protocol

from homeostat.domain.rollout import Routing


class Serving(Protocol):
    """Routes requests to versions.

    ``route`` loads what is missing, checks each version's self-test, then swaps all arms at
    once: a request is answered under the old routing or the new, never a mix. If any arm cannot
    be loaded it raises ModelLoadError and the old routing stays. ``observe`` asks what is
    answering now, by model digest, instead of repeating what was told.
    """

    def route(self, routing: Routing) -> None:
        """Make ``routing`` take effect."""
        ...

    def observe(self) -> Routing | None:
        """What is routed now; None when the gateway cannot be asked."""
        ...
