"""Arms and routings."""

from __future__ import annotations

from homeostat.domain.rollout import Arm, Routing


def test_a_shadow_never_answers():
    answering = Arm(1, "d", "p", 1.0)
    assert Routing((answering, Arm(2, "e", "q", 0.0, shadow=True))).answering == (answering,)
    assert Routing().answering == ()
