"""A throw-away layer over the blob store and the step cache: reads through, writes apart."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec

from homeostat.domain.codec import canonical, digest
from homeostat.ports.blobs import Blobs


class OverlayBlobs:
    """Blobs whose new content goes to ``folder``; what is not there is read from ``base``.

    ``base`` is never written to. Errors are those of ``base``.
    """

    def __init__(self, base: Blobs, folder: Path) -> None:
        self._base = base
        self._folder = folder

    def put(self, content: bytes) -> str:
        """Store bytes in the layer."""
        name = digest(content)
        (self._folder / name).write_bytes(content)
        return name

    def get(self, digest: str) -> bytes:
        """The bytes, from the layer or from below."""
        path = self._folder / digest
        return path.read_bytes() if path.exists() else self._base.get(digest)

    def has(self, digest: str) -> bool:
        """Whether the content is in the layer or below."""
        return (self._folder / digest).exists() or self._base.has(digest)

    def path(self, digest: str) -> Path:
        """A file with the bytes."""
        path = self._folder / digest
        return path if path.exists() else self._base.path(digest)

    def put_tree(self, folder: Path) -> str:
        """Store all files below ``folder`` in the layer."""
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return self.put(
            canonical({f.relative_to(folder).as_posix(): self.put(f.read_bytes()) for f in files})
        )

    def get_tree(self, digest: str) -> Path:
        """A folder with these files."""
        if not (self._folder / digest).exists():
            return self._base.get_tree(digest)
        target = self._folder / f"{digest}.tree"
        if not target.exists():
            manifest = msgspec.json.decode(self.get(digest), type=dict[str, str])
            for name, held in manifest.items():
                (target / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(self.path(held), target / name)
        return target


class FreshStepCache:
    """A step cache that begins empty and ends with its object: every step runs again."""

    def __init__(self) -> None:
        self._digests: dict[str, str] = {}

    def get(self, key: str) -> str | None:
        """Digest of the result under ``key``, or None."""
        return self._digests.get(key)

    def put(self, key: str, digest: str) -> str:
        """Record a result; the first one stays."""
        return self._digests.setdefault(key, digest)
