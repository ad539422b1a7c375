"""A fitted model to bytes and back: the same bytes for the same model, audited before loading.

A model is written with skops (https://skops.readthedocs.io/en/stable/persistence.html), which
can be read without running code from the file. skops names objects by memory address and stamps
the time; :func:`canonical_skops` replaces both, so that training again gives the same digest.
A model that skops cannot hold (an estimator class defined beside the project file) is written
with cloudpickle. Reading a pickle runs code, so it is only read when its digest is the trusted
one.
"""

from __future__ import annotations

import io
import json
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from homeostat.domain.codec import digest
from homeostat.errors import ModelLoadError
from homeostat.pipeline.pickled import PROJECT_MODULES, pickled

SKOPS = "model.skops"
PICKLE = "model.pkl"
_EPOCH = (1980, 1, 1, 0, 0, 0)
_STANDARD_TYPES = ("collections.OrderedDict", "collections.defaultdict", "collections.deque")
_KNOWN_LIBRARIES = ("sklearn", "lightgbm", "xgboost", "catboost", "numpy", "scipy", "homeostat")
_RETRAIN = "train again, or roll back to another version"


@dataclass(frozen=True, slots=True)
class ModelBytes:
    """A model as bytes.

    ``format``: ``skops`` or ``cloudpickle``; ``types``: what skops asks to be trusted beyond
    its own list.
    """

    content: bytes
    format: str
    types: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """The model digest: SHA-256 of the bytes."""
        return digest(self.content)

    @property
    def file_name(self) -> str:
        """Name of the file inside the MLflow folder."""
        return SKOPS if self.format == "skops" else PICKLE


def to_bytes(model: Any) -> ModelBytes:
    """Write ``model`` with skops if it can hold it, else with cloudpickle."""
    import skops.io
    from skops.io.exceptions import UnsupportedTypeException

    try:
        content = canonical_skops(skops.io.dumps(model))
        types = tuple(sorted(skops.io.get_untrusted_types(data=content)))
        if not forbidden_types(types) and PROJECT_MODULES not in "".join(types):
            skops.io.loads(content, trusted=list(types))
            return ModelBytes(content, "skops", types)
    except (UnsupportedTypeException, TypeError, AttributeError, ImportError, ValueError):
        pass  # a class that skops cannot write or find again: the pickle below holds it
    return ModelBytes(pickled(model), "cloudpickle")


