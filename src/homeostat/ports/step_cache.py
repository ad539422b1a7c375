"""Which step results exist already."""

from __future__ import annotations

from typing import Protocol


class StepCache(Protocol):
    """Maps a step's key to the digest of what it yielded: key -> content digest -> blob.

    ``put`` is atomic and idempotent. A key never changes its meaning: putting another digest
    under the same key means that the step is not deterministic, and the first one stays.
    """

    def get(self, key: str) -> str | None:
        """Digest of the result under ``key``, or None."""
        ...

    def put(self, key: str, digest: str) -> str:
        """Record a result; the digest that now stands under ``key``."""
        ...
