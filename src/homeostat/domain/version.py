"""A version: a candidate that passed its gates and has a number in the registry."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from homeostat.domain.run import Candidate


@dataclass(frozen=True, slots=True)
class Version:
    """One registered version of the model, numbered from 1 and never renumbered."""

    number: int
    registered_at: datetime
    candidate: Candidate
    parent: int | None
    entry: int

    @property
    def digest(self) -> str:
        """Digest of the model's bytes: what the gateway must answer with."""
        return self.candidate.model_digest
