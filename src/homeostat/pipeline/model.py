"""A fitted model as the bytes of one step result: its file name, a line feed, its content.

The content is what ``model_file.py`` writes. It comes from the step cache, under the digest of
these bytes, so it is trusted: this machine has made it.
"""

from __future__ import annotations

from typing import Any

from homeostat.domain.codec import digest
from homeostat.pipeline.model_file import from_bytes, to_bytes


def model_to_bytes(model: Any) -> bytes:
    """``model`` (a pipeline, or one of its parts) as bytes; the same model, the same bytes."""
    written = to_bytes(model)
    return written.file_name.encode() + b"\n" + written.content


def model_from_bytes(content: bytes) -> Any:
    """The model back; raises ModelLoadError when it cannot be read here."""
    name, _, model = content.partition(b"\n")
    return from_bytes(model, name.decode(), digest(model))
