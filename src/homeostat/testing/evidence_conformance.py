"""What every source of evidence must do: subclass, and give the fixture ``observed``."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from homeostat.domain.recorded import Recorded
from homeostat.ports.evidence import Evidence


@dataclass(frozen=True, slots=True)
class Observed:
    """Evidence to check, a record and a time to ask for, and the signals the project declares."""

    evidence: Evidence
    recorded: Recorded
    now: datetime
    declared: frozenset[str]


class EvidenceConformance:
    """The contract of ports.evidence as tests."""

    @pytest.fixture
    def observed(self) -> Observed:
        """What to check."""
        raise NotImplementedError("give the fixture observed")

    def test_every_declared_signal_is_there_whatever_is_known(self, observed: Observed) -> None:
        """Before the first pass as after it; without data its value is None."""
        for recorded in (Recorded(), observed.recorded):
            signals = observed.evidence.signals(recorded, observed.now)
            assert observed.declared - set(signals) == set()

    def test_a_signal_carries_its_name_time_window_and_rows(self, observed: Observed) -> None:
        """And is never from the future."""
        for name, signal in observed.evidence.signals(observed.recorded, observed.now).items():
            assert signal.name == name
            assert signal.at <= observed.now
            assert signal.at.utcoffset() == timedelta(0)
            assert signal.rows >= 0
            assert signal.window_s >= 0

    def test_no_data_is_none_and_never_a_number_that_is_none(self, observed: Observed) -> None:
        """NaN compares with nothing: a rule on it would neither fire nor stay."""
        for recorded in (Recorded(), observed.recorded):
            for signal in observed.evidence.signals(recorded, observed.now).values():
                assert signal.value is None or math.isfinite(signal.value), signal

    def test_the_same_question_has_the_same_answer(self, observed: Observed) -> None:
        """Looking changes nothing."""
        evidence, recorded, now = observed.evidence, observed.recorded, observed.now
        assert dict(evidence.signals(recorded, now)) == dict(evidence.signals(recorded, now))
        assert evidence.live(recorded, now) == evidence.live(recorded, now)

    def test_without_a_pair_there_is_nothing_to_compare(self, observed: Observed) -> None:
        """No rollout and no watch: no comparison."""
        assert observed.evidence.live(Recorded(), observed.now) == ()

    def test_comparisons_have_their_rows_and_an_interval_around_the_difference(
        self, observed: Observed
    ) -> None:
        """Or no numbers at all, and a note that says why."""
        for comparison in observed.evidence.live(observed.recorded, observed.now):
            assert comparison.rows >= 0
            if comparison.difference is None:
                assert comparison.note
            elif comparison.low is not None and comparison.high is not None:
                assert comparison.low <= comparison.difference <= comparison.high
