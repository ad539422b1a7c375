"""What every protocol asks of the gateway, and what it gets: the border between wire and model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from homeostat.domain.rollout import Routing
from homeostat.pipeline.schema import Schema


@dataclass(frozen=True, slots=True)
class Asked:
    """Rows to answer.

    ``columns`` maps a name to its values, one per row: features, and optionally the event's id
    and the entity. A value is a number, a text, a boolean or None; a column is a list or a
    one-dimensional numpy array. ``version`` names the only version that may answer.
    """

    columns: Mapping[str, Sequence[Any]]
    count: int
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Answers:
    """One entry per row asked, in the same order. Each row is in the prediction log.

    ``predictions`` are the probability of the positive class or the value of a regression.
    ``flags`` are those of the log, such as ``unknown:carrier``.
    """

    ids: Sequence[str]
    events: Sequence[str]
    versions: Sequence[int]
    predictions: Sequence[float]
    flags: Sequence[Sequence[str]] = field(default=())


class Answering(Protocol):
    """A model that answers. Safe to call from several threads.

    ``answer`` raises InputError naming the field, UnknownModelError for a version that is not
    loaded, NotReadyError before a version serves, DiskFullError when the log cannot be written
    and the project file says to refuse then.
    """

    def answer(self, asked: Asked) -> Answers:
        """Validate, route, score and log ``asked``; all rows are answered, or none."""
        ...

    def observe(self) -> Routing:
        """The arms in memory."""
        ...

    def schema(self, version: int | None = None) -> Schema:
        """What a version takes; None: the champion. NotReadyError, UnknownModelError."""
        ...
