"""Content by digest."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol


class Blobs(Protocol):
    """Immutable content, named by the SHA-256 of its bytes.

    A put is all or nothing, durable when it returns, and idempotent; two writers of the same
    content do not disturb each other. A folder is stored as a manifest (canonical JSON of
    relative path to digest) whose digest names the folder. Times and modes are not content.
    """

    def put(self, content: bytes) -> str:
        """Store bytes; their digest. Raises DiskFullError, and then nothing is left behind."""
        ...

    def get(self, digest: str) -> bytes:
        """The bytes; raises BlobMissingError when they are gone or do not match the digest."""
        ...

    def has(self, digest: str) -> bool:
        """Whether the content is there."""
        ...

    def path(self, digest: str) -> Path:
        """A local file with the bytes, to read only; raises BlobMissingError."""
        ...

    def put_tree(self, folder: Path) -> str:
        """Store all files below ``folder``; the digest of its manifest."""
        ...

    def get_tree(self, digest: str) -> Path:
        """A local folder with these files, to read only; raises BlobMissingError."""
        ...
