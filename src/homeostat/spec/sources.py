"""Where data comes from, and what a delivery must look like to be accepted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

from pydantic import Field, model_validator

from homeostat.spec.base import Duration, Section


class Fallback(Section):
    """What features may use while a source is quarantined or late."""

    use: Literal["last_good"] = "last_good"
    """Use the last accepted row of the same key."""
    max_age: Duration
    """How old that row may be; older ones count as missing."""


class ColumnCheck(Section):
    """What one column must hold. Shares are in [0, 1]."""

    type: Literal["string", "integer", "float", "boolean", "timestamp"]
    """Type of the values; whole numbers count as float too."""
    unique: bool = False
    """No value may stand twice."""
    max_null_share: float = Field(0.0, ge=0, le=1)
    """Share of rows that may be null (or NaN)."""
    min: float | None = None
    """Least value allowed."""
    max: float | None = None
    """Greatest value allowed."""
    allowed: tuple[str, ...] | None = None
    """Closed set of categories."""


class DriftCheck(Section):
    """Compare a delivery's distribution with the accepted data before it, by PSI."""

    columns: tuple[str, ...]
    """Columns to compare."""
    max_psi: float = Field(0.5, gt=0)
    """A column above this fails the delivery."""
    reference: Duration = timedelta(days=28)
    """How far back the accepted data goes that it is compared with."""
    min_rows: int = Field(500, ge=20)
    """With fewer rows on either side the check is skipped and says so."""


class Checks(Section):
    """What must hold for a delivery to be accepted."""

    columns: dict[str, ColumnCheck] = {}
    """Columns by name; one that is missing fails the delivery."""
    min_rows: int = Field(0, ge=0)
    """Fewer rows fail the delivery."""
    rules: dict[str, str] = {}
    """Named conditions between columns, as SQL expressions that must be true or null."""
    max_rule_failures: float = Field(0.0, ge=0, le=1)
    """Share of rows that may break each rule."""
    drift: DriftCheck | None = None
    """Compare with the accepted data before it."""


class Source(Section):
    """One source of rows with a time at which each became known."""

    load: str | None = None
    """``module:function`` beside the project file, called with (since, until), returns a frame."""
    path: str | None = None
    """Or: a CSV or Parquet file or glob, relative to the project file."""
    posted: bool = False
    """Or: rows are those posted to the gateway's labels route; known_at is their receipt."""
    options: dict[str, Any] = {}
    """Extra keyword arguments for ``load``."""
    known_at: str
    """Timestamp column: when the row became known. Rows are used only after it."""
    every: Duration = timedelta(days=1)
    """How often to ask for a delivery."""
    known_later: tuple[str, ...] = ()
    """Columns filled in after ``known_at``; no feature may use them."""
    checks: Checks = Checks()
    """What a delivery must look like."""
    on_failure: Literal["quarantine"] = "quarantine"
    """A delivery that fails is kept, and never used."""
    retries: int = Field(7, ge=0)
    """How often a quarantined window is asked for again, once per ``every``."""
    fallback: Fallback | None = None
    """What features may use while the source is bad or late; none: rows within the ttl only."""

    @model_validator(mode="after")
    def _one_origin(self) -> Source:
        if (self.load is not None) + (self.path is not None) + self.posted != 1:
            raise ValueError("give exactly one of 'load', 'path', 'posted: true'")
        return self
