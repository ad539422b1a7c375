"""Step keys: the same for the same inputs, another for any other, whatever their shape."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from homeostat.domain.codec import canonical
from homeostat.pipeline.steps import Steps
from homeostat.testing.memory import MemoryBlobs, MemoryStepCache
from homeostat.testing.sim_clock import SimClock

SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=12,
)
NAMES = st.sampled_from(["features", "split", "train"])
BASES = st.tuples(st.text(max_size=5), st.text(max_size=5))
STEP = st.tuples(NAMES, BASES, VALUES)
Step = tuple[str, tuple[str, str], Any]


def key_of(step: Step, blobs: MemoryBlobs | None = None, cache: Any = None) -> tuple[str, bool]:
    """The key under which a step is kept, and whether its result was there."""
    name, base, inputs = step
    made = MemoryBlobs() if blobs is None else blobs
    kept = MemoryStepCache() if cache is None else cache
    steps = Steps(made, kept, SimClock(datetime(2024, 1, 1, tzinfo=UTC)), base, lambda *_: None)
    steps.run(name, inputs, lambda: canonical(step))
    return steps.records[0].key, steps.records[0].cached


def turned(value: Any) -> Any:
    """The same value with every mapping in the reverse order."""
    if isinstance(value, dict):
        return {key: turned(value[key]) for key in reversed(list(value))}
    return [turned(one) for one in value] if isinstance(value, list) else value


@given(STEP)
def test_the_same_step_has_the_same_key_whatever_the_order_of_a_mapping(step: Step) -> None:
    assert key_of(step) == key_of((step[0], step[1], turned(step[2])))


@given(STEP, STEP)
def test_other_steps_have_other_keys(one: Step, other: Step) -> None:
    assert (key_of(one) == key_of(other)) == (canonical(one) == canonical(other))


@given(st.lists(STEP, max_size=8))
def test_the_cache_answers_each_step_with_its_own_result(steps: list[Step]) -> None:
    blobs, cache = MemoryBlobs(), MemoryStepCache()
    seen: set[str] = set()
    for step in steps:
        key, cached = key_of(step, blobs, cache)
        assert cached == (key in seen)
        seen.add(key)
        kept = cache.get(key)
        assert kept is not None
        assert blobs.get(kept) == canonical(step) or canonical(turned(step)) == canonical(step)


@given(NAMES, VALUES, st.text(min_size=1, max_size=6))
def test_joining_two_inputs_differently_is_another_step(name: str, value: Any, text: str) -> None:
    half = len(text) // 2
    keys = {
        key_of((name, (text[:half], text[half:]), value))[0],
        key_of((name, (text, ""), value))[0],
    }
    assert len(keys) == (1 if half == len(text) else 2)
