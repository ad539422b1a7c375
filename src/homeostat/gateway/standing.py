"""Whether this worker serves under a controller, or on its own from the last good routing."""

from __future__ import annotations

from dataclasses import dataclass

SILENT_S = 30.0
"""A controller that was not heard for so long counts as gone."""


@dataclass(slots=True)
class Standing:
    """``heard_s`` is the monotonic time at which the controller was last heard; None: never.

    ``failing``: it said itself that its last pass failed.
    """

    heard_s: float | None = None
    failing: bool = False

    def heard(self, now_s: float, failing: bool = False) -> None:
        """The controller spoke."""
        self.heard_s = now_s
        self.failing = failing

    def controlled(self, now_s: float) -> bool:
        """Whether a controller that works was heard lately."""
        return self.heard_s is not None and not self.failing and now_s - self.heard_s <= SILENT_S

    def describe(self, now_s: float) -> dict[str, object]:
        """As readiness shows it."""
        silent = None if self.heard_s is None else round(now_s - self.heard_s, 1)
        return {
            "up": self.controlled(now_s),
            "silent_s": silent,
            "serving": "as decided" if self.controlled(now_s) else "the last good routing",
        }
