"""State in memory, for simulations and tests: a ledger, blobs and a step cache.

They keep the contracts of their ports and pass the same conformance suites as the real ones,
but nothing survives the process, and a ledger has no second process to keep apart.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from homeostat.adapters.local.file_blobs import read_manifest
from homeostat.domain.codec import canonical, digest
from homeostat.domain.entry import GENESIS, Draft, Entry, chain
from homeostat.errors import BlobMissingError, LeaseHeldError


@dataclass(slots=True)
class _Lease:
    token: int = 0
    holder: str = ""
    until: datetime | None = None


class MemoryLedger:
    """A ledger in a list."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._entries: list[Entry] = []
        self._lease = _Lease()
        self._lock = threading.RLock()

    def append(self, drafts: Sequence[Draft], *, token: int | None = None) -> tuple[Entry, ...]:
        """Append all of ``drafts`` or nothing."""
        with self._lock:
            if token is not None and token != self._lease.token:
                raise LeaseHeldError(
                    f"token {token} is old, the newest lease has token {self._lease.token}"
                    + (f": '{self._lease.holder}' is in charge" if self._lease.holder else ""),
                    subject=f"lease on '{self._model}'",
                    next_step="stop this controller: another one is in charge",
                )
            added: list[Entry] = []
            head = self._entries[-1].hash if self._entries else GENESIS
            for seq, new in enumerate(drafts, start=len(self._entries) + 1):
                added.append(chain(head, seq, self._model, new))
                head = added[-1].hash
            self._entries += added
            return tuple(added)

    def read(self, after: int = 0) -> Iterator[Entry]:
        """Entries after ``after``; also those appended while reading."""
        seq = max(after, 0)
        while seq < len(self._entries):
            yield self._entries[seq]
            seq += 1

    def entry(self, seq: int) -> Entry:
        """One entry; KeyError when there is none."""
        if not 1 <= seq <= len(self._entries):
            raise KeyError(seq)
        return self._entries[seq - 1]

    def acquire(self, holder: str, until: datetime, now: datetime) -> int:
        """Take or renew the lease."""
        with self._lock:
            lease = self._lease
            if lease.holder and lease.holder != holder:
                assert lease.until is not None
                if lease.until > now:
                    raise LeaseHeldError(
                        f"'{lease.holder}' is in charge until {lease.until.isoformat()}",
                        subject=f"lease on '{self._model}'",
                        next_step="wait until then, or stop that controller",
                    )
            token = lease.token if lease.holder == holder else lease.token + 1
            self._lease = _Lease(token, holder, until)
            return token

    def release(self, holder: str) -> None:
        """Give the lease back; its token is old from now on."""
        with self._lock:
            if self._lease.holder == holder:
                self._lease = _Lease(self._lease.token + 1)


class MemoryBlobs:
    """Content in a dictionary; ``path`` and ``get_tree`` write it below a temporary folder."""

    def __init__(self) -> None:
        self._contents: dict[str, bytes] = {}
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._lock = threading.RLock()

    def put(self, content: bytes) -> str:
        """Keep a copy of ``content``."""
        name = digest(content)
        self._contents[name] = bytes(content)
        return name

    def get(self, digest: str) -> bytes:
        """The bytes."""
        try:
            return self._contents[digest]
        except KeyError:
            raise _missing(digest) from None

    def has(self, digest: str) -> bool:
        """Whether the content is there."""
        return digest in self._contents

    def path(self, digest: str) -> Path:
        """A file with the bytes, gone with this object."""
        content = self.get(digest)
        with self._lock:
            target = self._root() / digest
            if not target.exists():
                target.write_bytes(content)
        return target

    def put_tree(self, folder: Path) -> str:
        """Keep all files below ``folder``."""
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return self.put(
            canonical({f.relative_to(folder).as_posix(): self.put(f.read_bytes()) for f in files})
        )

    def get_tree(self, digest: str) -> Path:
        """A folder with these files, gone with this object."""
        manifest = read_manifest(self.get(digest), digest)
        with self._lock:
            target = self._root() / f"{digest}.tree"
            if not target.exists():
                fresh = Path(tempfile.mkdtemp(dir=self._root()))
                for name, held in manifest.items():
                    (fresh / name).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(self.path(held), fresh / name)
                fresh.rename(target)
        return target

    def forget(self, digest: str) -> None:
        """Lose content, as a disk may."""
        self._contents.pop(digest, None)

    def _root(self) -> Path:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="homeostat-blobs-")
        return Path(self._folder.name)


class MemoryStepCache:
    """A step cache in a dictionary."""

    def __init__(self) -> None:
        self._digests: dict[str, str] = {}

    def get(self, key: str) -> str | None:
        """Digest of the result under ``key``, or None."""
        return self._digests.get(key)

    def put(self, key: str, digest: str) -> str:
        """Record a result; the first one stays."""
        return self._digests.setdefault(key, digest)


def _missing(name: str) -> BlobMissingError:
    return BlobMissingError(
        "there is no such content",
        subject=name,
        next_step="restore the state folder from a backup",
    )
