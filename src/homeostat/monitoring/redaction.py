"""Personal fields are hashed or left out before a prediction is written down.

A hash is keyed BLAKE2b (RFC 7693, 128 bits, as 32 hexadecimal digits) over the field's name and
its value as text: the same value of the same field has the same hash while the key lives, and
without the key nobody can try values. Deleting the key makes all hashes meaningless.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from homeostat.errors import StateCorruptError
from homeostat.monitoring.log_segments import full, sync_folder

if TYPE_CHECKING:
    import polars as pl

KEY_BYTES = 32
HASH_BYTES = 16
_HASHED = re.compile(f"[0-9a-f]{{{2 * HASH_BYTES}}}")

Treatment = Literal["hash", "drop"]


class Redaction:
    """``personal`` says what becomes of which field; ``key`` has 32 bytes.

    ``entity`` is the name by which the project calls the entity, so that this column of the log
    is treated too. Null stays null.
    """

    def __init__(
        self, personal: Mapping[str, Treatment], key: bytes, *, entity: str | None = None
    ) -> None:
        assert len(key) == KEY_BYTES
        self._key = key
        self._personal = dict(personal)
        self._entity = entity if entity in self._personal else None

    def __bool__(self) -> bool:
        """Whether anything is personal."""
        return bool(self._personal)

    def hashed(self, name: str, value: Any) -> str | None:
        """The hash of a field's value; None for null and NaN. 1, 1.0 and True differ in nothing."""
        text = value if isinstance(value, str) or value is None else repr(float(value))
        if text is None or (text == "nan" and not isinstance(value, str)):
            return None
        content = f"{name}\0{text}".encode()
        return blake2b(content, digest_size=HASH_BYTES, key=self._key).hexdigest()

    def inputs(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """``inputs``, changed in place, with personal ones hashed or null."""
        for name, treatment in self._personal.items():
            if name in inputs:
                drop = treatment == "drop"
                inputs[name] = None if drop else self.hashed(name, inputs[name])
        return inputs

    def record(self, record: dict[str, Any]) -> dict[str, Any]:
        """A record of the log, changed in place; call this once, before it becomes a line."""
        self.inputs(record["inputs"])
        if self._entity is not None:
            dropped = self._drops(self._entity)
            record["entity"] = "" if dropped else self.hashed(self._entity, record["entity"])
        return record

    def frame(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Rows of the log, treated as :meth:`record` does."""
        changed = []
        if self._entity is not None:
            changed.append(self._treated(self._entity, frame["entity"]).alias("entity"))
            changed[0] = changed[0].fill_null("") if self._drops(self._entity) else changed[0]
        inputs = frame["inputs"].struct.unnest()
        treated = [name for name in self._personal if name in inputs.columns]
        if treated:
            columns = [self._treated(name, inputs[name]) for name in treated]
            changed.append(inputs.with_columns(columns).to_struct("inputs"))
        return frame.with_columns(changed) if changed else frame

    def _drops(self, name: str) -> bool:
        return self._personal[name] == "drop"

    def _treated(self, name: str, values: pl.Series) -> pl.Series:
        import polars as pl

        if self._drops(name):
            return pl.Series(name, [None] * len(values), dtype=pl.String)
        known = {value: self.hashed(name, value) for value in values.unique().to_list()}
        return pl.Series(name, [known.get(value) for value in values.to_list()], dtype=pl.String)


def hidden(inputs: Mapping[str, Any], personal: Mapping[str, Treatment]) -> list[str]:
    """Inputs of a logged row whose value was not kept, as far as the row can tell.

    A value that is null where ``personal`` says ``drop``, or looks like a hash where it says
    ``hash``.
    """
    return [
        name
        for name, treatment in personal.items()
        if name in inputs
        and (inputs[name] is None if treatment == "drop" else looks_hashed(inputs[name]))
    ]


def hidden_rows(
    inputs: pl.Series, personal: Mapping[str, Treatment], taken: Iterable[str]
) -> pl.Series:
    """Per row of ``inputs``, whether any input among ``taken`` is hidden; see :func:`hidden`."""
    import polars as pl

    columns = inputs.struct.unnest()
    lost = pl.repeat(value=False, n=len(inputs), dtype=pl.Boolean, eager=True)
    for name in set(taken) & personal.keys() & set(columns.columns):
        values = columns[name]
        if personal[name] == "drop":
            lost = lost | values.is_null()
        elif values.dtype == pl.String:
            lost = lost | values.str.contains(f"^{_HASHED.pattern}$").fill_null(value=False)
    return lost


def looks_hashed(value: Any) -> bool:
    """Whether a value has the form of a hash."""
    return isinstance(value, str) and _HASHED.fullmatch(value) is not None


def redaction_key(path: Path) -> bytes:
    """The key in ``path``, made at the first call; only its owner may read the file.

    Processes that ask at the same time get the same key. Raises DiskFullError, and
    StateCorruptError when the file does not hold a key.
    """
    try:
        if not path.exists():
            _make_key(path)
        key = path.read_bytes()
    except OSError as error:
        raise full(path.parent, error) from error
    if len(key) != KEY_BYTES:
        raise StateCorruptError(
            f"the key has {len(key)} bytes, not {KEY_BYTES}",
            subject=str(path),
            next_step="restore it from a backup; with a new key old hashes match no new ones",
        )
    return key


def _make_key(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    file = os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    try:
        if os.write(file, os.urandom(KEY_BYTES)) != KEY_BYTES:
            raise OSError(28, "no space left on device")
        os.fsync(file)
        try:
            os.link(unfinished, path)
        except FileExistsError:  # another process was faster: its key holds
            return
        sync_folder(path.parent)
    finally:
        os.close(file)
        unfinished.unlink()
