"""The form of a method that reads one value after another and may be asked at any time."""

from __future__ import annotations

from typing import Protocol

from numpy.typing import ArrayLike

from homeostat.stats.result import Result


class Stream(Protocol):
    """Values in, one at a time or many; an answer whenever it is wanted.

    The contract, which the property suite holds for each class: values that are not finite are
    counted in ``Result.skipped`` and change nothing else, so that a NaN neither alarms nor
    silences; before any value the verdict is *inconclusive*; ``update_many(a)`` equals
    ``update`` of each value of ``a`` in order; memory does not grow with the number of values.
    A verdict of *fail* stays until ``reset``.
    """

    def update(self, value: float) -> None:
        """Read one value."""
        ...

    def update_many(self, values: ArrayLike) -> None:
        """Read the values of an array of shape (rows,), in order."""
        ...

    @property
    def result(self) -> Result:
        """What is known now."""
        ...

    def reset(self) -> None:
        """Forget everything that was read."""
        ...
