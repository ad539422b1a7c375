"""How the gateway answers: what it refuses, what it keeps, how much it takes on at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import Field

from homeostat.spec.base import Duration, Section


class Log(Section):
    """The prediction log."""

    fsync: Literal["always", "never"] = "never"
    """``always``: an acknowledged prediction survives a loss of power. ``never``: it survives a
    killed process, and of a loss of power what the operating system had written by then."""
    when_full: Literal["refuse", "answer"] = "refuse"
    """When the log cannot be written: ``refuse`` answers 503; ``answer`` goes on without a log,
    flags each answer ``unlogged`` and counts it in the metrics."""
    keep: Duration | None = None
    """How long sealed predictions are kept; none: for ever."""
    personal: dict[str, Literal["hash", "drop"]] = {}
    """Fields that are personal, by name: ``hash`` keeps a keyed hash of the value, ``drop``
    keeps nothing. Features and the entity may be named; the event's id may not, for labels are
    joined by it."""


class MicroBatch(Section):
    """Answer requests that arrive together with one call of the model."""

    max_rows: int = Field(1, ge=1, le=4096)
    """Most rows in one call; 1 switches it off."""
    budget_ms: float = Field(1.0, gt=0, le=1000)
    """Longest time that a request may wait for others."""


class Serving(Section):
    """How the gateway answers."""

    missing: Literal["impute", "flag", "reject"] = "impute"
    """A null: ``impute`` lets the model fill it as trained, ``flag`` does so and flags the
    prediction ``missing:<feature>``, ``reject`` answers 422."""
    unknown_category: Literal["flag", "reject"] = "flag"
    """A category that was not seen in training: score it as unknown and flag the prediction
    ``unknown:<feature>``, or answer 422."""
    out_of_range: Literal["ignore", "flag", "reject"] = "flag"
    """A number outside of the range seen in training: ``flag`` flags the prediction
    ``range:<feature>``."""
    engine: Literal["auto", "native"] = "auto"
    """``auto``: the compiled model where it was proven equal, else the native one."""
    micro_batch: MicroBatch = MicroBatch()
    """Answer requests that arrive together with one call of the model; off by default."""
    shadow_cpu: float = Field(0.25, ge=0, le=1)
    """Largest share of one processor's time that scoring in shadow may take, per worker. What
    does not fit is dropped and counted."""
    max_waiting: int = Field(256, ge=1)
    """Requests that may wait for a thread, per worker; more are answered 503."""
    max_connections: int = Field(10_000, ge=1)
    """Open connections, per worker; more are answered 503."""
    max_body_mb: int = Field(16, ge=1, le=1024)
    """Largest body of a request, in MiB."""
    read_timeout: Duration = timedelta(seconds=10)
    """How long a client may take to send one request."""
    log: Log = Log()
    """The prediction log."""
