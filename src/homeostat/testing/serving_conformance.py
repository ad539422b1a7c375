"""What every gateway must do for the loop: subclass, and give the fixture ``served``."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass, replace

import pytest

from homeostat.domain.rollout import Arm, Routing
from homeostat.errors import ModelLoadError
from homeostat.ports.serving import Serving

WRONG = "f" * 64


@dataclass(frozen=True, slots=True)
class Served:
    """A gateway that routes nothing yet, and two versions that it can load.

    ``first`` and ``second`` are arms of different versions; their shares do not matter.
    """

    serving: Serving
    first: Arm
    second: Arm

    @property
    def one(self) -> Routing:
        """All traffic to the first."""
        return Routing((replace(self.first, share=1.0, shadow=False),))

    @property
    def both(self) -> Routing:
        """A canary."""
        return Routing((replace(self.first, share=0.9), replace(self.second, share=0.1)))

    @property
    def shadowed(self) -> Routing:
        """The second answers, the first scores beside it."""
        shadow = replace(self.first, share=0.0, shadow=True)
        return Routing((replace(self.second, share=1.0), shadow))


class ServingConformance:
    """The contract of ports.serving as tests."""

    @pytest.fixture
    def served(self) -> Served:
        """What to check."""
        raise NotImplementedError("give the fixture served")

    def test_at_first_nothing_is_routed(self, served: Served) -> None:
        """An answer without arms, or no answer."""
        observed = served.serving.observe()
        assert observed is None or observed.arms == ()

    def test_what_is_routed_is_observed(self, served: Served) -> None:
        """Versions, digests, shares and shadows, one routing after the other."""
        for routing in (served.one, served.both, served.shadowed, served.one):
            served.serving.route(routing)
            assert _arms(served) == sorted(routing.arms)

    def test_routing_the_same_again_changes_nothing(self, served: Served) -> None:
        """A controller that lost the answer asks again."""
        for _ in range(3):
            served.serving.route(served.both)
            assert _arms(served) == sorted(served.both.arms)

    def test_nothing_can_be_routed(self, served: Served) -> None:
        """The empty routing takes all arms away."""
        served.serving.route(served.both)
        served.serving.route(Routing())
        observed = served.serving.observe()
        assert observed is not None
        assert observed.arms == ()

    def test_an_arm_that_cannot_be_loaded_leaves_the_old_routing(self, served: Served) -> None:
        """Also when the other arms can: all of a routing, or nothing of it."""
        served.serving.route(served.one)
        missing = Arm(99, WRONG, WRONG, 0.1)
        for bad in (Routing((replace(missing, share=1.0),)), Routing((*served.both.arms, missing))):
            with pytest.raises(ModelLoadError) as caught:
                served.serving.route(bad)
            assert caught.value.next_step
            assert _arms(served) == sorted(served.one.arms)

    def test_a_digest_that_is_not_of_the_loaded_bytes_is_never_repeated(
        self, served: Served
    ) -> None:
        """It is refused, or the true digest shows: what was told is not what is answering."""
        served.serving.route(served.one)
        told = Routing((replace(served.second, digest=WRONG, share=1.0, shadow=False),))
        with suppress(ModelLoadError):
            served.serving.route(told)
        assert WRONG not in {arm.digest for arm in _arms(served)}

    def test_a_routing_is_swapped_whole(self, served: Served) -> None:
        """Whoever looks while it changes sees the old one or the new one."""
        allowed = [sorted(served.both.arms), sorted(served.shadowed.arms)]
        served.serving.route(served.both)
        seen: list[list[Arm]] = []
        done = threading.Event()

        def look() -> None:
            while not done.is_set():
                seen.append(_arms(served))

        watcher = threading.Thread(target=look)
        watcher.start()
        for _ in range(20):
            served.serving.route(served.shadowed)
            served.serving.route(served.both)
        done.set()
        watcher.join()
        assert seen
        assert [arms for arms in seen if arms not in allowed] == []


def _arms(served: Served) -> list[Arm]:
    observed = served.serving.observe()
    assert observed is not None, "the gateway was routed and must answer"
    return sorted(observed.arms)