def canonical_skops(content: bytes) -> bytes:
    """The same skops archive with ids and file names counted from 1, and without times.

    Ids only say which nodes are one object. Equal constants share an id here, because whether
    Python shares them is an accident of the process.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(members.pop("schema.json"))
    counted = _Counted(frozenset(members))
    schema = counted.node(schema)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for old, new in counted.files.items():
            archive.writestr(_member(new), _without_padding(old, members[old]))
        archive.writestr(_member("schema.json"), json.dumps(schema, separators=(",", ":")))
    return target.getvalue()


def _without_padding(name: str, content: bytes) -> bytes:
    """A NumPy file with the gaps between fields zeroed: reading leaves chance bytes in them."""
    import numpy as np

    if not name.endswith(".npy"):
        return content
    array = np.load(io.BytesIO(content), allow_pickle=False)
    if array.dtype.names is None:
        return content
    clean = np.frombuffer(bytearray(array.nbytes), dtype=array.dtype).reshape(array.shape)
    for field in array.dtype.names:
        clean[field] = array[field]
    target = io.BytesIO()
    np.save(target, clean, allow_pickle=False)
    return target.getvalue()


def _member(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    return info


class _Counted:
    """Renames ids and member files of a skops schema in the order in which they are met."""

    def __init__(self, members: frozenset[str]) -> None:
        self.members = members
        self.files: dict[str, str] = {}
        self.ids: dict[Any, int] = {}

    def node(self, value: Any) -> Any:
        if isinstance(value, dict):
            renamed = {key: self.node(item) for key, item in value.items() if key != "__id__"}
            if renamed.get("__loader__") == "SetNode":
                renamed["content"].sort(key=_without_ids)
            if "__id__" in value:
                key = self._identity(value)
                renamed["__id__"] = self.ids.setdefault(key, len(self.ids) + 1)
            return renamed
        if isinstance(value, list):
            return [self.node(item) for item in value]
        if isinstance(value, str) and value in self.members:
            suffix = Path(value).suffix
            return self.files.setdefault(value, f"{len(self.files) + 1:06d}{suffix}")
        return value

    @staticmethod
    def _identity(value: dict[str, Any]) -> Any:
        loader = value.get("__loader__")
        if loader == "TypeNode":
            return (loader, value.get("__module__"), value.get("__class__"))
        content = value.get("content")
        if loader == "JsonNode" and isinstance(content, str) and content[:1] not in "[{":
            return (loader, value.get("__module__"), value.get("__class__"), content)
        return value["__id__"]


def _without_ids(value: Any) -> str:
    def stripped(part: Any) -> Any:
        if isinstance(part, dict):
            return {key: stripped(item) for key, item in part.items() if key != "__id__"}
        return [stripped(item) for item in part] if isinstance(part, list) else part

    return json.dumps(stripped(value), sort_keys=True)


def forbidden_types(types: tuple[str, ...]) -> tuple[str, ...]:
    """Types of the standard library that no model is made of, though skops was asked to build them.

    An estimator's own classes come from the library that it belongs to. A function such as
    ``builtins.eval`` or ``os.system`` in a model file is an attack.
    """
    return tuple(
        name
        for name in types
        if name not in _STANDARD_TYPES
        and (name.split(".")[0] in sys.stdlib_module_names or name.split(".")[0] == "__main__")
    )


def from_bytes(content: bytes, file_name: str, trusted_digest: str | None) -> Any:
    """Rebuild a model after the audit.

    ``trusted_digest`` is what the ledger recorded; bytes with another digest are refused before
    anything is built from them. Without it a skops file may hold only types of well-known model
    libraries, and a pickle is refused. Raises ModelLoadError.
    """
    found = digest(content)
    if trusted_digest is not None and found != trusted_digest:
        raise ModelLoadError(
            f"the model file has digest {found[:12]}, the ledger trusts {trusted_digest[:12]}",
            subject=file_name,
            next_step="somebody changed the file: restore it from the blob store, or " + _RETRAIN,
        )
    if file_name == PICKLE:
        return _unpickled(content, trusted_digest)
    import skops.io

    try:
        types = tuple(skops.io.get_untrusted_types(data=content))
        refused = forbidden_types(types)
        if trusted_digest is None:
            refused += tuple(
                name
                for name in types
                if name not in _STANDARD_TYPES and name.split(".")[0] not in _KNOWN_LIBRARIES
            )
        if not refused:
            return skops.io.loads(content, trusted=list(types))
    except Exception as error:
        raise ModelLoadError(
            f"the model file cannot be read ({type(error).__name__}: {error})",
            subject=file_name,
            next_step="install the versions in mlflow/requirements.txt, or " + _RETRAIN,
        ) from error
    raise ModelLoadError(
        f"the model file asks to build {', '.join(dict.fromkeys(refused))}, not known as a model's",
        subject=file_name,
        next_step="do not load it before you know who wrote it; load it with its recorded digest",
    )


def _unpickled(content: bytes, trusted_digest: str | None) -> Any:
    if trusted_digest is None:
        raise ModelLoadError(
            "a pickled model is only read when its digest is known from the ledger",
            subject=PICKLE,
            next_step="load it through Homeostat, which passes the recorded digest",
        )
    import pickle

    try:
        return pickle.loads(content)  # noqa: S301 - the digest was compared with the ledger's
    except Exception as error:
        raise ModelLoadError(
            f"the model file cannot be read ({type(error).__name__}: {error})",
            subject=PICKLE,
            next_step="install the versions in mlflow/requirements.txt, or " + _RETRAIN,
        ) from error
