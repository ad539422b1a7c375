"""Which numbers the model sees, and from which point in time."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from homeostat.spec.base import Duration, Section


class Aggregate(Section):
    """A number over the rows of a key that became known in the ``window`` before prediction."""

    over: Duration
    """The window: rows with known_at in (t - over, t], both ends as stated."""
    mean: str | None = None
    """Mean of this column, nulls left out; null when no row is left."""
    sum: str | None = None
    """Sum of this column, nulls left out; null when no row is left."""
    count: Literal[True] | None = None
    """Number of rows; 0 when there are none."""

    @model_validator(mode="after")
    def _one_kind(self) -> Aggregate:
        if sum((self.mean is not None, self.sum is not None, self.count is not None)) != 1:
            raise ValueError("give exactly one of 'mean', 'sum', 'count'")
        return self


class View(Section):
    """Features joined from a source by key, as known at the prediction time.

    ``columns`` takes the latest row with known_at in [t - ttl, t]; ``aggregates`` sum up the
    rows in a window. Feature names are ``<view>.<name>`` with the dot written as two underscores.
    """

    source: str
    """Source of the rows."""
    key: tuple[str, ...] = ()
    """Columns in both the events and the source; empty: one row for all."""
    ttl: Duration | None = None
    """How old the latest row may be; none: any age."""
    columns: tuple[str, ...] = ()
    """Columns of the latest known row."""
    aggregates: dict[str, Aggregate] = {}
    """Numbers over a window of known rows, by name."""

    @model_validator(mode="after")
    def _something(self) -> View:
        if not self.columns and not self.aggregates:
            raise ValueError("give 'columns', 'aggregates' or both")
        return self


class Features(Section):
    """All inputs of the model, in the order in which it gets them."""

    row: tuple[str, ...] = ()
    """Columns of the event itself."""
    derive: str | None = None
    """``module:function`` from a frame of event columns to a frame with the new columns."""
    derived: tuple[str, ...] = ()
    """Names of the columns that ``derive`` returns."""
    views: dict[str, View] = {}
    """Features joined from sources, by name of the view."""
    categorical: tuple[str, ...] = ()
    """Which of the features are categories; the others are numbers."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all features in model order: row, derived, then each view's."""
        viewed = (
            f"{view}__{name}"
            for view, declared in self.views.items()
            for name in (*declared.columns, *declared.aggregates)
        )
        return (*self.row, *self.derived, *viewed)

    @model_validator(mode="after")
    def _consistent(self) -> Features:
        if bool(self.derive) != bool(self.derived):
            raise ValueError("'derive' and 'derived' go together")
        names = self.names
        if not names:
            raise ValueError("there are no features: give 'row', 'derive' or 'views'")
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"features named twice: {', '.join(twice)}")
        unknown = sorted(set(self.categorical) - set(names))
        if unknown:
            raise ValueError(f"categorical names no feature: {', '.join(unknown)}")
        return self
