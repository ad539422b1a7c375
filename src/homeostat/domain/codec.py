"""Domain values to canonical JSON and back; the ledger's hashes stand on these bytes.

Canonical form: UTF-8 JSON, keys sorted, no spaces, times as ISO 8601 (UTC throughout
Homeostat), durations as ISO 8601, NaN and infinities as null, floats in their shortest exact
form. What was decoded from canonical bytes encodes to the same bytes. msgspec does the work.
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

    Array scalars (NumPy's numbers) become plain numbers, keys become strings, and half of a
    surrogate pair (from a file name that is not UTF-8) is written out as an escape: a decision
    must be recordable whatever text or number it came with. Raises TypeError for other objects.

    >>> canonical({"b": 1, "a": [2.5, None]})
    b'{"a":[2.5,null],"b":1}'
    """
    try:
        return msgspec.json.encode(value, order="sorted", enc_hook=_scalar)
    except (TypeError, UnicodeEncodeError):
        plain = msgspec.to_builtins(value, str_keys=True, enc_hook=_scalar)
        return msgspec.json.encode(_writable(plain), order="sorted")


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


def _scalar(value: Any) -> Any:
    """The plain number in an array scalar."""
    item = getattr(value, "item", None)
    if item is None or getattr(value, "ndim", None) != 0:
        raise TypeError(f"{type(value).__name__} has no canonical form")
    return item()


def _writable(value: Any) -> Any:
    """``value`` with every text as UTF-8 can hold it."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {_writable(key): _writable(held) for key, held in value.items()}
    if isinstance(value, (list, tuple)):
        return [_writable(held) for held in value]
    return value
