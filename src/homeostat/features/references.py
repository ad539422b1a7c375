"""What a version's live windows are compared with, as it is stored beside its package."""

from __future__ import annotations

from dataclasses import dataclass, replace

from homeostat.domain.codec import canonical, from_builtins
from homeostat.stats.drift.reference import Reference
from homeostat.stats.estimate.calibrate import Calibration
from homeostat.stats.estimate.calibration_sd import CalibrationSd
from homeostat.stats.profile import Profile

PREDICTION = "homeostat__prediction"
"""The one column of the reference of a version's answers."""


@dataclass(frozen=True, slots=True)
class LossModel:
    """A LightGBM model, as text, of the absolute error from encoded features and prediction.

    ``predicted`` and ``actual`` are out-of-fold pairs of absolute errors on evaluation rows.
    """

    booster: str
    predicted: tuple[float, ...]
    actual: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class References:
    """``features`` of the training rows; the rest of the evaluation rows, where there are any.

    ``prediction`` are the version's answers. ``calibration`` and ``calibration_sd`` turn scores
    into probabilities (``task: binary``); ``loss_model`` foretells errors (``regression``).
    """

    features: Reference
    prediction: Reference | None = None
    calibration: Calibration | None = None
    calibration_sd: CalibrationSd | None = None
    loss_model: LossModel | None = None

    def without(self, left_out: frozenset[str]) -> References:
        """The references without some features."""
        return replace(self, features=self.features.without(left_out))

    def to_json(self) -> bytes:
        """Canonical JSON."""
        return canonical(self)


def from_json(content: bytes) -> References:
    """Read :meth:`References.to_json`'s bytes, or a profile's, as older versions have.

    Raises msgspec.DecodeError or msgspec.ValidationError when they are damaged.
    """
    import msgspec

    found = msgspec.json.decode(content)
    if isinstance(found, dict) and "features" in found:
        return from_builtins(found, References)
    return References(Reference(from_builtins(found, Profile)))
