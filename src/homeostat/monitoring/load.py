"""How busy the gateway is: from what its workers count to one sample. PURE.

Each worker counts since its start. A sample holds what is new since the look before it, of all
workers together, as one line of JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

import orjson

from homeostat.domain.codec import from_builtins


@dataclass(frozen=True, slots=True)
class WorkerLoad:
    """What one worker tells. The first four grow from its start on, ``age_s`` ago.

    ``requests`` are those that ask the model for something, ``server_errors`` those of them
    that ended in a 5xx. ``resident_bytes`` are its own, ``memory_bytes`` and ``processors`` the
    machine's. ``queue_rows`` wait in bounded queues. None: not known.
    """

    age_s: float
    requests: int
    server_errors: int
    cpu_s: float
    resident_bytes: int | None
    memory_bytes: int | None
    processors: float | None
    queue_rows: int


@dataclass(frozen=True, slots=True)
class Sample:
    """All workers at ``at``; ``requests`` and ``server_errors`` are new since the look before.

    ``cpu_share`` of all processors and ``memory_share`` of all memory are in [0, 1]. They and
    ``queue_rows`` are None when a worker that lives did not answer: the sum is not known then.
    What that worker counted comes with its next answer.
    """

    at: datetime
    requests: int
    server_errors: int
    cpu_share: float | None
    memory_share: float | None
    queue_rows: int | None
    workers: int


def sampled(
    before: Mapping[str, WorkerLoad], told: Mapping[str, WorkerLoad | None], at: datetime
) -> Sample | None:
    """What is new in ``told`` since ``before``; None when no worker answers.

    Both are by worker's name; a value of None is a worker that lives and does not answer. A
    worker that is not in ``before``, or whose counters fell back, began anew: all that it
    counts is new. What a worker did between the last look at it and its end is not seen.
    """
    answered = {name: load for name, load in told.items() if load is not None}
    if not answered:
        return None
    fresh = [_fresh(before.get(name), load) for name, load in answered.items()]
    whole = len(answered) == len(told)
    return Sample(
        at=at,
        requests=sum(one.requests for one in fresh),
        server_errors=sum(one.server_errors for one in fresh),
        cpu_share=_cpu_share(fresh) if whole else None,
        memory_share=_memory_share(fresh) if whole else None,
        queue_rows=sum(one.queue_rows for one in fresh) if whole else None,
        workers=len(answered),
    )


def remembered(
    before: Mapping[str, WorkerLoad], told: Mapping[str, WorkerLoad | None]
) -> dict[str, WorkerLoad]:
    """What the next look is compared with: the last answer of each worker that lives."""
    kept = {name: load or before.get(name) for name, load in told.items()}
    return {name: load for name, load in kept.items() if load is not None}


def _fresh(before: WorkerLoad | None, now: WorkerLoad) -> WorkerLoad:
    """What ``now`` counts beyond ``before``, over ``age_s`` seconds."""
    if before is None or _began_anew(before, now):
        return now
    return WorkerLoad(
        now.age_s - before.age_s,
        now.requests - before.requests,
        now.server_errors - before.server_errors,
        now.cpu_s - before.cpu_s,
        now.resident_bytes,
        now.memory_bytes,
        now.processors,
        now.queue_rows,
    )


def _began_anew(before: WorkerLoad, now: WorkerLoad) -> bool:
    """Whether a counter fell back: another process has the name."""
    return (
        now.age_s < before.age_s
        or now.requests < before.requests
        or now.server_errors < before.server_errors
        or now.cpu_s < before.cpu_s
    )


def _cpu_share(fresh: list[WorkerLoad]) -> float | None:
    """Each worker's processor time over its own time, together over the processors."""
    processors = max((one.processors or 0.0 for one in fresh), default=0.0)
    if processors <= 0 or any(one.age_s <= 0 for one in fresh):
        return None
    return min(1.0, sum(one.cpu_s / one.age_s for one in fresh) / processors)


def _memory_share(fresh: list[WorkerLoad]) -> float | None:
    used = [one.resident_bytes for one in fresh if one.resident_bytes is not None]
    memory = max((one.memory_bytes or 0 for one in fresh), default=0)
    if len(used) < len(fresh) or not memory:
        return None
    return min(1.0, sum(used) / memory)


def line_of(sample: Sample) -> bytes:
    """A sample as a line."""
    return orjson.dumps(asdict(sample), option=orjson.OPT_APPEND_NEWLINE)


def samples_of(content: bytes) -> list[Sample]:
    """The samples in ``content``, in order of time.

    A last line without its end, left by a kill, and lines that are no samples are left out.
    """
    found = [_sample(line) for line in content.split(b"\n")[:-1]]
    return sorted((one for one in found if one is not None), key=lambda one: one.at)


def _sample(line: bytes) -> Sample | None:
    try:
        sample = from_builtins(orjson.loads(line), Sample)
    except ValueError:
        return None
    return sample if sample.at.tzinfo is not None else None
