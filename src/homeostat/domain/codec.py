"""Domain values to canonical JSON and back; the ledger's hashes stand on these bytes.

Canonical form: UTF-8 JSON, keys sorted, no spaces, times as ISO 8601 in UTC, durations as
ISO 8601, NaN and infinities as null. msgspec does the work.
"""

from __future__ import annotations

import hashlib
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


def to_builtins(value: Any) -> Any:
    """``value`` as dicts, lists, strings, numbers: what JSON can hold."""
    return msgspec.json.decode(canonical(value))


def canonical(value: Any) -> bytes:
    """Canonical JSON bytes of ``value``.

    >>> canonical({"b": 1, "a": [2.5, None]})
    b'{"a":[2.5,null],"b":1}'
    """
    return msgspec.json.encode(value, order="sorted")


def from_builtins(value: Any, kind: type[T]) -> T:
    """Rebuild a ``kind`` from what :func:`to_builtins` gave, or raise msgspec.ValidationError."""
    return msgspec.convert(value, type=kind)


def digest(content: bytes) -> str:
    """SHA-256 of ``content`` in hexadecimal.

    >>> digest(b"")[:12]
    'e3b0c44298fc'
    """
    return hashlib.sha256(content).hexdigest()


def digest_of(value: Any) -> str:
    """SHA-256 of the canonical JSON of ``value``."""
    return digest(canonical(value))
